"""refpcm.spec.random: published known answers, distribution, refusals."""

import numpy as np
import pytest
from scipy import special, stats

from refpcm.errors import RefpcmError
from refpcm.fast import random as fast_random
from refpcm.spec import random

ADDRESS = (1, 2, random.Purpose.PROGRAMMING, 3, 4)

# Random123 1.09, kat_vectors, philox 4x32 10: counter, key, words
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
     (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]

# word of the generator, normal quantile of (word + 1/2) / 2^32 to 20 digits (mpmath)
QUANTILES = [(0, -6.3379577545537892525), (1, -6.166429517819750247), (256, -5.2943474923619624034),
             (1048576, -3.4871039765916905764), (322122547, -1.4395314704450153116),
             (322122548, -1.4395314688002133017), (2147483647, -2.9180993729166226723e-10),
             (2147483648, 2.9180993729166226723e-10), (3000000000, 0.52006806184887621789),
             (4293918720, 3.4871042316372283448), (4294967294, 6.166429517819750247),
             (4294967295, 6.3379577545537892525)]


@pytest.mark.parametrize("counter, key, words", KNOWN_ANSWERS)
def test_philox_gives_the_published_known_answers(counter, key, words):
    assert tuple(random.philox4x32(counter, key)) == words


def test_philox_broadcasts_counters_against_keys():
    counters = np.array([k[0] for k in KNOWN_ANSWERS], np.uint32)
    keys = np.array([k[1] for k in KNOWN_ANSWERS], np.uint32)
    table = random.philox4x32(counters[:, None], keys[None])
    assert np.array_equal(table[range(3), range(3)], [k[2] for k in KNOWN_ANSWERS])


def test_the_address_is_laid_out_as_documented():
    start = 4 * (7 + 9 * 2 ** 32)
    expected = random.philox4x32([7, 9, 4, 16 << 16 | 3], [1, 2])
    assert np.array_equal(random.words(*ADDRESS, start, 4), expected)
    assert np.array_equal(random.uniforms(*ADDRESS, start, 4), (expected + 0.5) / 2 ** 32)


def test_normals_are_within_two_ulp_of_high_precision_values():
    word, expected = np.array(QUANTILES).T
    assert np.all(np.abs(random.normal_quantile((word + 0.5) / 2 ** 32) - expected) <= 2 * np.spacing(np.abs(expected)))


def test_normal_quantile_agrees_with_scipy_over_the_whole_range():
    word = np.concatenate([np.arange(5000), 2 ** 32 - 1 - np.arange(5000), np.arange(0, 2 ** 32, 99991)])
    u = (word + 0.5) / 2 ** 32
    np.testing.assert_allclose(random.normal_quantile(u), special.ndtri(u), rtol=3e-15)


def test_any_part_of_a_sequence_equals_that_part_of_the_whole():
    whole = random.normals(*ADDRESS, 0, 20_000)
    for start, count in ((1, 4), (4093, 4100), (19_999, 1)):
        assert np.array_equal(random.normals(*ADDRESS, start, count), whole[start:start + count])


def test_every_part_of_the_address_matters():
    base = random.words(*ADDRESS, 0, 64)
    for position in range(5):
        other = list(ADDRESS)
        other[position] = int(other[position]) + 1
        assert np.mean(random.words(*other, 0, 64) == base) == 0


def test_uniforms_are_uniform():
    """2^20 numbers: a Kolmogorov-Smirnov test at alpha = 1e-6 sees a distance of 0.0026."""
    assert stats.kstest(random.uniforms(*ADDRESS, 0, 2 ** 20), "uniform").pvalue > 1e-6


def test_normals_have_the_moments_of_a_standard_normal():
    """2^22 numbers: at 5 standard errors a mean of 0.0025 or a 0.18 % error in sigma would be found."""
    n = 2 ** 22
    x = random.normals(*ADDRESS, 0, n)
    assert abs(x.mean()) < 5 / np.sqrt(n)
    assert abs(x.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((x ** 3).mean()) < 5 * np.sqrt(15 / n)
    assert abs((x ** 4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert stats.kstest(x[:2 ** 20], "norm").pvalue > 1e-6


def test_neighbouring_addresses_are_uncorrelated():
    n = 2 ** 20
    x = random.normals(*ADDRESS, 0, n)
    others = [x[1:], random.normals(1, 3, *ADDRESS[2:], 0, n), random.normals(*ADDRESS[:4], 5, 0, n),
              random.normals(*ADDRESS[:3], 4, 4, 0, n)]
    for y in others:
        assert abs(np.dot(x[:y.size], y)) < 5 * np.sqrt(n)


def test_permutation_is_a_permutation_by_documented_keys():
    order = random.permutation(*ADDRESS, 1000)
    pair = random.words(*ADDRESS, 0, 2000).astype(object).reshape(-1, 2)
    keys = [int(a) * 2 ** 32 + int(b) for a, b in pair]
    assert list(order) == sorted(range(1000), key=lambda i: keys[i])
    assert random.permutation(*ADDRESS, 0).shape == (0,)


def test_permutation_puts_every_item_everywhere_equally_often():
    """200 permutations of 100: chi-square of (tens of the item, tens of its place) at alpha = 1e-6."""
    table = np.zeros((10, 10))
    for draw in range(200):
        np.add.at(table, (np.arange(100) // 10, random.permutation(7, 0, random.Purpose.SHUFFLING, 0, draw, 100) // 10), 1)
    assert stats.chi2.sf(((table - 200) ** 2 / 200).sum(), 81) > 1e-6


@pytest.mark.parametrize("change, said", [
    (dict(seed=-1), "seed = -1"), (dict(seed=2 ** 32), "seed = 4294967296"), (dict(chip=2 ** 32), "chip"),
    (dict(purpose=2 ** 16), "purpose"), (dict(layer=65536), "layer"), (dict(draw=-3), "draw = -3"),
    (dict(start=-1), "start"), (dict(start=2 ** 64), "start"), (dict(count=-5), "count = -5"),
    (dict(start=2 ** 64 - 1, count=2), "count"), (dict(seed=1.5), "whole number"), (dict(count="7"), "whole number"),
    (dict(seed=None), "whole number")])
@pytest.mark.parametrize("form", [random.uniforms, random.normals, fast_random.uniforms, fast_random.normals])
def test_addresses_outside_the_range_are_refused_by_name(form, change, said):
    address = dict(seed=1, chip=2, purpose=16, layer=3, draw=4, start=0, count=8)
    with pytest.raises(RefpcmError, match=said):
        form(**{**address, **change})


def test_numpy_integers_and_the_largest_address_are_accepted():
    largest = (np.uint32(2 ** 32 - 1), np.int64(2 ** 32 - 1), 2 ** 16 - 1, 2 ** 16 - 1, 2 ** 32 - 1)
    expected = random.philox4x32([2 ** 32 - 1, 2 ** 30 - 1, 2 ** 32 - 1, 2 ** 32 - 1], [2 ** 32 - 1] * 2)
    assert np.array_equal(random.words(*largest, 2 ** 64 - 4, 4), expected)


@pytest.mark.parametrize("dtype", [np.float16, int, complex])
@pytest.mark.parametrize("form", [random.normals, fast_random.normals])
def test_normals_of_another_precision_are_refused(form, dtype):
    with pytest.raises(RefpcmError, match="float32 or float64"):
        form(1, 0, 1, 0, 0, 0, 4, dtype)
