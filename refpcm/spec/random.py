"""Addressable random numbers: Philox4x32-10 (Salmon et al., SC'11, doi 10.1145/2063384.2063405).

A number depends on its address (seed, chip, purpose, layer, draw, index) and on nothing else: not on what was
drawn before, nor on threads, batches or tiles. With block = index // 4 the four words of

    philox4x32(counter = (block low, block high, draw, purpose << 16 | layer), key = (seed, chip))

serve the elements 4 block .. 4 block + 3. uniform = (word + 0.5) / 2^32; normal = inverse normal distribution
function of the uniform, Wichura's AS 241 (PPND16) in float64.

`refpcm.fast.random` gives the same bits faster. Functions that need random numbers and have no fast form of their own
take a `generator`: this module or that one.
"""

from enum import IntEnum
from operator import index as as_index

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.elementary import log

ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)  # golden ratio, sqrt(3) - 1

# AS 241, PPND16: numerators and denominators of the centre (A, B) and of the tails (C, D), constant term first.
A = (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3)
B = (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3)
C = (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4)
D = (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9)


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
    WEIGHT_NOISE = 4             # layer; draw: training step; index: weight, once an image (I-23) + image in the batch times
                                 # the number of weights
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
    LATE_ERROR = 26              # layer; draw 0; index: device (refpcm.spec.pcm.note2)


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


def check_range(start, count):
    """Return start and count as Python ints. Raises RefpcmError for what lies beyond the 2^64 elements of an address."""
    _whole_number("start", start, 2 ** 64)
    _whole_number("count", count, 2 ** 64 - int(start) + 1)
    return int(start), int(count)


def check_float_type(dtype):
    """Raises RefpcmError for a dtype other than float32 and float64."""
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise RefpcmError(f"normal numbers are float32 or float64, not {np.dtype(dtype)}")


def philox4x32(counter, key):
    """Ten rounds of Philox4x32: counter (..., 4) and key (..., 2) uint32 -> (..., 4) uint32. E-1."""
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
    """Return the raw 32-bit words of elements start .. start + count - 1: uint32 (count,). E-2."""
    k0, k1, c2, c3 = check_address(seed, chip, purpose, layer, draw)
    start, count = check_range(start, count)
    first_block = start // 4
    blocks = np.arange(-(-(start + count) // 4) - first_block, dtype=np.uint64) + np.uint64(first_block)
    counter = np.stack([blocks & np.uint64(0xFFFFFFFF), blocks >> np.uint64(32), np.full_like(blocks, c2),
                        np.full_like(blocks, c3)], -1)
    return philox4x32(counter, [k0, k1]).reshape(-1)[start % 4:start % 4 + count]


def uniforms(seed, chip, purpose, layer, draw, start, count):
    """Return uniform numbers in (0, 1), elements start .. start + count - 1: float64 (count,). E-3."""
    return (words(seed, chip, purpose, layer, draw, start, count) + 0.5) / 2.0 ** 32


def normals(seed, chip, purpose, layer, draw, start, count, dtype=np.float64):
    """Return standard normal numbers, elements start .. start + count - 1: (count,), rounded to `dtype` last. E-4.

    Raises RefpcmError for a dtype other than float64 and float32, and for an address that does not fit its bits.
    """
    check_float_type(dtype)
    return normal_quantile(uniforms(seed, chip, purpose, layer, draw, start, count)).astype(dtype)


def permutation(seed, chip, purpose, layer, draw, count):
    """Return a random order of 0 .. count - 1, int64 (count,): the `order` of the address's first 2 count words.

    E-5.
    """
    return order(words(seed, chip, purpose, layer, draw, 0, 2 * check_range(0, count)[1]))


def order(words):
    """Return the numbers of the items in ascending order of their keys, int64 (count,); equal keys by number. E-5.

    words (2 count,): item i has the 64-bit key word(2 i) * 2^32 + word(2 i + 1).
    """
    pair = words.reshape(-1, 2).astype(np.uint64)
    return np.argsort(pair[:, 0] << np.uint64(32) | pair[:, 1], kind="stable").astype(np.int64)


def normal_quantile(u):
    """x with Phi(x) = u by AS 241 (Wichura 1988), u float64 in [2^-33, 1 - 2^-33]. E-4.

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
