"""Asking an implementation: as a Python module, as a command, or through files computed elsewhere.

An asker is a function case -> {output name: array}. It raises Unsupported where the implementation does not have the
operation, and Broken where it failed to answer.
"""

import contextlib
import importlib
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.golden.compare import compare, refused
from refpcm.golden.exchange import read_outputs, untouched, write_case

UNSUPPORTED_STATUS = 77  # exit status by which a command says "I do not have this operation"
TIME_LIMIT_S = 600


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
        sys.path.remove("")
    if operations and not any(hasattr(module, operation) for operation in operations):
        raise RefpcmError(f"the adapter {name!r} has no function named like an operation of the kit, such as "
                          f"{sorted(operations)[0]}; python -m refpcm.golden list shows all")

    def ask(case):
        operation = getattr(module, case.operation, None)
        if operation is None:
            raise Unsupported
        inputs = {name: array.copy() for name, array in case.input_arrays().items()}
        try:
            answers = dict(operation(inputs, case.values()))
            return {str(name): np.asarray(value) for name, value in answers.items() if value is not None}
        except NotImplementedError as error:
            raise Unsupported from error
        except (Exception, SystemExit) as error:  # whatever foreign code raises is a finding, not a crash
            raise Broken(f"raised {type(error).__name__}: {error}") from error
    return ask


def command_asker(command):
    """Runs `command case-id input-folder output-folder`; both folders are the same, as `write_case` makes it.

    Raises RefpcmError for an empty command or an open quotation; asking raises it for a program that cannot be run.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise RefpcmError(f"--command {command}: {error}; close the quotation") from error
    if not words:
        raise RefpcmError("--command is empty; give the program that answers a case")

    def ask(case):
        with tempfile.TemporaryDirectory(prefix="refpcm-golden-") as folder:
            folder = Path(folder)
            write_case(folder, case)
            try:
                done = subprocess.run([*words, case.id, str(folder), str(folder)], capture_output=True, text=True,
                                      errors="backslashreplace", timeout=TIME_LIMIT_S)
            except OSError as error:
                raise RefpcmError(f"--command: cannot run {words[0]!r}: {error.strerror}") from error
            except subprocess.TimeoutExpired as error:
                raise Broken(f"no answer within {TIME_LIMIT_S} s") from error
            if done.returncode == UNSUPPORTED_STATUS:
                raise Unsupported
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no message"])[-1]
                raise Broken(f"exit status {done.returncode}: {last}")
            return _outputs(folder)
    return ask


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
    verdicts = [(output, compare(output, answers.get(output.name))) for output in case.outputs]
    unknown = sorted(set(answers) - {output.name for output in case.outputs})
    if unknown and not all(verdict.ok for _, verdict in verdicts):
        missing = refused(f"not returned; unknown names {', '.join(unknown[:5])} were")
        verdicts = [(output, verdict if output.name in answers else missing) for output, verdict in verdicts]
    return "passed" if all(verdict.ok for _, verdict in verdicts) else "failed", "", verdicts
