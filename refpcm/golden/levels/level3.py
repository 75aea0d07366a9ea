"""L3 codes: converters at, beside and far from rounding ties; products on tiles."""

import numpy as np

from refpcm.golden.build import case, exact, rounded
from refpcm.golden.case import made, stored
from refpcm.spec.pcm.converters import Converter, codes
from refpcm.spec.pcm.tile import parts

EQUATION = "code = clip(round half to even(x / range * (2^(bits-1) - 1)), +-(2^(bits-1) - 1))"
AWAY = 1e-4  # steps from the nearest tie that other vectors keep, so that any order of operations gives their code


PRODUCTS = (  # id, tile rows, bits of DAC and ADC, output noise, mistake
    ("one", None, 8, 8, 0.0, "DAC and ADC ranges exchanged"),
    ("rows", 8, 8, 8, 0.0, "ADC after the sum over row parts; parts of 8, 8, 4 instead of 7, 7, 6"),
    ("noise", 8, 6, 9, 0.04, "noise after the ADC; not scaled by W_max times the input range; one draw for all parts"))
INPUT_RANGE, OUTPUT_RANGE = 1.5, 2.0


def cases():
    """11 cases: codes on ties and away from them for four converters, then products on tiles."""
    return [found for bits in (2, 4, 8, 12) for found in _codes(bits)] + [product(*choice) for choice in PRODUCTS]


def _codes(bits):
    levels = Converter(bits).levels
    ties = np.arange(-min(levels, 40) - 1, min(levels, 40) + 1) + 0.5
    # range = levels / 4: x / range * levels = 4 x without any rounding, so that ties are ties for everyone
    on_ties = np.concatenate([ties, np.nextafter(ties, np.inf), np.nextafter(ties, -np.inf)]) / 4
    beside = away(made("x", (300,), "float64", 300, bits, scale=0.6).array(), levels, 1.37)
    return [
        case(f"L3-ties-{bits}bit", "converter_codes", EQUATION,
             catches="half away from zero, half up; truncation; a two's-complement code -2^(bits-1)",
             inputs=[stored("x", on_ties)],
             outputs={"codes": exact("int32")},
             parameters={"bits": bits, "full_scale": levels / 4}),
        case(f"L3-codes-{bits}bit", "converter_codes", EQUATION,
             catches="2^bits or 2^bits - 1 steps over the range; no saturation; wrap-around",
             inputs=[stored("x", beside)],
             outputs={"codes": exact("int32")},
             parameters={"bits": bits, "full_scale": 1.37})]


def away(x, levels, full_scale):
    """x without the elements whose code would hang on the last bits."""
    steps = x / full_scale * levels
    return x[np.abs(steps - np.floor(steps) - 0.5) > AWAY]


def product(name, rows, dac_bits, adc_bits, noise, catches, input_range=INPUT_RANGE, output_range=OUTPUT_RANGE,
            w_max_share=1.0):
    """The case L3-product-<name>: 20 inputs, 5 outputs, 12 vectors; seeds are tried until no sum is near a tie of the ADC.

    w_max_share: W_max over the largest weight that is read; they are not the same on a chip.
    """
    dac, adc, spans = Converter(dac_bits), Converter(adc_bits), parts(20, rows)

    def clear(values, converter, full_scale):
        return len(away(values.ravel(), converter.levels, full_scale)) == values.size
    for seed in range(310, 400):
        x = made("x", (12, 20), "float64", seed, 0, scale=0.5).array()
        w = made("w", (20, 5), "float64", seed, 1, scale=0.2).array()
        z = made("z", (12, len(spans), 5), "float64", seed, 2).array()
        w_max = float(np.abs(w).max()) * w_max_share
        analog = codes(x, dac, input_range) / dac.levels * input_range
        sums = np.stack([analog[:, b:e] @ w[b:e] for b, e in spans], 1) + noise * w_max * input_range * z
        if clear(x, dac, input_range) and clear(sums, adc, output_range):
            break
    return case(f"L3-product-{name}", "tile_product",
                "y_k = sum over row parts of ADC(sum_r W_rk DAC(x_r) + sigma z), "
                "sigma = output_noise W_max input_range; "
                "ceil(R / tile_rows) parts, sizes differ by at most one, the larger first", catches,
                inputs=[stored("x", x), stored("weights", w), stored("z", z)],
                outputs={"y": rounded(np.full((12, 5), output_range * len(spans)))},
                parameters={"tile_rows": rows or 20, "dac_bits": dac_bits, "adc_bits": adc_bits,
                            "output_noise": noise, "w_max": w_max,
                            "input_range": input_range, "output_range": output_range})
