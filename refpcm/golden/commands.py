"""The actions of `python -m refpcm.golden`, after the arguments are parsed: options -> exit status."""

import faulthandler
import fnmatch
import inspect
import json
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from refpcm.cli import Progress, versions
from refpcm.errors import RefpcmError
from refpcm.files.atomic import atomic_file, check_writable
from refpcm.golden import exchange, reference, runner
from refpcm.golden.case import in_float64
from refpcm.golden.compare import compare
from refpcm.golden.errata import ERRATA
from refpcm.golden.kit import Kit, write_kit
from refpcm.golden.report import as_hex, case_record, failure_text, full_report, summary_text

NEAR = {  # rtol, atol of a regenerated part: S of L1 to L5; at L6 closed forms, at L7 statistics of accuracies
    "scale": (1e-6, 0.0), "mu": (1e-9, 0.0), "sigma": (1e-9, 0.0), "mean": (0.0, 0.01), "variance_of_mean": (0.5, 0.0)}


def list_command(options):
    """Print a line for each case. Raises RefpcmError if there is none."""
    for case in _chosen(options)[1]:
        print(f"{case.id:<32} {case.operation:<24} {case.interpretation:<16} catches: {case.catches}")
    return 0


def _chosen(options):
    """The kit and its cases that --level and --case leave. Raises RefpcmError if none is left."""
    kit = Kit(options.kit)
    patterns = getattr(options, "case", None) or ["*"]
    cases = [case for case in kit.cases if (options.level is None or case.level in options.level)
             and any(fnmatch.fnmatchcase(case.id, pattern) for pattern in patterns)]
    if not cases:
        raise RefpcmError(f"no case fits {' '.join(patterns)}; python -m refpcm.golden list shows all")
    return kit, cases


def explain_command(options):
    """Print one case in full, with the reference's code for it. Raises RefpcmError for an unknown id."""
    kit = Kit(options.kit)
    case = next((case for case in kit.cases if case.id == options.case), None)
    if case is None:
        raise RefpcmError(f"there is no case {options.case!r}; python -m refpcm.golden list shows all")
    print(f"{case.id}: {case.operation}, level L{case.level}"
          + (f", interpretation {case.interpretation}" if case.interpretation else ""))
    print(f"  equation  {case.equation}\n  catches   {case.catches}")
    for name, (value, unit) in case.parameters.items():
        exact = f"  ({value.hex()})" if isinstance(value, float) else ""
        print(f"  parameter {name} = {value} [{unit}]{exact}")
    for entry in case.inputs:
        print(f"  input     {entry.name} {entry.dtype} {entry.shape} [{entry.unit}]: {_first(entry.array())}")
    for output in case.outputs:
        print(f"  output    {output.name} {output.dtype} {output.shape} [{output.unit}]\n"
              f"            tolerance {output.tolerance.kind} {output.tolerance.value:.4g}: {output.tolerance.why}")
        for part, array in output.expected.items():
            print(f"            {part}: {_first(array)}")
    for erratum in kit.manifest["errata"]:
        if erratum["case"] == case.id:
            print(f"  erratum since {erratum['since']}: {erratum['text']}")
    print("\nThe reference's answer:\n\n" + inspect.getsource(getattr(reference, case.operation)))
    return 0


def _first(array, count=4):
    flat = np.asarray(array).reshape(-1)
    shown = ", ".join(f"{v} ({as_hex(v)})" if flat.dtype.kind == "f" else str(v) for v in flat[:count].tolist())
    return shown + (", ..." if flat.size > count else "")


def export_command(options):
    """Write cases as folders into a new folder. Raises RefpcmError for one that exists or cannot be written."""
    folder = Path(options.folder)
    if folder.exists():
        raise RefpcmError(f"{folder} exists; give a new folder, so that no answers are overwritten")
    cases = _chosen(options)[1]
    try:
        for case in cases:
            exchange.write_case(folder / case.id, case)
    except BaseException:  # half an export would pass for a whole one
        shutil.rmtree(folder, ignore_errors=True)
        raise
    print(f"{len(cases)} cases written to {folder}; overwrite each outputs.safetensors, then check --outputs {folder}")
    return 0


