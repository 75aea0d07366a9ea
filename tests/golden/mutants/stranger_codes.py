"""Mistakes in converters and tiles: invented by a stranger to the cases of kit 2.0.

A comment says which inputs show the mistake, where few do.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import chip
from refpcm.spec import network_on_tiles
from refpcm.spec.pcm import converters, tile
from tests.golden.mutants.replacing import replaced

CODES, PARTS, PRODUCT = converters.codes, tile.parts, tile.product


def codes_int8(x, converter, full_scale):
    return CODES(x, converter, full_scale).astype(np.int8).astype(np.int32)


def codes_by_inverse(x, converter, full_scale):
    found = np.rint(np.asarray(x, np.float64) * (converter.levels / full_scale))
    return np.clip(found, -converter.levels, converter.levels).astype(np.int32)


def codes_open_below(x, converter, full_scale):
    found = np.rint(np.asarray(x, np.float64) / (full_scale / converter.levels))
    return np.clip(found, -2.0 ** 31, converter.levels).astype(np.int32)


class ShortTail(tile.Tail):
    """Keeps one number too few."""

    def __init__(self, total, share):
        super().__init__(total, share)
        self.keep = max(self.keep - 1, 1)


def range_of_own_tails(inputs, parameters):
    x, share = np.abs(inputs["x"]).astype(np.float64), parameters["quantile"]
    position = share * (x.size - 1)
    kept = []
    for part in np.array_split(x, 3):
        keep = len(part) - int(share * max(len(part) - 1, 0))
        kept.append(np.sort(part)[len(part) - keep:])
    ordered = np.sort(np.concatenate(kept))[::-1]
    from_top = x.size - 1 - position  # ranks counted from the largest, all parts together
    first = min(int(np.ceil(from_top)), len(ordered) - 1)
    low, high = ordered[first], ordered[max(first - 1, 0)]
    found = float(low + (high - low) * (position - int(position))) or float(ordered[0])
    return {"range": np.array(found, inputs["x"].dtype)}


def one_more_part(size, limit):
    if limit is None or size % limit:
        return PARTS(size, limit)
    count = size // limit + 1
    small, larger = divmod(size, count)
    ends = np.cumsum([small + 1] * larger + [small] * (count - larger))
    return [(int(begin), int(end)) for begin, end in zip([0, *ends], ends)]


def whole_channels(size, limit):
    """Row parts of whole 3x3 kernels, where rows and limit allow."""
    if limit is None or size % 9 or limit < 9:
        return PARTS(size, limit)
    return [(9 * begin, 9 * end) for begin, end in PARTS(size // 9, limit // 9)]


def parts_everywhere(function):
    """These row parts in products, in networks and in the chip level; z as far as it goes, its last part again after."""
    def fitted(x, weights, tiles, ranges, z=None, *rest, **named):
        if z is not None:
            z = z[:, np.minimum(np.arange(len(function(len(weights), tiles.rows))), z.shape[1] - 1)]
        return PRODUCT(x, weights, tiles, ranges, z, *rest, **named)
    return [(place, "parts", function) for place in (tile, network_on_tiles, chip)] + products(fitted)


def products(function):
    return [(tile, "product", function), (network_on_tiles, "product", function)]


def product_one_part_exact(x, weights, tiles, ranges, *rest, **named):
    if len(tile.parts(len(weights), tiles.rows)) == 1:
        tiles = replace(tiles, adc=converters.Converter(None))
    return PRODUCT(x, weights, tiles, ranges, *rest, **named)


def product_noise_shared_out(x, weights, tiles, ranges, *rest, **named):
    count = len(tile.parts(len(weights), tiles.rows))
    return PRODUCT(x, weights, replace(tiles, output_noise=tiles.output_noise / count ** 0.5), ranges, *rest, **named)


def product_z_as_columns_parts(x, weights, tiles, ranges, z=None, *rest, **named):
    if z is not None:
        n, p, k = z.shape
        z = z.reshape(n, k, p).transpose(0, 2, 1)
    return PRODUCT(x, weights, tiles, ranges, z, *rest, **named)


def product_noise_of_largest(x, weights, tiles, ranges, z=None, w_max=1.0, *rest, **named):
    return PRODUCT(x, weights, tiles, ranges, z, float(np.abs(weights).max()), *rest, **named)


def product_in_two_passes(x, weights, tiles, ranges, z=None, w_max=1.0, *rest, **named):
    quiet = replace(tiles, output_noise=0.0)
    return (PRODUCT(np.maximum(x, 0), weights, tiles, ranges, z, w_max, *rest, **named)
            - PRODUCT(np.maximum(-x, 0), weights, quiet, ranges, None, w_max))


def product_of_sides(x, weights, tiles, ranges, z=None, w_max=1.0, *rest, **named):
    quiet = replace(tiles, output_noise=0.0)
    return (PRODUCT(x, np.maximum(weights, 0), tiles, ranges, z, w_max, *rest, **named)
            - PRODUCT(x, np.maximum(-weights, 0), quiet, ranges, None, w_max))


MUTANTS = [
    # more than 8 bits
    ("codes-stored-in-8-bits", "codes of more than 8 bits wrap around",
     replaced(converters, "codes", codes_int8)),
    # numbers below -range
    ("codes-open-below", "what lies below -range does not saturate",
     replaced(converters, "codes", codes_open_below)),
    ("range-tail-one-short", "the tail kept between mini-batches is one number too short",
     replaced(tile, "Tail", ShortTail)),
    # large numbers that crowd in one mini-batch
    ("range-tail-of-each-batch", "of each mini-batch only its own tail is kept",
     replaced(reference, "converter_range", range_of_own_tails)),
    # rows a multiple of the limit
    ("tile-part-too-many", "R // limit + 1 row parts",
     parts_everywhere(one_more_part)),
    # one row part
    ("tile-single-part-without-adc", "sums of a matrix in one part are not converted: there is nothing to add",
     products(product_one_part_exact)),
    # more than one row part
    ("tile-noise-shared-out", "sigma / sqrt(P) in each of P row parts",
     products(product_noise_shared_out)),
    # more than one part and more than one column
    ("tile-noise-columns-first", "z is read in the order vector, column, part",
     products(product_z_as_columns_parts)),
    # where w_max is not the largest of the weights
    ("tile-noise-of-weights-read", "sigma of output noise from the largest weight read for W_max",
     products(product_noise_of_largest)),
    # inputs of both signs
    ("tile-signs-in-two-passes", "positive and negative inputs pass one after the other, each sum converted",
     products(product_in_two_passes)),
    ("tile-sides-converted-apart", "sums of positive and of negative weights are converted apart, then subtracted",
     products(product_of_sides)),
    # 3x3 convolutions whose even parts cut a channel
    ("tile-parts-of-whole-channels", "row parts of a 3x3 convolution end where a channel does",
     parts_everywhere(whole_channels)),
]

SURVIVORS = [  # name, what is wrong, replacements, why no case finds it
    # numbers half way between two codes, where the two forms round differently
    ("codes-times-inverse-step", "x times levels / range for x over range / levels",
     replaced(converters, "codes", codes_by_inverse),
     "both are right: they differ where a rounding decides, and the ties are exact for either"),
]
