"""Evidence behind the numbers of an evaluation: what each unit keeps beside its counts.

    right        which test images were recognised with each compensation, one bit an image, as base64
    images       number of test images, since the last byte of `right` is padded with zeros
    chip_sha256  `refpcm.spec.pcm.chip.chip_hash` of the chip
    gdc_factors  {layer: alpha} of global drift compensation (GDC), of the unit's first read
    adabs        what AdaBS, adaptive batch norm statistics, changed, with each compensation that has it

Units that were written before this existed have none of it. They stay valid; `lacking` names what they lack.
"""

import base64
from functools import lru_cache

import numpy as np

from refpcm.evaluation.compensations import WITH_ADABS
from refpcm.evaluation.expected import changes
from refpcm.spec.pcm.chip import chip_hash


class Counts(dict):
    """{compensation: number of test images recognised}, with `evidence`, a dict ready for JSON, behind the numbers."""

    def __init__(self, correct=(), evidence=None):
        super().__init__(correct)
        self.evidence = dict(evidence or {})

    def add(self, found):
        """Add the counts of another run of the same unit, with the evidence that it has."""
        self.update(found)
        for key, value in getattr(found, "evidence", {}).items():
            of_each = isinstance(value, dict) and key in ("right", "adabs")
            self.evidence[key] = {**self.evidence.get(key, {}), **value} if of_each else value


def unit_counts(chip, gdc_factors, right, trained, statistics):
    """Return the Counts of a unit with their evidence.

    gdc_factors: {layer: alpha}; right: {compensation: (N,) bool}; trained: the network's parameters; statistics:
    {compensation: running statistics after AdaBS}.
    """
    evidence = {"images": len(next(iter(right.values()))), "chip_sha256": _hash_of(chip),
                "gdc_factors": {name: np.asarray(alpha).tolist() for name, alpha in gdc_factors.items()},
                "right": {name: packed(bits) for name, bits in right.items()}}
    of_adabs = {name: adabs_summary(trained, found) for name, found in statistics.items() if found}
    if of_adabs:
        evidence["adabs"] = of_adabs
    return Counts({name: int(bits.sum()) for name, bits in right.items()}, evidence)


@lru_cache(maxsize=1)
def _hash_of(chip):
    return chip_hash(chip)


def adabs_summary(before, after):
    """Return what AdaBS did to the running statistics {name: (C,)}, over all channels whose variance is above 0.

    mean_shift_rms: change of the means in standard deviations before, root mean square; variance_ratio: variance after
    over variance before, geometric mean.
    """
    relative, shift = changes(before, after)
    return {"mean_shift_rms": shift, "variance_ratio": 1.0 + relative}


def packed(right):
    """Return which images are right, (N,) bool, as base64 text of one bit an image, the first in the highest bit."""
    return base64.b64encode(np.packbits(right).tobytes()).decode()


def unpacked(text, images):
    """Return which of so many images are right, (N,) bool. Raises ValueError for text that does not hold so many."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text, validate=True), np.uint8))
    if not images <= len(bits) < images + 8:
        raise ValueError(f"{len(bits)} bits for {images} images")
    return bits[:images].astype(bool)


def lacking(counts):
    """Return what the evidence of a unit lacks: a tuple of names, empty for a unit that has all of it."""
    evidence = getattr(counts, "evidence", {})
    missing = [name for name in ("chip_sha256", "gdc_factors") if name not in evidence]
    if not all(_is_supported(count, evidence.get("right", {}).get(name), evidence.get("images", 0))
               for name, count in counts.items()):
        missing.append("right")
    if any(name in WITH_ADABS and name not in evidence.get("adabs", {}) for name in counts):
        missing.append("adabs")
    return tuple(missing)


def _is_supported(count, text, images):
    """Whether so many bits of the text are set."""
    try:
        return int(unpacked(text, images).sum()) == count
    except (ValueError, TypeError):
        return False


def summary_of_evidence(units):
    """Return {"units": number, "complete": number, "lacking": {name: number of units without it}} of Counts."""
    missing = [lacking(counts) for counts in units]
    names = sorted({name for each in missing for name in each})
    return {"units": len(missing), "complete": sum(not each for each in missing),
            "lacking": {name: sum(name in each for each in missing) for name in names}}
