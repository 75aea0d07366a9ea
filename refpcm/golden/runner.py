"""Asking an implementation: as a Python module, or through files computed elsewhere; program.py runs a command.

An asker is a function case -> {output name: array}. It raises Unsupported where the implementation does not have the
operation, and Broken where it failed to answer.
"""

import contextlib
import importlib
import os
import sys
import warnings
from pathlib import Path

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.golden.compare import compare
from refpcm.golden.exchange import read_outputs, untouched
from refpcm.golden.signal_order import in_signal_order
from refpcm.golden.verdict import refused
from refpcm.signals import Terminated

KIT_FOLDER = "REFPCM_KIT"  # environment variable: where adapters and programs find the manifest's devices and networks


class Unsupported(Exception):
    """The implementation does not claim this operation."""


class Broken(Exception):
    """The implementation claims the operation and gave no answer."""


def set_kit_folder(kit):
    """Name the folder of a kit in the environment, before an implementation is imported or run."""
    os.environ[KIT_FOLDER] = str(kit.folder.resolve())


def adapter_asker(name, operations=()):
    """Asks the functions of a Python module; NotImplementedError, too, means unsupported.

    Raises RefpcmError for a module that cannot be imported or, where `operations` are given, has none.
    """
    try:
        sys.path.insert(0, "")
        module = importlib.import_module(name)
    except (KeyboardInterrupt, Terminated):
        raise
    except BaseException as error:  # importing runs foreign code, which may raise anything
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
        except (KeyboardInterrupt, Terminated):
            raise
        except BaseException as error:  # whatever foreign code raises is a finding, not a crash
            raise Broken(f"raised {type(error).__name__}: {error}") from error
        raise Broken(f"returned {type(answers).__name__}, not a dict of arrays")
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
        outputs = answered_outputs(folder / case.id, case)
        if untouched(case, outputs):
            raise Unsupported
        return outputs
    return ask


def answered_outputs(folder, case):
    """Return {name: array} of the file of outputs in a folder. Raises Broken for one that cannot be read."""
    try:
        return read_outputs(folder, case)
    except RefpcmError as error:
        raise Broken(str(error)) from error


def run_case(case, ask):
    """Return "passed", "failed" or "unsupported", the reason, and [(Output, Verdict)] in the order of the signal."""
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
    verdicts = in_signal_order(case, verdicts)
    return "passed" if all(verdict.ok for _, verdict in verdicts) else "failed", "", verdicts
