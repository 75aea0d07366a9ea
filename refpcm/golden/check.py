"""`python -m refpcm.golden check`: ask an implementation, print what failed, write the reports."""

import faulthandler
import json
import time
from dataclasses import replace

from refpcm import cli
from refpcm.cli import Progress
from refpcm.cli import counted as number_of
from refpcm.errors import RefpcmError
from refpcm.files.atomic import check_distinct, check_writable, write_bytes
from refpcm.golden import program, runner
from refpcm.golden.junit import junit_xml
from refpcm.golden.one_case import ask_case
from refpcm.golden.pin import find_kit
from refpcm.golden.profile import EXPECTED_TO_FAIL, FAILED, MISSING, PASSED, REQUIRED, Profile, read_profile
from refpcm.golden.released import RELEASED
from refpcm.golden.report import counted, failure_text, full_report, missing_text, summary_text
from refpcm.golden.scoreboard import badge, scoreboard_text
from refpcm.golden.statistics import samples_text, with_samples

NOT_RELEASED = 3  # exit status: all passed, but against a kit that anybody may have edited
FEWER_ANSWERED = 4  # exit status: all that were answered passed, but not all that had to be


def check(options):
    """Ask an implementation, print what failed and the counts, write the reports; on Ctrl-C, of the cases so far.

    Returns an exit status as the help of the command lists them.
    Raises RefpcmError for an implementation that cannot be asked and a report that cannot be written.
    """
    profile = chosen_profile(options)
    kit = find_kit(profile.kit)
    profile.check(kit.cases)
    cases = with_samples(kit.chosen(options.level, options.case), options.samples)
    writers = _writers(options)
    runner.set_kit_folder(kit)
    implementation, ask = _implementation(options, {case.operation for case in kit.cases})
    faulthandler.enable()  # foreign code may crash the process: say where
    meter = Progress(len(cases), "case", unit="cases", decimals=1)
    began, records, interrupted = time.monotonic(), [], None
    try:
        for case in cases:
            meter.update(len(records), case.id)
            records.append(ask_case(case, ask, profile))
            if records[-1]["shortfall"] in (FAILED, PASSED):
                meter.clear()
                print(failure_text(records[-1]), flush=True)
    except KeyboardInterrupt:
        interrupted = case.id
    meter.clear()
    report = full_report(records, kit, implementation, time.monotonic() - began, profile, interrupted)
    print(summary_text(records))
    if options.samples:
        report["samples"] = options.samples
        print(samples_text(cases))
    print(_last_line(report, kit, len(cases)))
    for path, text_of in writers:
        write_bytes(path, text_of(report).encode())
    asked = {case.id for case in cases}
    wanted = [case.id for case in kit.cases if profile.wanted(case)[0] in (REQUIRED, EXPECTED_TO_FAIL)]
    if left_out := len(set(wanted) - asked):
        cli.say(f"{left_out} cases that the profile wants were not asked because of --level or --case")
    return _exit_status(records, kit, interrupted)


def chosen_profile(options):
    """Return the Profile of --profile, or an empty one, with what the other options change in it."""
    profile = read_profile(options.profile) if options.profile else Profile()
    changes = {"kit": options.kit, "precision": options.precision, "arithmetic": options.arithmetic}
    return replace(profile, required=(*profile.required, *(options.require or ())),
                   **{key: value for key, value in changes.items() if value is not None})


def _writers(options):
    """Return [(path, function report -> text)] of the files that are wanted, all of them writable and distinct."""
    forms = ((options.report, _json), (options.junit, junit_xml), (options.badge, lambda report: _json(badge(report))),
             (options.markdown, lambda report: scoreboard_text([report])))
    writers = [(path, text_of) for path, text_of in forms if path is not None]
    check_distinct(options.profile, *(path for path, _ in writers))
    for path, _ in writers:
        check_writable(path)
    return writers


def _json(report):
    return json.dumps(report, indent=1) + "\n"


def _last_line(report, kit, asked):
    """Return implementation, kit, how it was judged and the counts in one line."""
    count = len(report["cases"])
    passed, failed = (counted(report["cases"], status) for status in ("passed", "failed"))
    expected = sum(record["status"] == "failed" and not record["shortfall"] for record in report["cases"])
    state = "released" if kit.released else "NOT released"
    judged = [how for how in (report["precision"], report["arithmetic"]) if how not in ("float64", None)]
    asked_of = f"{count} of {asked} cases" if report["interrupted"] else number_of(count, "case")
    return (f"{report['implementation']} against kit {report['kit']} ({', '.join([state, kit.digest[:12], *judged])}): "
            f"{asked_of}, {passed} passed, {failed} failed"
            f"{f', {expected} of them as expected' if expected else ''}, {report['seconds']:.1f} s")


def _exit_status(records, kit, interrupted):
    """Return the exit status; say on stderr what is not in the table."""
    shortfalls = {record["shortfall"] for record in records}
    answered = counted(records, "passed") + counted(records, "failed")
    if MISSING in shortfalls:
        cli.say(missing_text(records))
    if not answered:
        cli.say("no case was answered, so nothing is known of this implementation")
    if not kit.released:
        cli.say(f"the kit in {kit.folder} is not a released one: its questions, answers or tolerances may have been "
                f"edited; SHA-256 of its manifest {kit.digest}, released are "
                + ", ".join(f"{version} ({digest})" for version, digest in RELEASED.items()))
    if interrupted:
        cli.say(f"interrupted in case {interrupted}")
        return 130
    if shortfalls & {FAILED, PASSED}:
        return 1
    if MISSING in shortfalls:
        return FEWER_ANSWERED
    if not answered:
        return 1
    return 0 if kit.released else NOT_RELEASED


def _implementation(options, operations):
    """Return the name and the asker of the implementation that the options choose."""
    if options.time_limit is not None and options.command is None:
        raise RefpcmError("--time-limit is for --command; leave it out")
    if options.self is not None:
        name = "fast_adapter" if options.self == "fast" else "reference"
        cli.set_threads(None)
        return f"refpcm, {options.self}", runner.adapter_asker(f"refpcm.golden.{name}", operations)
    if options.adapter is not None:
        return f"adapter {options.adapter}", runner.adapter_asker(options.adapter, operations)
    if options.command is not None:
        limit_s = options.time_limit or program.TIME_LIMIT_S
        return f"command {options.command}", program.command_asker(options.command, limit_s)
    return f"outputs {options.outputs}", runner.files_asker(options.outputs)
