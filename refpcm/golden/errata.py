"""What turned out to be wrong with stored cases; their values stay (docs/golden.md)."""

_LEVEL_7 = {"case": "L7-tiny-resnet8", "since": "1.0", "text":
            "It does not catch statistics of AdaBS that are never updated: their effect on this network is within its "
            "margin."}

_VERSION_1 = [
    {"case": f"L5-{name}-32", "since": "1.0", "text":
     "Its tolerance is wider than the effect of some mistakes, such as the biased variance in the running statistics and "
     f"weight decay left out; L5-{name}-32-tight finds them."} for name in ("plain", "noisy", "clean")] + [
    {"case": f"L6-weight-noise-{kind}", "since": "1.0", "text":
     "It does not catch the same noise for every weight if each weight's noise changes from sample to sample: the numbers "
     "are tested bin by bin, not for independence of one another."} for kind in ("moments", "kolmogorov")] + [_LEVEL_7]

ERRATA = {1: _VERSION_1, 2: [_LEVEL_7]}  # by major version
