"""Addressable random numbers: Philox4x32-10 (Salmon et al., SC'11, doi 10.1145/2063384.2063405).

A number depends on its address (seed, chip, purpose, layer, draw, index) and on nothing else: not on what was
drawn before, nor on threads, batches or tiles. With block = index // 4 the four words of

    philox4x32(counter = (block low, block high, draw, purpose << 16 | layer), key = (seed, chip))

serve the elements 4 block .. 4 block + 3. uniform = (word + 0.5) / 2^32; normal = inverse normal distribution
function of the uniform, Wichura's AS 241 (PPND16) in float64.

`uniforms` and `normals` are the fast form; `uniforms_naive` and `normals_naive` are the specification, in NumPy;
`uniform_at` and `normal_at` serve inside Numba kernels. All agree bit for bit. docs/random_numbers.md has the rest.
"""

from enum import IntEnum
from operator import index as as_index

import numpy as np

from refpcm.elementary import log
from refpcm.errors import RefpcmError
from refpcm.rng_numba import A, B, C, D, MULTIPLIERS, ROUNDS, WEYL, fill_normals, fill_uniforms, fill_words
from refpcm.rng_numba import normal_at, uniform_at  # noqa: F401  (offered to kernels from here)


class Purpose(IntEnum):
    """What a random number is for. Numbers are fixed for ever; "layer" is the crossbar layer in signal order, from 0.

    "weight" is the position in the weight tensor, "device" the position in the array (2, rows, columns) of G+ and
    G-, both in C order.
    """
    INITIALISATION = 1           # layer; draw 0; index: weight
    SHUFFLING = 2                # layer 0; draw: epoch; permutation of the training images
    AUGMENTATION = 3             # layer: 0 crop row, 1 crop column, 2 flip, 3 cutout row, 4 cutout column,
                                 # 5 resized crop; draw: epoch; index: number of the image in the data set (of 5: 32
                                 # times that, + position among the uniforms of data_tools.imagenet_preprocessing)
    WEIGHT_NOISE = 4             # layer; draw: training step; index: weight
    ACTIVATION_NOISE = 5         # layer; draw: training step; index: element of the (N, C, H, W) input
    PREACTIVATION_NOISE = 6      # layer; draw: training step; index: element of the (N, C, H, W) output
    PROGRAMMING_NOISE = 7        # layer; draw: training step; index: weight for G+, number of weights + weight for G-
    PROGRAMMING = 16             # layer; draw 0; index: device
    DRIFT_EXPONENT = 17          # layer; draw 0; index: device
    READ_NOISE = 18              # layer; draw: read; index: device + 2^32 * bit pattern of float32(t_s)
    OUTPUT_NOISE = 19            # layer; draw: read; index: see docs/tile.md
    STUCK_SELECTION = 20         # layer; draw 0; index: device (uniform below the fraction: stuck)
    STUCK_CONDUCTANCE = 21       # layer; draw 0; index: device (uniform * G_max)
    CALIBRATION_SELECTION = 22   # layer 0; draw: read; permutation of the training images
    INFERENCE_NOISE = 23         # layer; draw: inference run; index: weight; additive noise instead of a chip
    PRODUCT_READ_NOISE = 24      # layer; draw: read; index: as of OUTPUT_NOISE
    CALIBRATION_AUGMENTATION = 25  # layer and index as of AUGMENTATION; draw: read


LIMITS = {"seed": 32, "chip": 32, "purpose": 16, "layer": 16, "draw": 32}  # bits


def check_address(seed, chip, purpose, layer, draw):
    """(key0, key1, counter2, counter3) as Python ints. Raises RefpcmError for what does not fit its bits."""
    values = {"seed": seed, "chip": chip, "purpose": purpose, "layer": layer, "draw": draw}
    for name, value in values.items():
        _whole_number(name, value, 2 ** LIMITS[name])
    return int(seed), int(chip), int(draw), int(purpose) << 16 | int(layer)


def _whole_number(name, value, end):
    try:
        inside = 0 <= as_index(value) < end
    except TypeError:
        raise RefpcmError(f"random numbers: {name} must be a whole number, not {value!r}") from None
    if not inside:
        raise RefpcmError(f"random numbers: {name} = {value} is outside 0 .. {end - 1}; choose one inside")


def _range(start, count):
    _whole_number("start", start, 2 ** 64)
    _whole_number("count", count, 2 ** 64 - int(start) + 1)
    return int(start), int(count)


def _float_type(dtype):
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise RefpcmError(f"normal numbers are float32 or float64, not {np.dtype(dtype)}")


