"""What happens to a tile of a convolution's sums while it is still in the first cache.

    STATISTICS  training forward: store z; add up (z - reference) and (z - reference)^2 for the batch norm
    AFFINE      inference: store max(z + bias + addend, floor)
    GRADIENT    backward: store g = z + addend where the ReLU's output y > 0, else 0; add up g and g (z' - reference)

The sums of `STATISTICS` leave out lanes without an image. `reference` is a number near the mean: it keeps the
subtraction E[x^2] - E[x]^2 from cancelling.

Kernels get all this as one tuple, made by `finish`.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import first_lanes, fma, lane_sum, load, maximum, prefetch, splat, store, where_positive

STATISTICS, AFFINE, GRADIENT = 0, 1, 2
TOTALS = 2 * LANES  # floats that the running sums of one channel take
NO_FLOOR = np.float32(-np.inf)


def finish(mode, constants, out, floor=NO_FLOOR, addend=None, output=None, activation=None):
    """The tuple: mode, constants (K,), floor, is there an addend; out, addend, output, activation, all made flat.

    `constants` are the references or the biases, `output` is y, `activation` z'. What a mode does not use is `out`.
    """
    arrays = [(out if array is None else array).reshape(-1) for array in (out, addend, output, activation)]
    return (mode, constants, floor, addend is not None, *arrays)


@kernel
def finish_tile(mode, constants, floor, add, out, addend, output, activation, values, first, span, channel, channels,
                count, at, plane, totals):
    """Channels `channel` .. `channels` - 1 of a tile; `count` floats each, values[first + t * span:] -> out.

    The first eight: from `finish` (taken apart, since a tuple of arrays costs reference counting at every call);
    at: index in `out` of the first float of channel `channel`, plane: floats from one channel to the next;
    totals: float32, TOTALS a channel, increased unless the mode is AFFINE.
    """
    lowest = splat(floor)
    for k in range(channel, channels):
        constant = constants[k]
        total, product = load(totals, k * TOTALS), load(totals, k * TOTALS + LANES)
        if mode == STATISTICS:
            for i in range(0, count, LANES):
                value = load(values, first + i)
                store(out, at + i, value)
                value = value - constant
                total = total + value
                product = fma(value, value, product)
        elif mode == AFFINE:
            for i in range(0, count, LANES):
                value = load(values, first + i) + constant
                if add:
                    value = value + load(addend, at + i)
                store(out, at + i, maximum(value, lowest))
        else:
            for i in range(0, count, LANES):
                value = load(values, first + i)
                if add:
                    value = value + load(addend, at + i)
                value = where_positive(load(output, at + i), value)
                store(out, at + i, value)
                total = total + value
                product = fma(value, load(activation, at + i) - constant, product)
        store(totals, k * TOTALS, total)
        store(totals, k * TOTALS + LANES, product)
        first += span
        at += plane


@kernel
def fetch_tile(mode, add, out, addend, output, activation, channels, count, at, plane):
    """Start fetching what `finish_tile` will read and write, so that it arrives while the tile is computed.

    It goes to the second cache: the first has fewer lines that can be under way, and better things to hold.
    """
    for _ in range(channels):
        for i in range(at, at + count, LANES):
            prefetch(out, i)
            if add:
                prefetch(addend, i)
            if mode == GRADIENT:
                prefetch(output, i)
                prefetch(activation, i)
        at += plane


@kernel
def reduce_totals(totals, lanes, sums):
    """totals (K * TOTALS,) -> sums (K, 2) float64 over the first `lanes` lanes; totals back to zero."""
    for k in range(sums.shape[0]):
        sums[k, 0] = lane_sum(first_lanes(load(totals, k * TOTALS), lanes))
        sums[k, 1] = lane_sum(first_lanes(load(totals, k * TOTALS + LANES), lanes))
    totals[:] = np.float32(0)
