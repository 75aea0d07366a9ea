"""The report as JUnit XML, which programs that run tests for others read and show."""

from xml.etree import ElementTree

from data_tools.foreign_text import shown, shown_lines
from refpcm.golden.profile import EXPECTED_TO_FAIL
from refpcm.golden.report import failure_text


def junit_xml(report):
    """Return the XML of a report: one test suite, in it a test case for each case of the kit.

    What falls short of the profile is a failure: a case that failed, one that passed although it was expected to fail,
    one that was required and not answered. A case that failed as expected, was skipped or is unsupported is "skipped".
    A check that was interrupted, or in which nothing was answered, has one more test case, which says so and fails.
    """
    records, broken = report["cases"], _broken(report)
    suite = ElementTree.Element(
        "testsuite", name=shown(f"refpcm golden kit {report['kit']}"), tests=str(len(records) + len(broken)), errors="0",
        failures=str(sum(bool(record["shortfall"]) for record in records) + len(broken)),
        skipped=str(sum(_left_out(record) is not None for record in records)), time=f"{report['seconds']:.3f}")
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("implementation", "kit_sha256", "kit_released", "precision", "arithmetic", "platform", "interrupted"):
        ElementTree.SubElement(properties, "property", name=name, value=shown(str(report[name])))
    for record in records:
        case = ElementTree.SubElement(suite, "testcase", classname=f"golden.L{record['level']}.{record['operation']}",
                                      name=record["id"], time=f"{record['seconds']:.3f}")
        if record["shortfall"]:
            failure = ElementTree.SubElement(case, "failure", message=shown(_message(record)), type=record["shortfall"])
            failure.text = failure_text(record)
        elif _left_out(record) is not None:
            ElementTree.SubElement(case, "skipped", message=shown(_left_out(record)))
    for why in broken:
        case = ElementTree.SubElement(suite, "testcase", classname="golden", name="the whole check", time="0.000")
        ElementTree.SubElement(case, "failure", message=why, type="incomplete").text = why
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _broken(report):
    """Return in a list why the whole check fails whatever its cases say; empty: it does not."""
    if report["interrupted"]:
        return [shown(f"interrupted in case {report['interrupted']}: the cases from there on are missing")]
    answered = any(record["status"] in ("passed", "failed") for record in report["cases"])
    return [] if answered else ["no case was answered, so nothing is known of this implementation"]


def _message(record):
    return record["reason"] or (f"first diverging tensor: {record['first_diverging']}" if record["first_diverging"]
                                else record["shortfall"])


def _left_out(record):
    """Return why a case counts as skipped, or None for one that does not."""
    if record["shortfall"] or record["status"] == "passed":
        return None
    if record["wanted"] == EXPECTED_TO_FAIL:
        return shown_lines(f"failed as expected: {record['why']}")
    return record["why"] or record["reason"] or record["status"]