def philox4x32(counter, key):
    """Ten rounds of Philox4x32: counter (..., 4) and key (..., 2) uint32 -> (..., 4) uint32."""
    counter, key = np.asarray(counter, np.uint32), np.asarray(key, np.uint32)
    shape = np.broadcast_shapes(counter.shape[:-1], key.shape[:-1])
    x0, x1, x2, x3 = (np.broadcast_to(counter[..., i], shape) for i in range(4))
    k0, k1 = (np.broadcast_to(key[..., i], shape).copy() for i in range(2))
    for _ in range(ROUNDS):
        product0, product1 = x0.astype(np.uint64) * MULTIPLIERS[0], x2.astype(np.uint64) * MULTIPLIERS[1]
        x0, x1, x2, x3 = (_high(product1) ^ x1 ^ k0, product1.astype(np.uint32),
                          _high(product0) ^ x3 ^ k1, product0.astype(np.uint32))
        with np.errstate(over="ignore"):
            k0, k1 = k0 + WEYL[0], k1 + WEYL[1]
    return np.stack([x0, x1, x2, x3], -1)


def _high(product):
    return (product >> np.uint64(32)).astype(np.uint32)


def words(seed, chip, purpose, layer, draw, start, count):
    """The raw 32-bit words of elements start .. start + count - 1: uint32 (count,)."""
    out = np.empty(_range(start, count)[1], np.uint32)
    fill_words(*check_address(seed, chip, purpose, layer, draw), np.uint64(start), out)
    return out


def uniforms(seed, chip, purpose, layer, draw, start, count):
    """Uniform numbers in (0, 1), elements start .. start + count - 1: float64 (count,)."""
    out = np.empty(_range(start, count)[1], np.float64)
    fill_uniforms(*check_address(seed, chip, purpose, layer, draw), np.uint64(start), out)
    return out


def normals(seed, chip, purpose, layer, draw, start, count, dtype=np.float64):
    """Standard normal numbers, elements start .. start + count - 1: (count,), rounded to `dtype` last.

    dtype: float64 or float32. Raises RefpcmError for another, and for an address that does not fit its bits.
    """
    _float_type(dtype)
    out = np.empty(_range(start, count)[1], dtype)
    fill_normals(*check_address(seed, chip, purpose, layer, draw), np.uint64(start), out)
    return out


def permutation(seed, chip, purpose, layer, draw, count):
    """A random order of 0 .. count - 1: int64 (count,).

    Item i gets the 64-bit key word(2 i) * 2^32 + word(2 i + 1); items are sorted by key, equal keys by number.
    """
    _whole_number("count", count, 2 ** 62)
    pair = words(seed, chip, purpose, layer, draw, 0, 2 * int(count)).reshape(-1, 2).astype(np.uint64)
    return np.argsort(pair[:, 0] << np.uint64(32) | pair[:, 1], kind="stable").astype(np.int64)


def uniforms_naive(seed, chip, purpose, layer, draw, start, count):
    """`uniforms` as its definition reads."""
    k0, k1, c2, c3 = check_address(seed, chip, purpose, layer, draw)
    start, count = _range(start, count)
    first_block = start // 4
    blocks = np.arange(-(-(start + count) // 4) - first_block, dtype=np.uint64) + np.uint64(first_block)
    counter = np.stack([blocks & np.uint64(0xFFFFFFFF), blocks >> np.uint64(32), np.full_like(blocks, c2),
                        np.full_like(blocks, c3)], -1)
    word = philox4x32(counter, [k0, k1]).reshape(-1)[start % 4:start % 4 + count]
    return (word + 0.5) / 2.0 ** 32


def normals_naive(seed, chip, purpose, layer, draw, start, count, dtype=np.float64):
    """`normals` as its definition reads."""
    _float_type(dtype)
    return normal_quantile(uniforms_naive(seed, chip, purpose, layer, draw, start, count)).astype(dtype)


def normal_quantile(u):
    """x with Phi(x) = u by AS 241 (Wichura 1988), u float64 in [2^-33, 1 - 2^-33].

    Largest error found at 80,000 words, both ends among them, against 40 digits: 5.3 ULP, relative 6.4e-16. The third
    region of AS 241 begins at u < exp(-25) = 1.4e-11, which no 32-bit word reaches.
    """
    u = np.asarray(u, np.float64)
    q = u - 0.5
    r = 0.180625 - q * q
    centre = q * _polynomial(A, r) / _polynomial(B, r)
    r = np.sqrt(-log(np.minimum(u, 1.0 - u))) - 1.6
    tail = np.copysign(_polynomial(C, r) / _polynomial(D, r), q)
    return np.where(np.abs(q) <= 0.425, centre, tail)


def _polynomial(coefficients, x):
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total
