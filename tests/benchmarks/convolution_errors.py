"""Rounding errors of the fast convolutions: `python -m tests.benchmarks.convolution_errors`.

Forward, normal numbers, the 3x3 shapes of the paper's network, against the float64 twin: the largest |error| over u S
(u = 2^-24, S the sum of a pixel's absolute products), and the rms of the error over that of the result.
"""

import numpy as np

from refpcm.kernels.finish import AFFINE
from tests.kernels.lane_case import Case

SHAPES = [(16, 16, 32, 32), (28, 28, 16, 16), (56, 56, 8, 8)]
UNIT = 2.0 ** -24


def rms(x):
    return np.sqrt(np.mean(x.astype(np.float64) ** 2))


def main():
    for form in ("vector", "plain", "winograd", "winograd4"):
        for c, k, h, w in SHAPES:
            case = Case(form, c, k, h, w, 3, 1, 16)
            out, exact = case.forward(AFFINE, np.zeros(k, np.float32))[0], case.exact_forward()
            largest = np.max(np.abs(out - exact) / (UNIT * case.exact_forward(np.abs)))
            print(f"{form:12s}{c:3d} -> {k:2d}, {h} x {w}   largest {largest:5.1f} u S   "
                  f"rms {rms(out - exact) / rms(exact):.1e}")


if __name__ == "__main__":
    main()
