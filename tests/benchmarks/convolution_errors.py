"""Rounding errors of the fast convolutions: `python -m tests.benchmarks.convolution_errors`.

Forward and gradient of the weights, 16 images of normal numbers, the 3x3 shapes of the paper's network, against the
float64 twin: the largest |error| over u S (u = 2^-24, S the sum of the absolute products of a pixel, or of a weight),
and the rms of the error over that of the result.
"""

import argparse

import numpy as np

from refpcm.fast.kernels.finish import AFFINE
from tests.fast.kernels.lane_case import Case

SQUARES = {"direct": 0, "F(2x2)": 2, "winograd": 4}  # side of Winograd's squares of output pixels
SHAPES = [(16, 16, 32, 32), (28, 28, 16, 16), (56, 56, 8, 8)]
UNIT = 2.0 ** -24


def rms(x):
    return np.sqrt(np.mean(x.astype(np.float64) ** 2))


def errors(got, exact, absolute):
    return (f"largest {np.max(np.abs(got - exact) / (UNIT * absolute)):5.1f} u S   "
            f"rms {rms(got - exact) / rms(exact):.1e}")


def main():
    argparse.ArgumentParser(description=__doc__.split(":")[0]).parse_args()
    print(f"{'':29s}{'forward':33s}gradient of the weights")
    for form, square in SQUARES.items():
        for c, k, h, w in SHAPES:
            case = Case(square, c, k, h, w, 3, 1, 16)
            out = case.forward(AFFINE, np.zeros(k, np.float32))[0]
            gradient = case.gradient_of_weights()
            print(f"{form:12s}{c:3d} -> {k:2d}, {f'{h} x {w}':9s}"
                  f"{errors(out, case.exact_forward(), case.exact_forward(np.abs)):33s}"
                  + errors(gradient, case.exact_backward()[1], case.exact_backward(np.abs)[1]))


if __name__ == "__main__":
    main()
