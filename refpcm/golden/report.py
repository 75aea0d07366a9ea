"""What a check found, as text and as JSON."""

import math
import platform

import numpy as np

from data_tools.foreign_text import shown_lines
from refpcm.golden.precision import WIDENED
from refpcm.golden.profile import MISSING


def case_record(case, status, reason, verdicts):
    """One case for the JSON report; outputs in the order of the signal."""
    first_diverging = next((output.name for output, verdict in verdicts if not verdict.ok), None)
    return {"id": case.id, "level": case.level, "operation": case.operation, "interpretation": case.interpretation,
            "status": status, "reason": reason, "first_diverging": first_diverging,
            "outputs": [_output_record(output, verdict) for output, verdict in verdicts]}


def _output_record(output, verdict):
    return {"name": output.name, "ok": verdict.ok, "tolerance": output.tolerance.kind, "unit": output.unit,
            "largest_error": _number(verdict.error), "tolerance_used_percent": _number(100 * verdict.used),
            "index": list(verdict.index), "first_index": list(verdict.first), "place": verdict.place,
            "actual": _number(verdict.actual), "expected": _number(verdict.expected),
            "actual_hex": as_hex(verdict.actual), "expected_hex": as_hex(verdict.expected),
            "reason": verdict.reason}


def _number(value):
    """JSON has no infinity: such numbers become text."""
    value = value if isinstance(value, int) else float(value)
    return value if math.isfinite(value) else str(value)


def as_hex(value):
    """An integer as 0x..., a floating-point number as C's %a prints it."""
    return hex(value) if isinstance(value, (int, np.integer)) else float(value).hex()


def counts_by_level(records):
    """{level: {status: count}}; "skipped" only where there is one."""
    counts = {}
    for record in records:
        row = counts.setdefault(record["level"], {"passed": 0, "failed": 0, "unsupported": 0})
        row[record["status"]] = row.get(record["status"], 0) + 1
    return counts


def counted(records, status):
    """Return how many cases have a status."""
    return sum(record["status"] == status for record in records)


def full_report(records, kit, implementation, seconds, profile, interrupted=None):
    """Return the JSON report: what was asked, where, of whom, how it was judged, and every case.

    widened: the factor on the tolerances of each operation, null where it was not judged. interrupted: in which case.
    """
    from refpcm.cli import versions
    return {"kit": kit.manifest["version"], "kit_sha256": kit.digest, "kit_released": kit.released,
            "implementation": implementation, "precision": profile.precision, "arithmetic": profile.arithmetic,
            "widened": WIDENED.get(profile.arithmetic, {}), "versions": versions(), "interrupted": interrupted,
            "platform": f"{platform.system()} {platform.machine()}", "seconds": round(seconds, 2),
            "counts": {f"L{level}": row for level, row in counts_by_level(records).items()}, "cases": records}


def failure_text(record):
    """A failed case in a few lines: the first diverging tensor whole, then how many others.

    Of one that passed or was not answered: what was wanted of it.
    """
    named = f"{record['id']} ({', '.join(filter(None, [record['operation'], record['interpretation']]))})"
    if record["status"] == "passed":
        return shown_lines(f"PASSED {named}, which the profile expects to fail ({record['why']}): take it off its list")
    if record["status"] == "unsupported":
        return shown_lines(f"NOT ANSWERED {named} {record['reason']}".rstrip())
    lines = [f"FAILED {named} {record['reason']}".rstrip()]
    bad = [o for o in record["outputs"] if not o["ok"]]
    if bad:
        first = bad[0]
        lines.append(f"  first diverging tensor: {first['name']} [{first['unit']}]; {len(bad)} of "
                     f"{len(record['outputs'])} tensors differ")
        if first["reason"]:
            lines.append(f"  {first['reason']}")
        if first["index"] or not first["reason"]:
            lines += [f"  largest error {_short(first['largest_error'])} at {first['place']}, "
                      f"{_short(first['tolerance_used_percent'])} % of the tolerance ({first['tolerance']})",
                      f"  yours    {first['actual']!r:>26}  {first['actual_hex']}",
                      f"  expected {first['expected']!r:>26}  {first['expected_hex']}"]
            if first["first_index"] not in ([], first["index"]):
                lines.append(f"  the first element beyond its tolerance is {first['first_index']}")
    return shown_lines("\n".join(lines))


def _short(value):
    return value if isinstance(value, str) else f"{value:.4g}"


def missing_text(records):
    """Return in one sentence which operations were to be answered and were not, with their cases."""
    missing = {}
    for record in records:
        if record["shortfall"] == MISSING:
            missing.setdefault(record["operation"], []).append(record["id"])
    return shown_lines("not answered, though the profile wants it: "
                       + "; ".join(f"{operation} ({', '.join(ids)})" for operation, ids in missing.items()))


def summary_text(records):
    """Table of counts by level, and of each level the largest share of a tolerance that passed cases used.

    Below it how many cases were skipped, and why those were not judged that an arithmetic leaves out.
    """
    rows = ["level  passed  failed  unsupported  largest share of a tolerance used"]
    for level, row in sorted(counts_by_level(records).items()):
        used = [o["tolerance_used_percent"] for r in records if r["level"] == level and r["status"] == "passed"
                for o in r["outputs"]]
        largest = f"{max(used):.3g} %" if used else "-"
        rows.append(f"L{level}     {row['passed']:6}  {row['failed']:6}  {row['unsupported']:11}  {largest}")
    if counted(records, "skipped"):
        rows.append(f"{counted(records, 'skipped')} skipped by the profile")
    reasons = [record["reason"] for record in records if record["status"] == "unsupported" and record["reason"]]
    return "\n".join(rows + [f"{reasons.count(reason)} {reason}" for reason in dict.fromkeys(reasons)])
