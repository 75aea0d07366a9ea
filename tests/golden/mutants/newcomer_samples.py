"""Mistakes in the device model with own random numbers: invented without knowledge of the cases.

Of PyTorch users, C++ and Verilog engineers, and physicists with MATLAB or Julia, when kit 2.1 was a draft. A comment says
which inputs show a mistake, where few do.
"""

from types import SimpleNamespace

import numpy as np
from scipy.special import ndtr, ndtri

from refpcm.golden.reference import sampling
from refpcm.spec import random
from refpcm.spec.pcm import programming
from tests.golden.mutants.replacing import replaced

UNIFORMS = random.uniforms


def normals_of_twelve(seed, chip, purpose, layer, draw, start, count, dtype=np.float64):
    return (UNIFORMS(seed, chip, purpose, layer, draw, start, 12 * count).reshape(count, 12).sum(1) - 6).astype(dtype)


def programmed_redrawn(g_target_us, z, device):
    sigma = programming.programming_sigma_us(g_target_us, device)
    below = ndtr(-g_target_us / np.where(sigma > 0, sigma, 1.0))
    g = np.maximum(g_target_us + sigma * ndtri(below + (1 - below) * ndtr(z)), 0.0)
    g = np.where(sigma > 0, g, g_target_us)
    return np.where(g_target_us == 0, 0.0, g) if device.reset_device == "zero" else g


MUTANTS = [
    ("samples-sum-of-twelve", "a normal number is the sum of twelve uniform ones, less 6",
     replaced(sampling, "random", SimpleNamespace(normals=normals_of_twelve, Purpose=random.Purpose))),
    ("samples-redrawn-below-zero", "a conductance below 0 is drawn again until it is not, instead of cut",
     replaced(sampling, "programming", SimpleNamespace(programmed_us=programmed_redrawn))),
]
