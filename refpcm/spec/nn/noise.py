"""Gaussian noise on a tensor, in proportion to its largest magnitude."""

import numpy as np


def add_noise(x, eta, z):
    """x + eta max|x| z, the maximum over the whole tensor (I-12); dL/dx is dL/dout, the maximum taken for a constant.
    E-23.

    x, z of one shape, z standard normal.
    """
    return x + x.dtype.type(eta * float(np.abs(x).max())) * z
