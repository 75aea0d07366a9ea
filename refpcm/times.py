"""Times as people write them: 25s, 1h, 1day, 1month."""

import re

from refpcm.errors import RefpcmError

UNITS_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0, "month": 30 * 86400.0, "year": 365 * 86400.0}
_SHORT = {"sec": "s", "second": "s", "m": "min", "minute": "min", "hour": "h", "d": "day", "mo": "month", "y": "year",
          "yr": "year"}
EXAMPLE = "25s, 1h, 1day, 1month, 1year"


def parse_times(text):
    """Seconds, ascending and without repetition, from '25s, 1h, 1day'. A month is 30 days, a year 365 days.

    Raises RefpcmError for anything that is not a number with a unit.
    """
    seconds = {parse_time(part) for part in re.split(r"[,\s]+(?=[\d.])", text.strip().strip(","))}
    return tuple(sorted(seconds))


def parse_time(text):
    """Seconds from one time. Raises RefpcmError."""
    match = re.fullmatch(r"\s*(\d+\.?\d*(?:[eE]\d+)?|\.\d+)\s*([a-zA-Z]*)\s*", text)
    unit = match.group(2) if match else ""
    if len(unit) > 2:  # M may be a month or a minute, ms is neither
        unit = unit.lower().removesuffix("s")
    unit_s = UNITS_S.get(_SHORT.get(unit, unit))
    if unit_s is not None:
        return float(match.group(1)) * unit_s
    raise RefpcmError(f"{text.strip()!r} is not a time; write a number with one of {', '.join(UNITS_S)}, as in {EXAMPLE}")


def time_text(t_s):
    """The shortest exact form: '1 month' for 2592000."""
    for unit, unit_s in reversed(UNITS_S.items()):
        if t_s >= unit_s and (t_s / unit_s).is_integer():
            return f"{t_s / unit_s:.0f} {unit}"
    return f"{float(t_s)!r} s".replace(".0 s", " s")
