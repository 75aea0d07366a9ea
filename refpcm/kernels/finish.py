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
from refpcm.kernels.vector import first_lanes, fma, lane_sum, load, maximum, splat, store, where_positive

STATISTICS, AFFINE, GRADIENT = 0, 1, 2


@kernel
def finish_row(mode, values, first, count, lanes, out, at, constant, floor, addend, add, output, activation, sums):
    """One row of one channel: values[first:first + count] -> out[at:at + count]; all arrays flat, float32.

    `constant` is the reference or the bias; `addend` (used if add), `output` (y) and `activation` (z') lie like `out`.
    sums: float64 (2,), written unless the mode is AFFINE.
    """
    total, product = splat(np.float32(0)), splat(np.float32(0))
    if mode == STATISTICS:
        for i in range(0, count, LANES):
            value = load(values, first + i)
            store(out, at + i, value)
            value = value - constant
            total = total + value
            product = fma(value, value, product)
        total, product = first_lanes(total, lanes), first_lanes(product, lanes)
    elif mode == AFFINE:
        lowest = splat(floor)
        for i in range(0, count, LANES):
            value = load(values, first + i) + constant
            if add:
                value = value + load(addend, at + i)
            store(out, at + i, maximum(value, lowest))
        return
    else:
        for i in range(0, count, LANES):
            value = load(values, first + i)
            if add:
                value = value + load(addend, at + i)
            value = where_positive(load(output, at + i), value)
            store(out, at + i, value)
            total = total + value
            product = fma(value, load(activation, at + i) - constant, product)
    sums[0] = lane_sum(total)
    sums[1] = lane_sum(product)
