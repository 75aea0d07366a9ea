"""What an implementation promises to answer, and how: the file that a maintainer keeps beside the adapter.

    kit = "1.1"                           # at least this version (docs/golden.md, "A version that you rely on")
    precision = "float32"                 # judged with u = 2^-24
    arithmetic = "tf32"                   # of matrix products
    required = ["drifted", "L2-conv-*"]   # operations or cases; * stands for anything
    [expected-to-fail]
    "L1-program-zero" = "idle devices are programmed at g = 0 here"
    [skipped]
    "L7-*" = "takes minutes"

TOML, or the same keys as JSON.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError
from refpcm.files.configuration import read_config_file
from refpcm.golden.case import PRECISION
from refpcm.golden.precision import WIDENED

REQUIRED, EXPECTED_TO_FAIL, SKIPPED = "required", "expected-to-fail", "skipped"  # what a profile wants of a case
FAILED, PASSED, MISSING = "failed", "passed unexpectedly", "not answered"  # how a case falls short of it


@dataclass(frozen=True)
class Profile:
    """kit: version, or None for the default. required: patterns. expected_to_fail, skipped: {pattern: reason}."""
    kit: str = None
    precision: str = "float64"
    arithmetic: str = None
    required: tuple = ()
    expected_to_fail: dict = field(default_factory=dict)
    skipped: dict = field(default_factory=dict)

    def wanted(self, case):
        """Return what is wanted of a case, "" for nothing, and the reason. Skipped comes before the others."""
        for kind, reasons in ((SKIPPED, self.skipped), (EXPECTED_TO_FAIL, self.expected_to_fail)):
            for pattern, reason in reasons.items():
                if fits(case, pattern):
                    return kind, reason
        return (REQUIRED, "") if any(fits(case, pattern) for pattern in self.required) else ("", "")

    def check(self, cases):
        """Raises RefpcmError for a pattern that fits no case of the kit: nothing would hold what it promises."""
        for pattern in (*self.required, *self.expected_to_fail, *self.skipped):
            if not any(fits(case, pattern) for case in cases):
                raise RefpcmError(f"no operation and no case of this kit fits {shown(pattern)!r}, which the profile or "
                                  "--require names; python -m refpcm.golden list shows all")


def fits(case, pattern):
    """Return whether a pattern fits the operation or the id of a case."""
    return fnmatchcase(case.operation, pattern) or fnmatchcase(case.id, pattern)


def shortfall(wanted, status):
    """Return how the status of a case falls short of what is wanted: FAILED, PASSED, MISSING, or "".

    A case that is expected to fail has to be answered, too, and it falls short where it passes.
    """
    if wanted == EXPECTED_TO_FAIL:
        return {"passed": PASSED, "unsupported": MISSING}.get(status, "")
    if wanted == REQUIRED and status == "unsupported":
        return MISSING
    return FAILED if status == "failed" else ""


def read_profile(path):
    """Return the Profile of a TOML or JSON file. Raises RefpcmError for unknown keys and values of another kind."""
    values = read_config_file(path)
    kinds = {"kit": str, "precision": str, "arithmetic": str, "required": list, EXPECTED_TO_FAIL: dict, SKIPPED: dict}
    for key, value in values.items():
        if key not in kinds:
            raise RefpcmError(f"{path}: unknown key {shown(key)!r}; known are {', '.join(kinds)}")
        texts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if not isinstance(value, kinds[key]) or not all(isinstance(text, str) and text for text in texts):
            form = {list: "a list of texts", dict: "a table of texts, each with a reason", str: "a text"}[kinds[key]]
            raise RefpcmError(f"{path}: {key} must be {form}")
    for key, known in (("precision", PRECISION), ("arithmetic", WIDENED)):
        if key in values and values[key] not in known:
            raise RefpcmError(f"{path}: {key} {shown(values[key])!r} is unknown; known are {', '.join(known)}")
    required = tuple(values.pop("required", ()))
    return Profile(required=required, **{key.replace("-", "_"): value for key, value in values.items()})
