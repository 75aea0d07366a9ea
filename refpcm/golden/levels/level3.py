"""L3 codes: converters at, beside and far from rounding ties; products on tiles."""

import numpy as np

from refpcm.golden.build import case, cus, exact
from refpcm.golden.case import made, stored
from refpcm.pcm.converters import Converter, codes
from refpcm.pcm.tile import parts

EQUATION = "code = clip(round half to even(x / range * (2^(bits-1) - 1)), +-(2^(bits-1) - 1))"
AWAY = 1e-4  # steps from the nearest tie that other vectors keep, so that any order of operations gives their code


def cases():
    found = []
    for bits in (2, 4, 8, 12):
        levels = Converter(bits).levels
        ties = np.arange(-min(levels, 40) - 1, min(levels, 40) + 1) + 0.5
        # range = levels / 4: x / range * levels = 4 x without any rounding, so that ties are ties for everyone
        x = np.concatenate([ties, np.nextafter(ties, np.inf), np.nextafter(ties, -np.inf)]) / 4
        found.append(case(f"L3-ties-{bits}bit", 3, "converter_codes", EQUATION,
                          "half away from zero, half up; truncation; a two's-complement code -2^(bits-1)",
                          [stored("x", x)], {"codes": ("int32", "1", exact())}, {"bits": bits, "full_scale": levels / 4}))
        x = _away(made("x", (300,), "float64", 300, bits, scale=0.6).array(), levels, 1.37)
        found.append(case(f"L3-codes-{bits}bit", 3, "converter_codes", EQUATION,
                          "2^bits or 2^bits - 1 steps over the range; no saturation; wrap-around",
                          [stored("x", x)], {"codes": ("int32", "1", exact())}, {"bits": bits, "full_scale": 1.37}))
    return found + [_product(*choice) for choice in (
        ("one", None, 8, 8, 0.0, "DAC and ADC ranges exchanged"),
        ("rows", 8, 8, 8, 0.0, "ADC after the sum over row parts; parts of 8, 8, 4 instead of 7, 7, 6"),
        ("noise", 8, 6, 9, 0.04, "noise after the ADC; not scaled by W_max times the input range; one draw for all parts"))]


def _away(x, levels, full_scale):
    """x without the elements whose code would hang on the last bits."""
    steps = x / full_scale * levels
    return x[np.abs(steps - np.floor(steps) - 0.5) > AWAY]


def _product(name, rows, dac, adc, noise, catches):
    """20 inputs, 5 outputs, 12 vectors; seeds are tried until no sum lies near a tie of the ADC."""
    for seed in range(310, 400):
        x, w = made("x", (12, 20), "float64", seed, 0, scale=0.5).array(), made("w", (20, 5), "float64", seed, 1, scale=0.2).array()
        count = len(parts(20, rows))
        z = made("z", (12, count, 5), "float64", seed, 2).array()
        w_max, ranges = float(np.abs(w).max()), (1.5, 2.0)
        analog = codes(x, Converter(dac), ranges[0]) / Converter(dac).levels * ranges[0]
        sums = np.stack([analog[:, b:e] @ w[b:e] for b, e in parts(20, rows)], 1) + noise * w_max * ranges[0] * z
        if all(len(_away(a.ravel(), levels, r)) == a.size for a, levels, r in
               ((x, Converter(dac).levels, ranges[0]), (sums, Converter(adc).levels, ranges[1]))):
            break
    return case(f"L3-product-{name}", 3, "tile_product",
                "y_k = sum over row parts of ADC(sum_r W_rk DAC(x_r) + sigma z), sigma = output_noise W_max input_range; "
                "ceil(R / tile_rows) parts, sizes differ by at most one, the larger first", catches,
                [stored("x", x), stored("weights", w), stored("z", z)],
                {"y": ("float64", "1", cus(), np.full((12, 5), ranges[1] * count))},
                {"tile_rows": rows or 20, "dac_bits": dac, "adc_bits": adc, "output_noise": noise, "w_max": w_max,
                 "input_range": ranges[0], "output_range": ranges[1]})
