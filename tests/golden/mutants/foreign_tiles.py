"""Mistakes in converters and tiles, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import chip
from refpcm.spec import network_on_tiles
from refpcm.spec.pcm import converters, tile
from tests.golden.mutants.replacing import changed_inputs, replaced

CODES, PARTS = converters.codes, tile.parts


def _codes(change):
    """Other codes: change(x / range, levels) -> whole numbers."""
    return replaced(
        converters,
        "codes",
        lambda x, converter, full_scale: np.asarray(
            change(np.asarray(x, np.float64) / full_scale, converter.levels)
        ).astype(np.int32),
    )


def _wrapped(share, levels):
    return (np.rint(share * levels).astype(np.int64) + levels + 1) % (2 * levels + 2) - levels - 1


def _dynamic(x, converter, full_scale):
    return CODES(x, converter, float(np.abs(x).max()) or full_scale)


def _range(change):
    """Another range: change(x float64, quantile) -> a number."""
    return replaced(
        reference,
        "converter_range",
        lambda inputs, parameters: {
            "range": np.array(change(inputs["x"].astype(np.float64), parameters["quantile"]), inputs["x"].dtype)
        },
    )


def _batches(x):
    return np.array_split(np.abs(x), 3)


def _product(change):
    """Another product: change(sums (N, P, K), noise (N, P, K), convert) -> y (N, K)."""
    def tile_product(inputs, parameters):
        x, w = inputs["x"], inputs["weights"]
        adc, dac = (converters.Converter(parameters[f"{kind}_bits"]) for kind in ("adc", "dac"))
        driven = converters.convert(x, dac, parameters["input_range"])
        sums = np.stack([driven[:, a:b] @ w[a:b] for a, b in PARTS(len(w), parameters["tile_rows"])], 1)
        sigma = parameters["output_noise"] * parameters["w_max"] * parameters["input_range"]
        noise = sigma * inputs["z"] if "z" in inputs else 0 * sums
        y = change(sums, noise, lambda current: converters.convert(current, adc, parameters["output_range"]))
        return {"y": np.asarray(y, x.dtype)}
    return replaced(reference, "tile_product", tile_product)


def _scaled_noise(scale):
    def change(inputs, parameters):
        if "z" in inputs:
            inputs["z"] = inputs["z"] * scale(inputs, parameters)
    return changed_inputs("tile_product", change)


def _smaller_first(size, limit):
    ends = np.cumsum([end - begin for begin, end in PARTS(size, limit)][::-1])
    return list(zip([0, *(int(end) for end in ends[:-1])], (int(end) for end in ends)))


def _parts(function):
    return [(place, "parts", function) for place in (tile, network_on_tiles, chip)]


def _even_rows(size, limit):
    """An even number of rows in each tile but the last."""
    count = 1 if limit is None else -(-size // limit)
    each = -(-size // count) // 2 * 2 or 1
    return [(i * each, (i + 1) * each if i < count - 1 else size) for i in range(count)]


def _no_dac(inputs, parameters):
    parameters["dac_bits"] = 24


def _sum_saturates(x, weights, tiles, ranges, *rest, product=tile.product):
    return converters.convert(product(x, weights, tiles, ranges, *rest), tiles.adc, ranges.outputs)


def _adc_range(factor):
    def change(inputs, parameters):
        parameters["output_range"] = parameters["output_range"] * factor(len(inputs["weights"]), parameters)
    return changed_inputs("tile_product", change)


def _part_count(rows, parameters):
    return len(PARTS(rows, parameters["tile_rows"]))


def _bits_exchanged(inputs, parameters):
    parameters["dac_bits"], parameters["adc_bits"] = parameters["adc_bits"], parameters["dac_bits"]


MUTANTS = [
    ("codes-wide-step", "step = 2 range / (2^b - 1)",
     _codes(lambda share, levels: np.clip(np.rint(share * (levels + 0.5)), -levels, levels))),
    ("codes-wrap", "overflow wraps around", _codes(_wrapped)),
    ("codes-own-range", "the range is the largest number there", replaced(converters, "codes", _dynamic)),
    ("codes-one-less", "saturates one code early",
     _codes(lambda share, levels: np.clip(np.rint(share * levels), 1 - levels, levels - 1))),
    ("codes-other-bits", "2^b - 1 codes a side",
     _codes(lambda share, levels: np.clip(np.rint(share * (2 * levels + 1)), -2 * levels - 1, 2 * levels + 1))),
    ("range-of-n-plus-1", "interpolated at q (n + 1)",
     _range(lambda x, q: np.quantile(np.abs(x), q, method="weibull"))),
    ("range-nonzero", "of the numbers that are not 0",
     _range(lambda x, q: np.quantile(np.abs(x[x != 0]), q) if x.any() else 0.0)),
    ("range-batch-mean", "mean of the mini-batches' quantiles",
     _range(lambda x, q: np.mean([np.quantile(part, q) for part in _batches(x)]))),
    ("range-batch-max", "largest of the mini-batches' quantiles",
     _range(lambda x, q: max(np.quantile(part, q) for part in _batches(x)))),
    ("range-last-batch", "quantile of the last mini-batch", _range(lambda x, q: np.quantile(_batches(x)[-1], q))),
    ("range-four-sigma", "four standard deviations", _range(lambda x, q: 4 * x.std())),
    ("range-two-sided", "half of the tail at each end", _range(lambda x, q: np.quantile(np.abs(x), 1 - (1 - q) / 2))),
    ("tile-smaller-first", "the smaller row parts first", _parts(_smaller_first)),
    ("tile-even-rows", "an even number of rows in each tile", _parts(_even_rows)),
    ("tile-noise-after-adc", "noise after the ADC",
     _product(lambda sums, noise, convert: (convert(sums) + noise).sum(1))),
    ("tile-noise-once", "noise of the first part for all parts",
     _product(lambda sums, noise, convert: convert(sums + noise[:, :1]).sum(1))),
    ("tile-noise-first-part", "noise in the first part only",
     _product(lambda sums, noise, convert: convert(sums + noise * (np.arange(sums.shape[1]) == 0)[:, None]).sum(1))),
    ("tile-noise-no-range", "sigma without the input range", _scaled_noise(lambda inputs, p: 1 / p["input_range"])),
    ("tile-noise-of-output-range", "sigma in units of the output range",
     _scaled_noise(lambda inputs, p: p["output_range"] / (p["w_max"] * p["input_range"]))),
    ("tile-noise-of-rows", "sigma grows with the root of the rows",
     _scaled_noise(lambda inputs, p: np.sqrt(len(inputs["weights"])))),
    ("tile-adc-shared-range", "the ADC's range divided by the number of parts",
     _adc_range(lambda *rest: 1 / _part_count(*rest))),
    ("tile-adc-range-times-w-max", "the ADC's range in units of W_max", _adc_range(lambda rows, p: p["w_max"])),
    ("tile-mean", "parts are averaged", _product(lambda sums, noise, convert: convert(sums + noise).mean(1))),
    ("tile-no-dac", "inputs are hardly converted", changed_inputs("tile_product", _no_dac)),
    ("tile-bits-exchanged", "bits of DAC and ADC exchanged", changed_inputs("tile_product", _bits_exchanged)),
    ("tile-sum-saturates", "the digital sum goes through the ADC's range again",
     [(place, "product", _sum_saturates) for place in (tile, network_on_tiles)]),
]
