"""What a check found, as text and as JSON."""

import math
import platform

import numpy as np

from data_tools.foreign_text import shown_lines
from refpcm.golden.precision import WIDENED
from refpcm.golden.profile import MISSING

FEW_ULP = 16
ROUNDING = "rounding: another order of operations, another libm, or fused multiply-add (GCC and Clang: -ffp-contract=off)"
UNITS = {"ulp": "{:g} ULP", "cus": "{:g} u S"}  # in which a tolerance is given


def case_record(case, status, reason, verdicts):
    """One case for the JSON report; outputs in the order of the signal."""
    first_diverging = next((output.name for output, verdict in verdicts if not verdict.ok), None)
    return {"id": case.id, "level": case.level, "operation": case.operation, "interpretation": case.interpretation,
            "status": status, "reason": reason, "first_diverging": first_diverging, "catches": case.catches,
            "outputs": [_output_record(output, verdict) for output, verdict in verdicts]}


def _output_record(output, verdict):
    """What is said of one output. worst_error [unit of the output] and ulp: of the number furthest off for what is allowed."""
    return {"name": output.name, "ok": verdict.ok, "tolerance": output.tolerance.kind, "unit": output.unit,
            "worst_error": _number(verdict.error), "ulp": _ulp(output, verdict),
            "tolerance_used_percent": _number(100 * verdict.used), "allowed": verdict.allowed,
            "tolerance_value": output.tolerance.value,
            "beyond": verdict.beyond, "size": math.prod(output.shape),
            "index": list(verdict.index), "first_index": list(verdict.first), "place": verdict.place,
            "first_actual": _number(verdict.first_actual), "first_expected": _number(verdict.first_expected),
            "actual": _number(verdict.actual), "expected": _number(verdict.expected),
            "actual_hex": as_hex(verdict.actual), "expected_hex": as_hex(verdict.expected),
            "looks_like": verdict.looks, "reason": verdict.reason}


def _ulp(output, verdict):
    """The error in units of the last place of the expected number, in the output's dtype; None for 0, integers, statistics."""
    if verdict.allowed is None or np.dtype(output.dtype).kind != "f" or not math.isfinite(verdict.error) or not verdict.expected:
        return None
    return float(verdict.error / np.spacing(np.abs(verdict.expected).astype(output.dtype)).astype(np.float64))


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
        counted = first["beyond"] and first["tolerance"] != "probe"
        numbers = f", in it {first['beyond']} of {first['size']} numbers" if counted else ""
        lines.append(f"  first diverging tensor: {first['name']} [{first['unit']}]; {len(bad)} of "
                     f"{len(record['outputs'])} tensors differ{numbers}")
        if first["reason"]:
            lines.append(f"  {first['reason']}")
        if first["index"] or not first["reason"]:
            lines += [f"  {_worst(first)}", f"  yours    {first['actual']!s:>26}  {first['actual_hex']}",
                      f"  expected {first['expected']!s:>26}  {first['expected_hex']}"]
            if first["first_index"] not in ([], first["index"]):
                lines.append(f"  the first one beyond its tolerance is {first['first_index']}: yours {first['first_actual']}, "
                             f"expected {first['first_expected']}")
        hint = first["looks_like"] or (ROUNDING if (first["ulp"] or FEW_ULP + 1) <= FEW_ULP else "")
        lines += [f"  looks like {hint}"] if hint else []
        lines += [f"  the case finds: {record['catches']}"] if record["catches"] else []
        lines.append(f"  what it asks: python -m refpcm.golden explain {record['id']}")
    return shown_lines("\n".join(lines))


def _worst(output):
    """Return where the answer is furthest off for what is allowed, and by how much."""
    if output["allowed"] is None:
        return (f"furthest off: {output['place']}, by {_short(output['worst_error'])}, "
                f"{_short(output['tolerance_used_percent'])} % of the tolerance ({output['tolerance']})")
    ulp = f" = {output['ulp']:.4g} ULP" if output["ulp"] is not None else ""
    if not output["allowed"]:
        return f"the first one that is not equal: {output['place']}, by {_short(output['worst_error'])}{ulp}"
    value = UNITS.get(output["tolerance"])
    limit = _short(output["allowed"]) + (f" = {value.format(output['tolerance_value'])}" if value else "")
    return f"furthest off for what is allowed: {output['place']}, by {_short(output['worst_error'])}{ulp}; allowed is {limit}"


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
