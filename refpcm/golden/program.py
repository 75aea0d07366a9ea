"""Asking a program: it gets a case as a folder of files and leaves its answer there."""

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError
from refpcm.golden.exchange import write_case
from refpcm.golden.runner import Broken, Unsupported, answered_outputs

UNSUPPORTED_STATUS = 77  # exit status by which a command says "I do not have this operation"
TIME_LIMIT_S = 600.0
LINES, LINE = 10, 300  # of what a program printed last, for the report; characters of a line
TAIL_BYTES = 8192  # in which these lines are looked for


def command_asker(command, time_limit_s=TIME_LIMIT_S):
    """Return a function that runs `command case-id folder folder`, the folder being as `write_case` makes it.

    A program that takes longer than time_limit_s seconds for a case is killed and has not answered it.
    Raises RefpcmError for an empty command or an open quotation; asking raises it for a program that cannot be run.
    """
    try:
        words = split_command(command)
    except ValueError as error:
        raise RefpcmError(f"--command {command}: {error}; close the quotation") from error
    if not words:
        raise RefpcmError("--command is empty; give the program that answers a case")

    def ask(case):
        # a process that the program left behind may still write into the folder while it is removed
        with tempfile.TemporaryDirectory(prefix="refpcm-golden-", ignore_cleanup_errors=True) as folder, \
                tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            folder = Path(folder)
            write_case(folder, case)
            try:
                status = _run([*words, case.id, str(folder), str(folder)], out, err, time_limit_s)
            except OSError as error:
                raise RefpcmError(f"--command: cannot run {words[0]!r}: {error.strerror}") from error
            except subprocess.TimeoutExpired as error:
                raise Broken(f"no answer within {time_limit_s:g} s") from error
            if status == UNSUPPORTED_STATUS:
                raise Unsupported
            if status:
                raise Broken(f"{_ended(status)}: {_last_lines(err) or _last_lines(out) or 'no message'}")
            return answered_outputs(folder, case)
    return ask


def _ended(status):
    """Return in words how a program ended."""
    try:
        return f"ended by signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"exit status {status}"
    except ValueError:
        return f"ended by signal {-status}"


def split_command(command):
    """Return the words of a command line as the system's shell takes them; on Windows a backslash is part of a path.

    Raises ValueError for an open quotation.
    """
    if os.name != "nt":
        return shlex.split(command)
    return [word[1:-1] if word[:1] == word[-1:] == '"' else word for word in shlex.split(command, posix=False)]


def _run(arguments, out, err, time_limit_s):
    """Return the exit status of a program without input, its streams going to files.

    Cut short, it is killed with all that it started.
    """
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
    try:
        return process.wait(time_limit_s)
    except BaseException:  # too late, or Ctrl-C, which does not reach a session of its own
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):  # all of them have ended meanwhile
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        raise


def _last_lines(stream):
    """Return the last LINES lines of a file that are not blank, one after the other; "" where there is none."""
    stream.seek(max(stream.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
    lines = stream.read(TAIL_BYTES).decode(errors="backslashreplace").splitlines()
    last = [shown(line, LINE) for line in lines if line.strip()][-LINES:]
    return "\n    ".join(["", *last] if len(last) > 1 else last)