def check_command(options):
    """Ask an implementation, print what failed and the counts, write the report; on Ctrl-C, of the cases so far.

    Raises RefpcmError for an implementation that cannot be asked and a report that cannot be written.
    """
    kit, cases = _chosen(options)
    if options.report:
        check_writable(options.report)
    implementation, ask = _implementation(options, {case.operation for case in kit.cases})
    faulthandler.enable()  # foreign code may crash the process: say where
    meter = Progress(len(cases), "case", unit="cases", decimals=1)
    began, records, interrupted = time.monotonic(), [], None
    try:
        for case in cases:
            meter.update(len(records), case.id)
            records.append(case_record(case, *runner.run_case(case, ask)))
            if records[-1]["status"] == "failed":
                meter.clear()
                print(failure_text(records[-1]), flush=True)
    except KeyboardInterrupt:
        interrupted = case.id
    meter.clear()
    report = full_report(records, kit, implementation, time.monotonic() - began, interrupted)
    print(summary_text(records))
    passed, failed = (sum(record["status"] == status for record in records) for status in ("passed", "failed"))
    asked = f"{len(records)} of {len(cases)}" if interrupted else len(records)
    print(f"{implementation} against kit {report['kit']} ({kit.digest[:12]}): {asked} cases, {passed} passed, "
          f"{failed} failed, {report['seconds']:.1f} s")
    if options.report:
        with atomic_file(options.report) as stream:
            stream.write((json.dumps(report, indent=1) + "\n").encode())
    if interrupted:
        print(f"interrupted in case {interrupted}", file=sys.stderr)
        return 130
    if not passed and not failed:
        print("no case was answered, so nothing is known of this implementation", file=sys.stderr)
    return 0 if passed and not failed else 1


def _implementation(options, operations):
    """(name, asker) of the implementation that the options choose."""
    if options.time_limit is not None and options.command is None:
        raise RefpcmError("--time-limit is for --command; leave it out")
    if options.self is not None:
        name = "fast_adapter" if options.self == "fast" else "reference"
        return f"refpcm, {options.self}", runner.adapter_asker(f"refpcm.golden.{name}", operations)
    if options.adapter is not None:
        return f"adapter {options.adapter}", runner.adapter_asker(options.adapter, operations)
    if options.command is not None:
        return f"command {options.command}", runner.command_asker(options.command, options.time_limit or runner.TIME_LIMIT_S)
    return f"outputs {options.outputs}", runner.files_asker(options.outputs)


def regenerate_command(options):
    """Expected values computed anew from the level's code must lie within the stored cases' tolerances.

    S and the texts of a case must be the stored ones, too. Raises RefpcmError for --out with a kit in it.
    """
    from refpcm.golden.levels import all_cases
    levels = range(8) if options.level is None else options.level
    kit, fresh = Kit(options.kit), all_cases(levels)
    if options.out:
        write_kit(options.out, fresh, {name: str(value) for name, value in versions().items()}, kit)
    stored = {case.id: case for case in kit.cases if case.level in levels}
    problems = [] if kit.manifest["errata"] == ERRATA else ["the errata are others"]
    problems += [f"{case.id} is not in the stored kit" for case in fresh if case.id not in stored]
    problems += [f"{id} is no longer generated" for id in stored if id not in {case.id for case in fresh}]
    for case in fresh:
        if case.id in stored:
            problems += _differences(case, stored[case.id])
    print("\n".join(problems) if problems else f"{len(fresh)} cases regenerated, all within their tolerances")
    return 1 if problems else 0


def _differences(fresh, stored):
    """What differs, one sentence each."""
    if _signature(fresh) != _signature(stored):
        return [f"{fresh.id}: operation, inputs, parameters or outputs are others, or a tolerance is"]
    ours, kept = fresh.input_arrays(), stored.input_arrays()
    found = [f"{fresh.id}: {what} differs" for (what, text), (_, before) in zip(_texts(fresh), _texts(stored))
             if text != before]
    found += [f"{fresh.id}: input {name} differs" for name in kept
              if not np.allclose(ours[name], kept[name], rtol=1e-6, atol=1e-9)]
    for new, old in zip(fresh.outputs, stored.outputs):
        found += [f"{fresh.id}: {part} of {old.name} differs" for part, expected in old.expected.items()
                  if part in NEAR and not np.allclose(new.expected[part], expected, *NEAR[part])]
    if stored.level >= 6:  # what is stored there are parameters of distributions, or means over chips
        return found
    answers = getattr(reference, stored.operation)(in_float64(kept), stored.values())
    for output in stored.outputs:
        verdict = compare(output, np.asarray(answers[output.name]).astype(output.dtype))
        if not verdict.ok:
            found.append(f"{fresh.id}: {output.name} is off by {verdict.error:.3g} at {verdict.index}")
    return found


def _signature(case):
    """What must not change at all: operation, inputs, parameters, and the form and tolerance of the outputs."""
    return (case.operation, [(i.name, i.dtype, i.shape) for i in case.inputs], case.parameters,
            [(o.name, o.dtype, tuple(o.shape), o.tolerance.kind, o.tolerance.value) for o in case.outputs])


def _texts(case):
    """[(what, text)] of a case, the same ones for cases of the same signature."""
    return ([("equation", case.equation), ("interpretation", case.interpretation), ("catches", case.catches)]
            + [(f"unit of {tensor.name}", tensor.unit) for tensor in (*case.inputs, *case.outputs)]
            + [(f"the reason for the tolerance of {o.name}", o.tolerance.why) for o in case.outputs])
