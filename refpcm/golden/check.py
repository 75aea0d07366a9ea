"""`python -m refpcm.golden check`: ask an implementation, print what failed, write the report."""

import faulthandler
import json
import sys
import time

from refpcm.cli import Progress
from refpcm.errors import RefpcmError
from refpcm.files.atomic import atomic_file, check_writable
from refpcm.golden import program, runner
from refpcm.golden.kit import Kit
from refpcm.golden.released import RELEASED
from refpcm.golden.report import case_record, failure_text, full_report, summary_text
from refpcm.golden.statistics import samples_text, with_samples

NOT_RELEASED = 3  # exit status: all passed, but against a kit that anybody may have edited


def check(options):
    """Ask an implementation, print what failed and the counts, write the report; on Ctrl-C, of the cases so far.

    Returns 0 if all answered cases passed, 1 if one failed or none was answered, 3 if the kit is not a released one.
    Raises RefpcmError for an implementation that cannot be asked and a report that cannot be written.
    """
    kit = Kit(options.kit)
    cases = with_samples(kit.chosen(options.level, options.case), options.samples)
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
    if options.samples:
        report["samples"] = options.samples
        print(samples_text(cases))
    passed, failed = (sum(record["status"] == status for record in records) for status in ("passed", "failed"))
    asked = f"{len(records)} of {len(cases)}" if interrupted else len(records)
    state = "released" if kit.released else "NOT released"
    print(f"{implementation} against kit {report['kit']} ({state}, {kit.digest[:12]}): {asked} cases, {passed} passed, "
          f"{failed} failed, {report['seconds']:.1f} s")
    if options.report:
        with atomic_file(options.report) as stream:
            stream.write((json.dumps(report, indent=1) + "\n").encode())
    if interrupted:
        print(f"interrupted in case {interrupted}", file=sys.stderr)
        return 130
    if not passed and not failed:
        print("no case was answered, so nothing is known of this implementation", file=sys.stderr)
    if not kit.released:
        print(f"the kit in {kit.folder} is not a released one: its questions, answers or tolerances may have been "
              f"edited; SHA-256 of its manifest {kit.digest}, released are "
              + ", ".join(f"{version} ({digest})" for version, digest in RELEASED.items()), file=sys.stderr)
    if failed or not passed:
        return 1
    return 0 if kit.released else NOT_RELEASED


def _implementation(options, operations):
    """Return the name and the asker of the implementation that the options choose."""
    if options.time_limit is not None and options.command is None:
        raise RefpcmError("--time-limit is for --command; leave it out")
    if options.self is not None:
        name = "fast_adapter" if options.self == "fast" else "reference"
        return f"refpcm, {options.self}", runner.adapter_asker(f"refpcm.golden.{name}", operations)
    if options.adapter is not None:
        return f"adapter {options.adapter}", runner.adapter_asker(options.adapter, operations)
    if options.command is not None:
        limit_s = options.time_limit or program.TIME_LIMIT_S
        return f"command {options.command}", program.command_asker(options.command, limit_s)
    return f"outputs {options.outputs}", runner.files_asker(options.outputs)
