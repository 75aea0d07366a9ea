"""The Numba form of `refpcm.spec.random`: the same operations in the same order, so the same bits.

`words`, `uniforms`, `normals` and `permutation` have the signatures of the specification; `uniform_at`, `normal_at`,
`chunk_uniforms` and `chunk_normals` serve inside kernels. No fast-math: neither reordering nor fused multiply-add may
change a rounding. Each chunk of elements is computed by itself, so the result is independent of the number of threads.
"""

import numpy as np

from refpcm.fast.compilation import kernel
from refpcm.fast.elementary import log_at
from refpcm.fast.outside import GROUP, positions_outside
from refpcm.fast.threads import run_tasks
from refpcm.spec.random import (
    MULTIPLIERS,
    ROUNDS,
    WEYL,
    A,
    B,
    C,
    D,
    check_address,
    check_float_type,
    check_range,
    order,
)

SHIFT = np.uint64(32)

CENTRE_FIRST, CENTRE_LAST = 322122547, 3972844748  # the words with |u - 1/2| <= 0.425: AS 241's central branch
CHUNK = 4096  # elements a thread takes at a time; a multiple of 4
PART = 1024  # elements that go through all steps before the next ones do: their scratch stays in the first cache


@kernel(inline="always")
def philox_block(c0, c1, c2, c3, k0, k1):
    """The four uint32 words of one counter and key.

    inline="always": compiled on its own first, it comes out in short vectors that keep the caller's loop over blocks
    from vectorising.
    """
    x0, x1, x2, x3 = np.uint32(c0), np.uint32(c1), np.uint32(c2), np.uint32(c3)
    k0, k1 = np.uint32(k0), np.uint32(k1)
    for _ in range(ROUNDS):
        product0, product1 = MULTIPLIERS[0] * np.uint64(x0), MULTIPLIERS[1] * np.uint64(x2)
        y0 = np.uint32(np.uint32(product1 >> SHIFT) ^ x1 ^ k0)
        y2 = np.uint32(np.uint32(product0 >> SHIFT) ^ x3 ^ k1)
        x0, x1, x2, x3 = y0, np.uint32(product1), y2, np.uint32(product0)
        k0, k1 = np.uint32(k0 + WEYL[0]), np.uint32(k1 + WEYL[1])
    return x0, x1, x2, x3


@kernel
def _ratio(top, bottom, x):
    """Numerator and denominator of a quotient of two polynomials of degree 7, by Horner."""
    p, q = top[7] * x + top[6], bottom[7] * x + bottom[6]
    p, q = p * x + top[5], q * x + bottom[5]
    p, q = p * x + top[4], q * x + bottom[4]
    p, q = p * x + top[3], q * x + bottom[3]
    p, q = p * x + top[2], q * x + bottom[2]
    p, q = p * x + top[1], q * x + bottom[1]
    return p * x + top[0], q * x + bottom[0]


@kernel
def _uniform(word):
    return (np.float64(word) + 0.5) / 4294967296.0


@kernel
def _centre(u):
    q = u - 0.5
    top, bottom = _ratio(A, B, 0.180625 - q * q)
    return q * top / bottom


@kernel
def _tail(u):
    top, bottom = _ratio(C, D, np.sqrt(-log_at(min(u, 1.0 - u))) - 1.6)
    return np.copysign(top / bottom, u - 0.5)


@kernel
def uniform_at(seed, chip, purpose, layer, draw, index):
    """One uniform number, for use inside kernels; the caller has checked the ranges."""
    block = np.uint64(index) >> np.uint64(2)
    c3 = np.uint32(purpose) << np.uint32(16) | np.uint32(layer)
    four = philox_block(np.uint32(block), np.uint32(block >> SHIFT), draw, c3, seed, chip)
    return _uniform(four[np.int64(np.uint64(index) & np.uint64(3))])


@kernel
def normal_at(seed, chip, purpose, layer, draw, index):
    """One standard normal number, for use inside kernels; the caller has checked the ranges."""
    u = uniform_at(seed, chip, purpose, layer, draw, index)
    return _centre(u) if abs(u - 0.5) <= 0.425 else _tail(u)


