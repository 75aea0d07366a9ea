"""L3 codes: converters, and products on tiles with converters (docs/tile.md)."""

import numpy as np

from refpcm.spec.pcm import converters, tile


def converter_codes(inputs, parameters):
    """x, any shape; bits, full_scale -> codes int32 of x's shape, -(2^(bits-1) - 1) .. 2^(bits-1) - 1.

    Rounded half to even; what lies beyond +-full_scale saturates.
    """
    return {"codes": converters.codes(inputs["x"], converters.Converter(parameters["bits"]), parameters["full_scale"])}


def converter_range(inputs, parameters):
    """x (n,), quantile -> range, a scalar: the quantile of |x|, linear between neighbours; the largest where that is 0.

    Of zeros alone it is 0; whoever sets the ranges of a chip takes 1 then (docs/tile.md).
    """
    tail = tile.Tail(inputs["x"].size, parameters["quantile"])
    for part in np.array_split(inputs["x"], 3):  # as images come, in mini-batches
        tail.add(part)
    return {"range": np.array(tail.quantile(), inputs["x"].dtype)}


def tile_product(inputs, parameters):
    """x (N, R), weights (R, K), z (N, P row parts, K) standard normal -> y (N, K).

    y_k = sum over row parts of ADC(sum_r W_rk DAC(x_r) + sigma z), sigma = output_noise w_max input_range;
    ceil(R / tile_rows) parts of sizes that differ by at most one, the larger first (E-49).
    """
    tiles = tile.Tiles(parameters["tile_rows"], None, converters.Converter(parameters["dac_bits"]),
                       converters.Converter(parameters["adc_bits"]), parameters["output_noise"])
    ranges = tile.Ranges(parameters["input_range"], parameters["output_range"])
    return {"y": tile.product(inputs["x"], inputs["weights"], tiles, ranges, inputs.get("z"), parameters["w_max"])}
