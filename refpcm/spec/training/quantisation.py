"""Networks whose weights have few values, trained straight through: ternary ones as in the paper, and 4-bit ones (I-15).

Forward and backward pass use the quantised weights, the gradient goes to the full-precision ones as if the
quantisation were not there (Bengio, Leonard, Courville 2013, arXiv 1308.3432; weights: Courbariaux, Bengio, David
2015, arXiv 1511.00363). What is evaluated and saved is the quantised network. A layer has one scale, as it has one
W_max on the chip, and the linear layer's biases count as weights (I-1). Batch norm stays in full precision.
"""

import numpy as np

from refpcm.spec.pcm.converters import Converter, convert
from refpcm.spec.training.weight_noise import change_layers

FOUR_BITS = Converter(4)
TERNARY_THRESHOLD = 0.7  # of mean |W|


def four_bit(w):
    """Return the nearest of the 15 levels -7 s .. 7 s, s = max|w| / 7 (I-15); halves go to the even level. E-76.

    The uniform symmetric quantiser of Krishnamoorthi 2018 (arXiv 1806.08342), 4 bits without the code -8. w: any shape.
    """
    w_max = float(np.abs(w).max())
    return convert(w, FOUR_BITS, w_max) if w_max else w


def ternary(w):
    """Return -a, 0 or a: 0 where |w| <= D = 0.7 mean|w|, else the sign of w times a, the mean of |w| beyond D (I-16). E-77.

    Ternary Weight Networks (Li, Zhang, Liu 2016, arXiv 1605.04711): a is the best for given D, and D nearly the
    best for weights that are uniform or normal. w: any shape.
    """
    magnitude = np.abs(w)
    kept = magnitude > TERNARY_THRESHOLD * magnitude.mean(dtype=np.float64)
    scale = magnitude[kept].mean(dtype=np.float64) if kept.any() else 0.0
    return (np.sign(w) * kept * scale).astype(w.dtype)


QUANTISERS = {"4-bit": four_bit, "ternary": ternary}


def quantised_parameters(network, parameters, precision):
    """Return parameters whose crossbar weights are quantised layer by layer; `parameters` itself for precision "float"."""
    if precision == "float":
        return parameters
    return change_layers(network, parameters, lambda number, weights: QUANTISERS[precision](weights))