@kernel
def _blocks(k0, k1, c2, c3, block, buffer):
    """buffer (4 n,) uint32 <- the words of blocks block .. block + n - 1."""
    for i in range(buffer.size // 4):
        b = block + np.uint64(i)
        w0, w1, w2, w3 = philox_block(np.uint32(b), np.uint32(b >> SHIFT), c2, c3, k0, k1)
        buffer[4 * i], buffer[4 * i + 1], buffer[4 * i + 2], buffer[4 * i + 3] = w0, w1, w2, w3


@kernel
def _words(k0, k1, c2, c3, start, n):
    """The words of elements start .. start + n - 1, uint32 (n,): whole blocks, then the wanted part."""
    shift = np.int64(start & np.uint64(3))
    buffer = np.empty((shift + n + 3) // 4 * 4, np.uint32)
    _blocks(k0, k1, c2, c3, start >> np.uint64(2), buffer)
    return buffer[shift:shift + n]


@kernel
def _uniforms_of(words, out):
    for i in range(out.size):
        out[i] = _uniform(words[i])


@kernel
def normals_of_words(words, where, tail, out):
    """out (n,) <- the normals of the first n words (m,), m a multiple of GROUP; where and tail hold m + GROUP numbers.

    All words go through the central branch, whose results are then replaced for those in the tails: gathered side by
    side, these vectorise too.
    """
    n = out.size
    for i in range(n):
        out[i] = _centre(_uniform(words[i]))
    tails = positions_outside(words, CENTRE_FIRST, CENTRE_LAST - CENTRE_FIRST, where)
    while tails > 0 and where[tails - 1] >= n:
        tails -= 1
    for j in range(tails):
        tail[j] = _uniform(words[where[j]])
    for j in range(tails):
        tail[j] = _tail(tail[j])
    for j in range(tails):
        out[where[j]] = tail[j]


@kernel
def chunk_uniforms(seed, chip, purpose, layer, draw, start, out):
    """out (n,) <- uniforms of elements start .. start + n - 1, for use inside kernels; ranges have been checked."""
    _uniforms_of(_words(seed, chip, draw, purpose << 16 | layer, np.uint64(start), out.size), out)


@kernel
def chunk_normals(seed, chip, purpose, layer, draw, first, out):
    """out (n,) <- normals of elements first .. first + n - 1, for use inside kernels; ranges have been checked.

    n may be anything; PART numbers at a time stay in the first cache.
    """
    _fill_part_by_part(seed, chip, draw, purpose << 16 | layer, np.uint64(first), out)


@kernel
def _fill_part_by_part(k0, k1, c2, c3, first, out):
    words, where = np.empty(PART + GROUP + 4, np.uint32), np.empty(PART + 2 * GROUP, np.int32)
    tail = np.empty(PART + GROUP)
    shift = np.int64(first & np.uint64(3))
    for begin in range(0, out.size, PART):
        n = min(PART, out.size - begin)
        m = (n + GROUP - 1) // GROUP * GROUP
        _blocks(k0, k1, c2, c3, (first + np.uint64(begin)) >> np.uint64(2), words[:(shift + m + 3) // 4 * 4])
        normals_of_words(words[shift:shift + m], where, tail, out[begin:begin + n])


@kernel
def _word_chunks(begin, end, k0, k1, c2, c3, start, out):
    for chunk in range(begin, end):
        part = out[chunk * CHUNK:min((chunk + 1) * CHUNK, out.size)]
        part[:] = _words(k0, k1, c2, c3, start + np.uint64(chunk * CHUNK), part.size)


@kernel
def _uniform_chunks(begin, end, k0, k1, c2, c3, start, out):
    for chunk in range(begin, end):
        part = out[chunk * CHUNK:min((chunk + 1) * CHUNK, out.size)]
        _uniforms_of(_words(k0, k1, c2, c3, start + np.uint64(chunk * CHUNK), part.size), part)


@kernel
def _normal_chunks(begin, end, k0, k1, c2, c3, start, out):
    for chunk in range(begin, end):
        part = out[chunk * CHUNK:min((chunk + 1) * CHUNK, out.size)]
        _fill_part_by_part(k0, k1, c2, c3, start + np.uint64(chunk * CHUNK), part)


def words(seed, chip, purpose, layer, draw, start, count):
    """Return the raw 32-bit words of elements start .. start + count - 1: uint32 (count,)."""
    return _filled(_word_chunks, np.uint32, seed, chip, purpose, layer, draw, start, count)


def uniforms(seed, chip, purpose, layer, draw, start, count):
    """Return uniform numbers in (0, 1), elements start .. start + count - 1: float64 (count,)."""
    return _filled(_uniform_chunks, np.float64, seed, chip, purpose, layer, draw, start, count)


def normals(seed, chip, purpose, layer, draw, start, count, dtype=np.float64):
    """Return standard normal numbers, elements start .. start + count - 1: (count,), rounded to `dtype` last.

    Raises RefpcmError for a dtype other than float64 and float32, and for an address that does not fit its bits.
    """
    check_float_type(dtype)
    return _filled(_normal_chunks, dtype, seed, chip, purpose, layer, draw, start, count)


def permutation(seed, chip, purpose, layer, draw, count):
    """Return a random order of 0 .. count - 1, int64 (count,); see `refpcm.spec.random.permutation`."""
    return order(words(seed, chip, purpose, layer, draw, 0, 2 * check_range(0, count)[1]))


def _filled(chunks, dtype, seed, chip, purpose, layer, draw, start, count):
    start, count = check_range(start, count)
    out = np.empty(count, dtype)
    run_tasks(chunks, -(-count // CHUNK), *check_address(seed, chip, purpose, layer, draw), np.uint64(start), out)
    return out
