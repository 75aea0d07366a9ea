"""L3 codes: converters and products on tiles."""

import numpy as np

from refpcm.fast.tiles.kernels import code_at
from refpcm.fast.tiles.product import windows_product
from refpcm.golden.fast_adapter.precision import float32_only
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.tile import Ranges, Tiles


def converter_codes(inputs, parameters):
    """Return codes from what the kernel calls where float32 cannot tell the sides of a tie; they saturate here.

    The kernel's other branch takes float32 only; tests/fast/tiles compares it with the specification.
    """
    levels = Converter(parameters["bits"]).levels
    codes = [code_at(x, parameters["full_scale"] / levels, levels) for x in inputs["x"].flat]
    return {"codes": np.clip(codes, -levels, levels).astype(np.int32).reshape(inputs["x"].shape)}


@float32_only
def tile_product(inputs, parameters):
    """Return the product of the windows of 1 x 1 images."""
    x, z = inputs["x"], inputs.get("z")
    tiles = Tiles(parameters["tile_rows"], None, Converter(parameters["dac_bits"]), Converter(parameters["adc_bits"]),
                  parameters["output_noise"])
    y = windows_product(x[:, :, None, None], inputs["weights"], 1, 1, 0, tiles,
                        Ranges(parameters["input_range"], parameters["output_range"]),
                        None if z is None else z[..., None], parameters["w_max"])
    return {"y": y[:, :, 0, 0]}
