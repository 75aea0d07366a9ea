"""Asking one case as a profile wants it."""

import time

from refpcm.golden import precision
from refpcm.golden.profile import SKIPPED, shortfall
from refpcm.golden.report import case_record
from refpcm.golden.runner import run_case


def ask_case(case, ask, profile):
    """Return the record of a case for the report.

    To what `case_record` has it adds seconds, wanted and why (of the profile), and shortfall (see `profile.shortfall`).
    The status of a case that the profile skips is "skipped"; one that its arithmetic cannot judge is unsupported.
    """
    wanted, why = profile.wanted(case)
    began = time.monotonic()
    judged = precision.judged_as(case, profile.precision, profile.arithmetic)
    if wanted == SKIPPED:
        record = case_record(case, "skipped", "", [])
    elif judged is None:
        record = case_record(case, "unsupported", precision.NOT_JUDGED.format(profile.arithmetic), [])
    else:
        asker = precision.answers_in_float32(ask) if profile.precision == "float32" else ask
        record = case_record(judged, *run_case(judged, asker))
    return {**record, "seconds": round(time.monotonic() - began, 3), "wanted": wanted, "why": why,
            "shortfall": shortfall(wanted, record["status"])}
