"""Asking an implementation: as a Python module, as a command, or through files computed elsewhere.

An asker is a function case -> {output name: array}. It raises Unsupported where the implementation does not have the
operation, and Broken where it failed to answer.
"""

import contextlib
import importlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.golden.compare import compare
from refpcm.golden.exchange import read_outputs, untouched, write_case
from refpcm.golden.verdict import refused

UNSUPPORTED_STATUS = 77  # exit status by which a command says "I do not have this operation"
TIME_LIMIT_S = 600.0
TAIL_BYTES = 4096  # of what a program prints, as much is read for its last line


class Unsupported(Exception):
    """The implementation does not claim this operation."""


class Broken(Exception):
    """The implementation claims the operation and gave no answer."""


def adapter_asker(name, operations=()):
    """Asks the functions of a Python module; NotImplementedError, too, means unsupported.

    Raises RefpcmError for a module that cannot be imported or, where `operations` are given, has none.
    """
    try:
        sys.path.insert(0, "")
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:  # importing runs foreign code, which may raise anything
        raise RefpcmError(f"the adapter {name!r} cannot be imported ({type(error).__name__}: {error}); "
                          "give the name of a module, without .py, and run from the folder it is in") from error
    finally:
        with contextlib.suppress(ValueError):  # the module may have taken it out itself
            sys.path.remove("")
    if operations and not any(callable(getattr(module, operation, None)) for operation in operations):
        raise RefpcmError(f"the adapter {name!r} has no function named like an operation of the kit, such as "
                          f"{sorted(operations)[0]}; python -m refpcm.golden list shows all")

    def ask(case):
        operation = getattr(module, case.operation, None)
        if not callable(operation):  # nothing of that name, or a submodule
            raise Unsupported
        inputs = {name: array.copy() for name, array in case.input_arrays().items()}
        try:
            answers = operation(inputs, case.values())
            if hasattr(answers, "keys"):  # what dict() takes for a mapping
                return {str(name): np.asarray(value) for name, value in dict(answers).items() if value is not None}
        except NotImplementedError as error:
            raise Unsupported from error
        except (Exception, SystemExit) as error:  # whatever foreign code raises is a finding, not a crash
            raise Broken(f"raised {type(error).__name__}: {error}") from error
        raise Broken(f"returned {type(answers).__name__}, not a dict of arrays")
    return ask


def command_asker(command, time_limit_s=TIME_LIMIT_S):
    """Runs `command case-id input-folder output-folder`; both folders are the same, as `write_case` makes it.

    A program that takes longer than time_limit_s seconds for a case is killed and has not answered it.
    Raises RefpcmError for an empty command or an open quotation; asking raises it for a program that cannot be run.
    """
    try:
        words = shlex.split(command)
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
                raise Broken(f"exit status {status}: {_last_line(err) or _last_line(out) or 'no message'}")
            return _outputs(folder)
    return ask


def _run(arguments, out, err, time_limit_s):
    """Exit status of a program without input, its streams going to files; cut short, it is killed with all it started."""
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


def _last_line(stream):
    """The last line of a file that is not blank, or ""; of a longer line than TAIL_BYTES its end."""
    stream.seek(max(stream.seek(0, os.SEEK_END) - TAIL_BYTES, 0))
    lines = stream.read(TAIL_BYTES).decode(errors="backslashreplace").strip().splitlines()
    return lines[-1] if lines else ""


def files_asker(folder):
    """Looks up folder/<case>/outputs.safetensors; a case without folder, or left as exported, is unsupported.

    Raises RefpcmError where `folder` is not a folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RefpcmError(f"--outputs: {folder} is not a folder; make one with python -m refpcm.golden export")

    def ask(case):
        if not (folder / case.id).exists():
            raise Unsupported
        outputs = _outputs(folder / case.id)
        if untouched(case, outputs):
            raise Unsupported
        return outputs
    return ask


def _outputs(folder):
    try:
        return read_outputs(folder)
    except RefpcmError as error:
        raise Broken(str(error)) from error


def run_case(case, ask):
    """("passed" | "failed" | "unsupported", reason, [(Output, Verdict)] in the order of the signal)."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            answers = ask(case)
    except Unsupported:
        return "unsupported", "", []
    except Broken as error:
        return "failed", str(error), []
    with np.errstate(all="ignore"), warnings.catch_warnings():  # an adapter may have made errors of warnings
        warnings.simplefilter("ignore")
        verdicts = [(output, compare(output, answers.get(output.name))) for output in case.outputs]
    unknown = sorted(set(answers) - {output.name for output in case.outputs})
    if unknown and not all(verdict.ok for _, verdict in verdicts):
        missing = refused(f"not returned; unknown names {', '.join(unknown[:5])} were")
        verdicts = [(output, verdict if output.name in answers else missing) for output, verdict in verdicts]
    return "passed" if all(verdict.ok for _, verdict in verdicts) else "failed", "", verdicts
