"""Several reports side by side as a page of Markdown, and one as the numbers of a badge."""

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError
from refpcm.files.atomic import check_distinct, check_writable, write_bytes
from refpcm.files.reading import read_json
from refpcm.golden.kit import WRONG_FORM, demand
from refpcm.golden.report import counted

FORM = {"kit": str, "kit_sha256": str, "implementation": str, "counts": dict, "cases": list}


def scoreboard(options):
    """Print the scoreboard of reports made by `check --report`, and write it where --markdown says.

    Raises RefpcmError for a file that is no report, and for a table that cannot be written or would overwrite a report.
    """
    if options.markdown:
        check_writable(options.markdown)
        for report in options.reports:
            check_distinct(report, options.markdown)
    text = scoreboard_text([read_report(path) for path in options.reports])
    print(text, end="")
    if options.markdown:
        write_bytes(options.markdown, text.encode())
    return 0


def read_report(path):
    """Return the report in a file. Raises RefpcmError for a file without what a scoreboard needs of it."""
    report = read_json(path)
    try:
        demand(all(isinstance(report[key], kind) for key, kind in FORM.items()), "a field is of another kind")
        demand(all(isinstance(report.get(key), (str, type(None))) for key in ("precision", "arithmetic")), "a field is no text")
        demand(all(isinstance(row[status], int) for row in report["counts"].values() for status in ("passed", "failed"))
               and all(isinstance(number, int) for row in report["counts"].values() for number in row.values()),
               "a count is no number")
        texts = [case[key] for case in report["cases"] for key in ("id", "status", "interpretation")]
        demand(all(isinstance(text, str) for text in texts), "a field of a case is no text")
    except WRONG_FORM:
        raise RefpcmError(f"{path} is not a report; make one with python -m refpcm.golden check --report") from None
    return report


def scoreboard_text(reports):
    """Return a page of Markdown: one row a report, passed of all cases of each level, then what failed in each.

    A level of which nothing was answered has a dash, one that was not asked is empty.
    """
    levels = sorted({level for report in reports for level in report["counts"]})
    lines = ["# Golden kit: scoreboard", "", "Passed of all cases; failed ones, if any, in brackets.", "",
             f"| implementation | kit | judged in | {' | '.join(map(_cell, levels))} |",
             "|---|---|---|" + "--:|" * len(levels)]
    for report in reports:
        released = "" if report.get("kit_released", True) else " (not released)"
        kit = f"{report['kit']} {report['kit_sha256'][:8]}{released}"
        judged = ", ".join(filter(None, [report.get("precision", "float64"), report.get("arithmetic")]))
        scores = [_score(report["counts"].get(level)) for level in levels]
        lines.append(f"| {' | '.join(map(_cell, [report['implementation'], kit, judged, *scores]))} |")
    for report in reports:
        failed = [record for record in report["cases"] if record["status"] == "failed"]
        if failed:
            lines += ["", f"Failed in {_cell(report['implementation'])}:", ""]
            lines += [f"- {_cell(_named(record))}" for record in failed]
    return "\n".join(lines) + "\n"


def _score(row):
    if row is None:
        return ""
    asked = sum(row.values())
    if not row["passed"] and not row["failed"]:
        return "-"
    return f"{row['passed']} of {asked}" + (f" ({row['failed']} failed)" if row["failed"] else "")


def _named(record):
    """Return id, interpretation, first diverging tensor and the reason of an expected failure, those that there are."""
    more = [record["interpretation"], record.get("first_diverging"), record.get("why")]
    return ", ".join([record["id"], *(text for text in more if isinstance(text, str) and text)])


def _cell(text):
    """Return text from a file so that it cannot end a cell or become a link, an image or HTML."""
    return "".join(f"\\{letter}" if letter in "|\\`*[]<>!" else letter for letter in shown(text))


def badge(report):
    """Return {schemaVersion, label, message, color}: a badge in the form that the "endpoint" of shields.io reads."""
    records = report["cases"]
    passed, wrong = counted(records, "passed"), [record for record in records if record["shortfall"]]
    if not report["kit_released"]:
        message, color = "kit not released", "lightgrey"
    elif wrong or report["interrupted"]:
        message, color = f"{len(wrong)} wrong, {passed} passed" if wrong else "interrupted", "red"
    else:
        message, color = f"{passed} of {len(records)} passed", "brightgreen" if passed else "lightgrey"
    return {"schemaVersion": 1, "label": f"golden kit {report['kit']}", "message": message, "color": color}
