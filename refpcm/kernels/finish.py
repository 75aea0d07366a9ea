"""What happens to a row of a convolution's sums while it is still in the first cache.

    STATISTICS  training forward: store z; add up (z - reference) and (z - reference)^2 for the batch norm
    AFFINE      inference: store max(z + bias + addend, floor)
    GRADIENT    backward: store g = (z + addend) where the ReLU's output y > 0, else 0; add up g and g * (z' - reference)

The sums of `STATISTICS` leave out lanes without an image. `reference` is a number near the mean: it keeps the
subtraction E[x^2] - E[x]^2 from cancelling.
"""

import numpy as np

from refpcm.kernels.cache import kernel
from refpcm.kernels.layout import LANES

STATISTICS, AFFINE, GRADIENT = 0, 1, 2


@kernel
def finish_row(mode, values, first, count, lanes, out, at, constant, floor, addend, add, output, activation, sums):
    """One row of one channel: values[first:first + count] -> out[at:at + count]; all arrays flat, float32.

    `constant` is the reference or the bias; `addend` (used if add), `output` (y) and `activation` (z') lie like `out`.
    sums: float64 (2,), increased in place.
    """
    total, product = np.float32(0), np.float32(0)
    if mode == STATISTICS:
        if lanes == LANES:
            for i in range(count):
                value = values[first + i]
                out[at + i] = value
                value -= constant
                total += value
                product += value * value
        else:
            for i in range(count):
                value = values[first + i]
                out[at + i] = value
                value = value - constant if i % LANES < lanes else np.float32(0)
                total += value
                product += value * value
    elif mode == AFFINE:
        if add:
            for i in range(count):
                out[at + i] = max(values[first + i] + constant + addend[at + i], floor)
        else:
            for i in range(count):
                out[at + i] = max(values[first + i] + constant, floor)
        return
    elif add:
        for i in range(count):
            value = values[first + i] + addend[at + i] if output[at + i] > 0 else np.float32(0)
            out[at + i] = value
            total += value
            product += value * (activation[at + i] - constant)
    else:
        for i in range(count):
            value = values[first + i] if output[at + i] > 0 else np.float32(0)
            out[at + i] = value
            total += value
            product += value * (activation[at + i] - constant)
    sums[0] += total
    sums[1] += product
