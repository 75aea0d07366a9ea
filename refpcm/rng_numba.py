"""The Numba form of `refpcm.rng`: the same operations in the same order, so the same bits.

No fast-math: neither reordering nor fused multiply-add may change a rounding. Each chunk of elements is computed by
itself, so the number of threads has no say either.
"""

import numpy as np

from refpcm.elementary import log_at
from refpcm.exact import exact_kernel
from refpcm.kernels.parallel import run
from refpcm.outside import GROUP, outside

ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)  # golden ratio, sqrt(3) - 1
SHIFT = np.uint64(32)

# AS 241, PPND16: numerators and denominators of the centre (A, B) and of the tails (C, D), constant term first.
A = (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3)
B = (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3)
C = (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4)
D = (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9)

CENTRE_FIRST, CENTRE_LAST = 322122547, 3972844748  # the words with |u - 1/2| <= 0.425: AS 241's central branch
CHUNK = 4096  # elements a thread takes at a time; a multiple of 4
PART = 1024  # elements that go through all steps before the next ones do: their scratch stays in the first cache


@exact_kernel(inline="always")
def philox_block(c0, c1, c2, c3, k0, k1):
    """The four uint32 words of one counter and key.

    inline="always": compiled on its own first, it comes out in short vectors that keep the caller's loop over blocks
    from vectorising (measured: four times slower).
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


@exact_kernel()
def _ratio(top, bottom, x):
    """Numerator and denominator of a quotient of two polynomials of degree 7, by Horner."""
    p, q = top[7] * x + top[6], bottom[7] * x + bottom[6]
    p, q = p * x + top[5], q * x + bottom[5]
    p, q = p * x + top[4], q * x + bottom[4]
    p, q = p * x + top[3], q * x + bottom[3]
    p, q = p * x + top[2], q * x + bottom[2]
    p, q = p * x + top[1], q * x + bottom[1]
    return p * x + top[0], q * x + bottom[0]


@exact_kernel()
def _uniform(word):
    return (np.float64(word) + 0.5) / 4294967296.0


@exact_kernel()
def _centre(u):
    q = u - 0.5
    top, bottom = _ratio(A, B, 0.180625 - q * q)
    return q * top / bottom


@exact_kernel()
def _tail(u):
    top, bottom = _ratio(C, D, np.sqrt(-log_at(min(u, 1.0 - u))) - 1.6)
    return np.copysign(top / bottom, u - 0.5)


@exact_kernel()
def uniform_at(seed, chip, purpose, layer, draw, index):
    """One uniform number, for use inside kernels; the caller has checked the ranges."""
    block = np.uint64(index) >> np.uint64(2)
    c3 = np.uint32(purpose) << np.uint32(16) | np.uint32(layer)
    four = philox_block(np.uint32(block), np.uint32(block >> SHIFT), draw, c3, seed, chip)
    return _uniform(four[np.int64(np.uint64(index) & np.uint64(3))])


@exact_kernel()
def normal_at(seed, chip, purpose, layer, draw, index):
    """One standard normal number, for use inside kernels; the caller has checked the ranges."""
    u = uniform_at(seed, chip, purpose, layer, draw, index)
    return _centre(u) if abs(u - 0.5) <= 0.425 else _tail(u)


@exact_kernel()
def _blocks(k0, k1, c2, c3, block, buffer):
    """buffer (4 n,) uint32 <- the words of blocks block .. block + n - 1."""
    for i in range(buffer.size // 4):
        b = block + np.uint64(i)
        w0, w1, w2, w3 = philox_block(np.uint32(b), np.uint32(b >> SHIFT), c2, c3, k0, k1)
        buffer[4 * i], buffer[4 * i + 1], buffer[4 * i + 2], buffer[4 * i + 3] = w0, w1, w2, w3


@exact_kernel()
def _words(k0, k1, c2, c3, start, n):
    """The words of elements start .. start + n - 1, uint32 (n,): whole blocks, then the wanted part."""
    shift = np.int64(start & np.uint64(3))
    buffer = np.empty((shift + n + 3) // 4 * 4, np.uint32)
    _blocks(k0, k1, c2, c3, start >> np.uint64(2), buffer)
    return buffer[shift:shift + n]


@exact_kernel()
def _uniforms_of(words, out):
    for i in range(out.size):
        out[i] = _uniform(words[i])


@exact_kernel()
def _normals_of(words, where, tail, out):
    """out (n,) <- the normals of the first n words (m,), m a multiple of GROUP; where and tail are room for m + GROUP.

    All words go through the central branch, whose results are then replaced for those in the tails: gathered side by
    side, these vectorise too.
    """
    n = out.size
    for i in range(n):
        out[i] = _centre(_uniform(words[i]))
    tails = outside(words, CENTRE_FIRST, CENTRE_LAST - CENTRE_FIRST, where)
    while tails > 0 and where[tails - 1] >= n:
        tails -= 1
    for j in range(tails):
        tail[j] = _uniform(words[where[j]])
    for j in range(tails):
        tail[j] = _tail(tail[j])
    for j in range(tails):
        out[where[j]] = tail[j]


@exact_kernel()
def chunk_uniforms(seed, chip, purpose, layer, draw, start, out):
    """out (n,) <- uniforms of elements start .. start + n - 1, for use inside kernels; ranges have been checked."""
    _uniforms_of(_words(seed, chip, draw, purpose << 16 | layer, np.uint64(start), out.size), out)


@exact_kernel()
def chunk_normals(seed, chip, purpose, layer, draw, first, out):
    """out (n,) <- normals of elements first .. first + n - 1, for use inside kernels; ranges have been checked.

    n may be anything; PART numbers at a time stay in the first cache.
    """
    _fill_part_by_part(seed, chip, draw, purpose << 16 | layer, np.uint64(first), out)


@exact_kernel()
def _fill_part_by_part(k0, k1, c2, c3, first, out):
    words, where = np.empty(PART + GROUP + 4, np.uint32), np.empty(PART + 2 * GROUP, np.int32)
    tail = np.empty(PART + GROUP)
    shift = np.int64(first & np.uint64(3))
    for begin in range(0, out.size, PART):
        n = min(PART, out.size - begin)
        m = (n + GROUP - 1) // GROUP * GROUP
        _blocks(k0, k1, c2, c3, (first + np.uint64(begin)) >> np.uint64(2), words[:(shift + m + 3) // 4 * 4])
        _normals_of(words[shift:shift + m], where, tail, out[begin:begin + n])


@exact_kernel()
def _word_chunks(begin, end, k0, k1, c2, c3, start, out):
    for chunk in range(begin, end):
        part = out[chunk * CHUNK:min((chunk + 1) * CHUNK, out.size)]
        part[:] = _words(k0, k1, c2, c3, start + np.uint64(chunk * CHUNK), part.size)


@exact_kernel()
def _uniform_chunks(begin, end, k0, k1, c2, c3, start, out):
    for chunk in range(begin, end):
        part = out[chunk * CHUNK:min((chunk + 1) * CHUNK, out.size)]
        _uniforms_of(_words(k0, k1, c2, c3, start + np.uint64(chunk * CHUNK), part.size), part)


@exact_kernel()
def _normal_chunks(begin, end, k0, k1, c2, c3, start, out):
    for chunk in range(begin, end):
        part = out[chunk * CHUNK:min((chunk + 1) * CHUNK, out.size)]
        _fill_part_by_part(k0, k1, c2, c3, start + np.uint64(chunk * CHUNK), part)


def fill_words(k0, k1, c2, c3, start, out):
    """out (n,) uint32 <- words of elements start .. start + n - 1."""
    run(_word_chunks, -(-out.size // CHUNK), k0, k1, c2, c3, np.uint64(start), out)


def fill_uniforms(k0, k1, c2, c3, start, out):
    """out (n,) float64 <- uniforms of elements start .. start + n - 1."""
    run(_uniform_chunks, -(-out.size // CHUNK), k0, k1, c2, c3, np.uint64(start), out)


def fill_normals(k0, k1, c2, c3, start, out):
    """out (n,) float64 or float32 <- normals of elements start .. start + n - 1."""
    run(_normal_chunks, -(-out.size // CHUNK), k0, k1, c2, c3, np.uint64(start), out)
