"""What a comparison found, as a table for people and as JSON."""

from math import isfinite

from refpcm.cli import aligned
from refpcm.golden.lab.estimates import QUANTITIES
from refpcm.golden.lab.verdicts import AGREES, DIFFERS, POWER, UNJUDGED
from refpcm.times import time_text

HEAD = ("quantity", "target [uS]", "devices", "measured", "95 % interval", "law", "found from", "verdict")


def table(rows):
    """Return the Rows as text in columns; the last says why one cannot be judged, or what else is in a number."""
    lines = [HEAD]
    for row in rows:
        numbers = ("-", "-", "-", "-")
        if row.verdict != UNJUDGED:
            numbers = (_number(row.estimate), f"{_number(row.low)} .. {_number(row.high)}", _number(row.predicted),
                       _number(row.smallest))
        note = f" ({row.note})" if row.verdict != UNJUDGED and row.note else f": {row.note}" if row.note else ""
        lines.append([QUANTITIES[row.quantity].label, target_text(row), str(row.devices), *numbers, row.verdict + note])
    return aligned(lines)


def target_text(row):
    """Return the targets of a Row in uS: one, from .. to, or all and how measured and law are compared there."""
    if row.targets is None:
        return f"all, {_kind(row)}"
    low, high = row.targets
    return _number(low) if low == high else f"{_number(low)} .. {_number(high)}"


def _kind(row):
    """Return what the numbers of a Row are: a value, or of all bins the difference from the law or the ratio to it."""
    if row.targets is not None:
        return "value"
    return "difference" if QUANTITIES[row.quantity].scale == "plain" else "ratio"


def summary(m, rows, law, alpha, source):
    """Return what was compared, the counts, and what `found from` means."""
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in (AGREES, DIFFERS, UNJUDGED)}
    compared = counts[AGREES] + counts[DIFFERS]
    first, last = (time_text(round(float(t_s), 3)) for t_s in (m.t_s.min(), m.t_s.max()))
    return (f"{source}: {m.devices} devices, {len(m)} readings from {first} to {last}, against the law of {law.name}\n"
            f"{compared} comparisons, {counts[AGREES]} agree, {counts[DIFFERS]} differ, {counts[UNJUDGED]} cannot be "
            f"judged; alpha = {alpha:g} for all together\n"
            f"found from: so far above the law's number, a deviation is found with probability {POWER:g}")


def as_json(m, rows, law, alpha, source):
    """Return the JSON report: what was compared with what, and every Row."""
    from refpcm.cli import versions
    from refpcm.spec.pcm.device_data import device_to_dict
    return {"source": source, "devices": m.devices, "readings": len(m), "first_s": float(m.t_s.min()),
            "last_s": float(m.t_s.max()), "law": device_to_dict(law), "alpha": alpha, "power": POWER,
            "comparisons": sum(row.verdict != UNJUDGED for row in rows), "versions": versions(),
            "rows": [_row(row) for row in rows]}


def _row(row):
    quantity = QUANTITIES[row.quantity]
    return {"quantity": row.quantity, "label": quantity.label,
            "targets_us": None if row.targets is None else list(row.targets),
            "kind": _kind(row), "devices": row.devices, "measured": row.estimate,
            "interval": None if row.low is None else [row.low, row.high], "law": row.predicted,
            "smallest_difference_found": row.smallest, "z": row.z if row.z is None or isfinite(row.z) else str(row.z),
            "verdict": row.verdict, "note": row.note}


def _number(value):
    return f"{value:.4g}" if abs(value) > 1e-9 else "0"
