"""When is an answer right: one comparator a kind of tolerance.

An expectation is a dict of parts; "value" is what was expected (float64, or integers). Kinds, with u = 2^-53 or 2^-24
by the output's dtype and S the part "scale", the sum of the absolute values of the terms that were added up:

  exact   integers are equal; to the part "other" where there is one (see precision.py) or to "value"
  ulp     |a - e| <= value * distance between floating-point numbers at e
  cus     |a - e| <= value * u * S (CUS: the product c u S)
  probe   of a large tensor only its PROBES are stored; each may be off by value * its scale, see `probe`
  moments, kolmogorov, equivalence   see refpcm.golden.statistics
  sample, joint                      see refpcm.golden.sample_tests
  streams                            see refpcm.golden.stream_tests
"""

from dataclasses import replace

import numpy as np

from refpcm.golden import sample_tests, statistics, stream_tests
from refpcm.golden.case import PRECISION
from refpcm.golden.likeness import likeness
from refpcm.golden.verdict import Verdict, refused

CUS = "cus"  # as stored: |error| <= c u S
PARTS = {  # kind of tolerance: what an expectation consists of
    "exact": ("value",), "ulp": ("value",), CUS: ("value", "scale"), "probe": ("value", "scale"), **statistics.PARTS,
    **sample_tests.PARTS, **stream_tests.PARTS}
OF_SAMPLES = {**statistics.KINDS, **sample_tests.KINDS, **stream_tests.KINDS}
PROBES = 16  # single elements in a probe, evenly spread
SUMS = ("sum", "weighted sum", "sum of magnitudes")  # of all elements, behind them in a probe


def compare(output, actual):
    """The Verdict on what an implementation returned for one output of a case."""
    if actual is None:
        return refused("not returned")
    actual = np.asarray(actual)
    if str(actual.dtype) != output.dtype or actual.shape != tuple(output.shape):
        return refused(f"{actual.dtype} {actual.shape} returned, {output.dtype} {tuple(output.shape)} wanted")
    unwritten = np.count_nonzero(is_poison(actual))
    if unwritten:
        return refused(f"{unwritten} of {actual.size} elements were never written")
    kind = output.tolerance.kind
    if kind in OF_SAMPLES:
        improper = np.count_nonzero(~np.isfinite(actual))
        if improper:  # one of them moves a distribution function by 1 / n only
            return refused(f"{improper} of {actual.size} elements are NaN or infinite")
        return OF_SAMPLES[kind](output, actual)
    expected = output.expected["value"]
    if kind == "probe":
        return _in_tensor(judge(probe(actual)[0], expected, output.tolerance.value * output.expected["scale"]), output)
    if kind == "exact":
        if "other" in output.expected:
            expected = np.where(actual == output.expected["other"], output.expected["other"], expected)
        allowed = np.zeros(expected.shape)
    elif kind == "ulp":
        allowed = output.tolerance.value * np.spacing(np.abs(expected).astype(output.dtype))
    else:
        allowed = output.tolerance.value * PRECISION[output.dtype] * output.expected["scale"]
    verdict = judge(actual, expected, allowed)
    return verdict if verdict.ok else replace(verdict, looks=likeness(actual, expected))


def judge(actual, expected, allowed):
    """Verdict from the largest |actual - expected| / allowed; an error where none is allowed counts as infinite."""
    if actual.dtype.kind in "ui":
        actual, expected = actual.astype(object), expected.astype(object)  # no overflow between uint64 and int64
        error = np.abs(actual - expected).astype(np.float64)
    else:
        actual = actual.astype(np.float64)
        with np.errstate(invalid="ignore"):
            error = np.where(actual == expected, 0.0, np.abs(actual - expected))
        error = np.where(np.isnan(error), np.inf, error)
    allowed = np.broadcast_to(np.asarray(allowed, np.float64), error.shape)
    if error.size == 0:
        return Verdict(True, 0.0)
    with np.errstate(over="ignore"):
        used = np.where(error == 0, 0.0, np.where(allowed > 0, error / np.where(allowed > 0, allowed, 1.0), np.inf))
    worst = np.unravel_index(np.argmax(used), error.shape)
    index, ok = _plain(worst), bool(used[worst] <= 1)
    verdict = Verdict(ok, float(used[worst]), float(error[worst]), index, actual[worst], expected[worst],
                      allowed=float(allowed[worst]))
    if ok:
        return verdict
    first = np.unravel_index(np.argmax(used > 1), error.shape)
    return replace(verdict, first=_plain(first), first_actual=actual[first], first_expected=expected[first],
                   beyond=int(np.count_nonzero(used > 1)))


def _plain(index):
    return tuple(int(i) for i in index)


def probe(tensor):
    """(values, scales), both (PROBES + len(SUMS),): single elements, then sum, weighted sum, sum of absolute values.

    Weights are 1 + (i mod 97) / 97 at flat index i, so that elements which changed places show. Scales: the largest
    magnitude for single elements, the sum of absolute values for the sums (twice that for the weighted one).
    """
    flat = np.asarray(tensor, np.float64).reshape(-1)
    magnitudes = np.abs(flat)
    picked = flat[_picked(np.arange(PROBES), flat.size)]
    weights = 1 + np.arange(flat.size) % 97 / 97
    total = magnitudes.sum()
    values = np.concatenate([picked, [flat.sum(), flat @ weights, total]])
    return values, np.concatenate([np.full(PROBES, magnitudes.max()), [total, 2 * total, total]])


def _picked(number, size):
    """Return the flat index of a single element in the probe of a tensor of so many elements."""
    return number * (size - 1) // (PROBES - 1)


def _in_tensor(verdict, output):
    """Return the Verdict on a probe with places of the tensor instead of the probe's."""
    def index_of(slot):
        """The index of a single element, () of a sum."""
        flat = _picked(slot, int(np.prod(output.shape)))
        return _plain(np.unravel_index(flat, output.shape)) if slot < PROBES else ()
    slot = verdict.index[0]
    return replace(verdict, index=index_of(slot), sum_name=SUMS[slot - PROBES] if slot >= PROBES else "",
                   first=index_of(verdict.first[0]) if verdict.first else ())


# --- poison: what output files hold before an implementation writes them

POISON = {"float64": np.uint64(0x7FF4DEADBEEF0BAD), "float32": np.uint32(0x7FADDEAD), "uint32": np.uint32(0xDEADBEEF),
          "int64": np.uint64(0xDEADBEEF0BADF00D), "int32": np.uint32(0xDEADBEEF)}


def poisoned(dtype, shape):
    """An array full of a bit pattern that no case expects (a signalling NaN with a mark, for floats)."""
    return np.full(shape, POISON[dtype]).view(dtype)


def is_poison(array):
    """Where the pattern is still there; floating point arrays are looked at as bits."""
    pattern = POISON.get(str(array.dtype))
    if pattern is None:
        return np.zeros(array.shape, bool)
    return np.ascontiguousarray(array).view(pattern.dtype) == pattern
