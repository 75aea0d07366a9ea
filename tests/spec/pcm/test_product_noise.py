"""refpcm.spec.pcm.product_noise: moments against integrals, products against literal reads of all devices."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from refpcm.errors import RefpcmError
from refpcm.fast.chip import read
from refpcm.fast.tiles.product import windows_product
from refpcm.spec.network_on_tiles import Analog
from refpcm.spec.pcm.chip import effective_weights, program, read_conductances
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.device import DEVICES, JOSHI2020
from refpcm.spec.pcm.drift import drifted_us
from refpcm.spec.pcm.product_noise import mean_conductances, read_moments, weight_variances
from refpcm.spec.pcm.tile import Ranges, Saturation, Tiles, parts, product

IDEAL = Tiles(None, None, Converter(None), Converter(None))
YEAR_S = 365 * 86400.0
VARIANTS = [*DEVICES.values(), replace(JOSHI2020, reset_device="zero"), replace(JOSHI2020, stuck_fraction=0.1),
            replace(JOSHI2020, read_noise_from="programmed"), replace(JOSHI2020, identity="collapsed")]


@pytest.mark.parametrize("device", VARIANTS, ids=lambda d: f"{d.name}-{d.reset_device}-{d.stuck_fraction}-{d.identity}")
def test_moments_are_those_of_many_reads(device):
    """1,000 pairs a level of g, 300 reads: where all of them conduct, the mean is known to 0.18 % of sigma and sigma^2
    to 0.26 to 0.32 % (one standard error): a shift of 1 % of sigma and an error of 1 % in sigma are found."""
    levels, draws = np.array([1.0, 0.3, 0.05, 0.005]), 300
    chip = program({"m": np.repeat(levels[:, None], 1000, 1)}, device, 3, 1, dtype=np.float64)
    mean_us, variance_us2 = read_moments(chip, chip.crossbars[0], YEAR_S)
    first, second = np.zeros_like(mean_us), np.zeros_like(mean_us)
    for draw in range(draws):
        off = read_conductances(chip, chip.crossbars[0], YEAR_S, draw) - mean_us
        first, second = first + off, second + off * off
    for plane in np.ndindex(2, len(levels)):
        alive = variance_us2[plane] > 0
        sigma, n = np.sqrt(variance_us2[plane][alive]), draws * alive.sum()
        if n:
            assert abs(np.sum(first[plane][alive] / sigma)) < 5 * np.sqrt(n)
            assert abs(np.sum(second[plane][alive] / sigma ** 2) / n - 1) < 5 * np.sqrt(3 / n)
        assert np.abs(first[plane][~alive]).max(initial=0) < 1e-9


def test_only_the_cut_separates_the_mean_from_the_drifted_conductance():
    """At one year an idle device has relative noise 1.13: cut, it is 12 % up on average, with 29 % less variance."""
    chip = program({"m": np.ones((40, 40))}, JOSHI2020, 1, 2, dtype=np.float64)
    x = chip.crossbars[0]
    drifted = drifted_us(x.g_prog_us, x.nu, YEAR_S, JOSHI2020)
    mean_us, variance_us2 = read_moments(chip, x, YEAR_S)
    assert np.array_equal(mean_us[0], drifted[0])
    conducting = drifted[1] > 0
    assert np.mean(mean_us[1][conducting] / drifted[1][conducting]) == pytest.approx(1.117, abs=0.002)
    s = 0.2 * np.sqrt(np.log(YEAR_S / 500e-9))
    assert np.mean(variance_us2[1][conducting] / (s * drifted[1][conducting]) ** 2) == pytest.approx(0.71, abs=0.01)


def literal_and_drawn(device, tiles, power=1, rows=64, draws=4000, columns=50):
    """Products of one vector, in standard deviations of the closed form: (draws, columns) with all devices drawn, and
    as `product` draws them."""
    random = np.random.default_rng(5)
    x = np.abs(random.standard_normal(rows))
    w = random.standard_normal((rows, columns))
    chip = program({"m": np.sign(w) * np.abs(w) ** power}, device, 7, 1, dtype=np.float64)
    crossbar = chip.crossbars[0]
    mean = effective_weights(chip, crossbar, mean_conductances(chip, crossbar, YEAR_S))
    variance = weight_variances(chip, YEAR_S)["m"]
    literal = np.stack([x @ read(chip, YEAR_S, draw)["m"] for draw in range(draws)])
    z_read = random.standard_normal((draws, len(parts(rows, tiles.rows)), columns))
    drawn = product(np.tile(x, (draws, 1)), mean, tiles, Ranges(1, 1), variance=variance, z_read=z_read)
    sigma = np.sqrt(x ** 2 @ variance)
    return (literal - x @ mean) / sigma, (drawn - x @ mean) / sigma


@pytest.mark.parametrize("device, tile_rows, power", [
    (JOSHI2020, None, 1), (JOSHI2020, 30, 1), (JOSHI2020, None, 5), (DEVICES["aihwkit-pcm"], 30, 1)],
    ids=["devices", "tiles", "weak devices", "collapsed"])
def test_a_product_is_distributed_as_with_a_literal_draw_of_all_devices(device, tile_rows, power):
    """200,000 products each: a shift of 1.1 % of sigma, an error of 0.8 % in sigma and a Kolmogorov-Smirnov distance of
    0.006 (alpha = 1e-6) from each other and from the normal distribution are found.

    Weights to the fifth power are mostly small: sigma would be 10 % off were the cut at 0 uS ignored, 0.7 % else.
    """
    literal, drawn = literal_and_drawn(device, replace(IDEAL, rows=tile_rows), power)
    for sample in (literal, drawn):
        assert abs(sample.mean()) < 5 / np.sqrt(sample.size) and abs(sample.std() - 1) < 5 / np.sqrt(2 * sample.size)
        assert stats.kstest(sample.ravel(), "norm").pvalue > 1e-6
    assert stats.ks_2samp(literal.ravel(), drawn.ravel()).pvalue > 1e-6


def test_columns_are_independent_in_both():
    for sample in literal_and_drawn(JOSHI2020, IDEAL):
        correlation = np.corrcoef(sample.T)[np.triu_indices(50, 1)]
        assert np.abs(correlation).max() < 6 / np.sqrt(len(sample))


@pytest.mark.parametrize("kernel, stride", [(3, 1), (3, 2), (1, 1), (1, 2), (7, 2)])
@pytest.mark.parametrize("noise", [0.0, 0.04])
@pytest.mark.parametrize("rows", [None, 10])
@pytest.mark.parametrize("dac, adc", [(4, 8), (4, None), (None, None)])
def test_kernels_and_specification_agree_bit_for_bit(dac, adc, rows, noise, kernel, stride):
    """Inputs, weights and variances are whole numbers: sums are exact in any order; 10 rows cut channels."""
    random = np.random.default_rng(0)
    pad, channels = kernel // 2, 15 if kernel == 1 else 5
    size, matrix_rows = (9 + 2 * pad - kernel) // stride + 1, channels * kernel ** 2
    values = random.integers(-9, 10, (18, channels, 9, 9)).astype(np.float32)
    w = random.integers(-9, 10, (matrix_rows, 11)).astype(np.float32)
    variance = random.integers(0, 10, (matrix_rows, 11)).astype(np.float32)
    tiles, ranges = Tiles(rows, None, Converter(dac), Converter(adc), noise), Ranges(7.0, 99.0)
    z, z_read = random.standard_normal((2, 18, len(parts(matrix_rows, rows)), 11, size * size), np.float32)
    padded = np.pad(values, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    x = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (2, 3))[:, :, ::stride, ::stride]
    x = x.transpose(0, 2, 3, 1, 4, 5).reshape(-1, matrix_rows)
    vectors = [v.transpose(0, 3, 1, 2).reshape(len(x), -1, 11) for v in (z, z_read)]
    counts = Saturation(), Saturation()
    y = product(x, w, tiles, ranges, vectors[0], 3.0, counts[0], variance, vectors[1])
    fast = windows_product(values, w, kernel, stride, pad, tiles, ranges, z, 3.0, counts[1], variance, z_read)
    assert y.dtype == np.float32 and np.array_equal(y.reshape(18, size, size, 11).transpose(0, 3, 1, 2), fast)
    assert (counts[0].adc_values, counts[0].adc_saturated) == (counts[1].adc_values, counts[1].adc_saturated)


@pytest.mark.parametrize("change", [{"conv9": np.ones((27, 16))}, {"conv1": np.ones((16, 27))},
                                    *({"conv1": np.full((27, 16), value)} for value in (-1.0, np.nan, np.inf))])
def test_variances_that_fit_no_matrix_or_are_none_are_refused(change):
    with pytest.raises(RefpcmError, match=f"layer '{list(change)[0]}'.*weight_variances"):
        Analog(IDEAL, {"conv1": np.ones((27, 16))}, {}, {}, variances=change)
