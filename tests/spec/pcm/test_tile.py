"""refpcm.spec.pcm.converters and tile: integer codes, ties, splits, noise, and the network on tiles."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast.chip import read
from refpcm.fast.tiles.engine import EngineOnTiles
from refpcm.fast.tiles.product import windows_product
from refpcm.spec import random
from refpcm.spec.compensation.adabs import calibrate
from refpcm.spec.crossbars import program_network, to_matrices, with_matrices
from refpcm.spec.engine import Engine as SpecEngine
from refpcm.spec.network import forward
from refpcm.spec.network_on_tiles import Analog, analog_forward, calibrate_ranges, input_vectors
from refpcm.spec.pcm.converters import Converter, codes, convert, saturated
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.tile import Ranges, Saturation, Tiles, calibrated_ranges, parts, product
from refpcm.spec.resnet import initial_parameters, tiny_resnet8

IDEAL = Tiles(None, None, Converter(None), Converter(None))


def test_codes_round_half_to_even_and_saturate():
    """4 bits, range 7: codes are the rounded numbers themselves, -7 .. 7."""
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, np.nextafter(0.5, 1), np.nextafter(1.5, 0), 6.5, 7.4, 7.6, -99.0])
    assert list(codes(x, Converter(4), 7.0)) == [0, 2, 2, 0, -2, 1, 1, 6, 7, 7, -7]
    assert saturated(x, Converter(4), 7.0) == 2
    assert list(convert(x[:3], Converter(4), 7.0)) == [0.0, 2.0, 2.0]


@pytest.mark.parametrize("bits", [2, 8, 24])
def test_the_error_is_uniform_with_variance_step_squared_over_12(bits):
    """100,000 inputs: the variance is known to 0.28 %, 5 standard errors 1.4 %."""
    x = np.random.default_rng(0).uniform(-1, 1, 100_000) * 100
    step = 2 * 100 / (2 ** bits - 2)
    error = convert(x, Converter(bits), 100.0) - x
    assert np.abs(error).max() <= step / 2 * (1 + 1e-9)
    assert np.var(error) == pytest.approx(step ** 2 / 12, rel=0.015)


def test_an_ideal_converter_passes_everything_on():
    x = np.array([1e9, -3.3])
    assert convert(x, Converter(None), 1.0) is x and saturated(x, Converter(None), 1.0) == 0


def test_nan_has_no_code_and_stays_nan():
    x = np.array([0.3, np.nan, np.inf], np.float32)
    with pytest.raises(RefpcmError, match="NaN"):
        codes(x, Converter(8), 1.0)
    np.testing.assert_array_equal(convert(x, Converter(3), 3.0), np.float32([0, np.nan, 3]))
    assert saturated(x, Converter(3), 3.0) == 1


@pytest.mark.parametrize("size, limit, sizes", [
    (10, None, [10]), (10, 10, [10]), (10, 4, [4, 3, 3]), (504, 256, [252] * 2), (513, 512, [257, 256]),
    (3, 1, [1, 1, 1])])
def test_parts_differ_by_at_most_one_and_cover_everything(size, limit, sizes):
    bounds = parts(size, limit)
    assert [e - b for b, e in bounds] == sizes
    assert [b for b, _ in bounds] == [0] + [e for _, e in bounds][:-1] and bounds[-1][1] == size


def test_an_ideal_product_is_the_matrix_product():
    x, w = (np.random.default_rng(i).standard_normal(s) for i, s in enumerate([(5, 30), (30, 7)]))
    np.testing.assert_allclose(product(x, w, IDEAL, Ranges(1, 1)), x @ w, rtol=1e-13)
    np.testing.assert_allclose(product(x, w, Tiles(8, 3, Converter(None), Converter(None)), Ranges(1, 1)), x @ w,
                               rtol=1e-12)


def test_a_product_by_hand():
    """3-bit converters (codes -3 .. 3), range 3: inputs 1.4 -> 1, -2.6 -> -3; sums 1 * 2 - 3 = -1, then 3 * 4 -> 3."""
    tiles = Tiles(2, None, Converter(3), Converter(3))
    x, w = np.array([[1.4, -2.6, 9.0]]), np.array([[2.0], [1.0], [4.0]])
    count = Saturation()
    assert product(x, w, tiles, Ranges(3.0, 3.0), saturation=count)[0, 0] == -1 + 3
    assert (count.dac_values, count.dac_saturated, count.adc_values, count.adc_saturated) == (3, 1, 2, 1)


def test_the_saturating_sum_shows_that_parts_are_converted_before_they_are_added():
    x, w = np.ones((1, 4)), np.array([[5.0], [5.0], [-5.0], [-5.0]])
    assert product(x, w, Tiles(2, None, Converter(None), Converter(8)), Ranges(1, 8.0))[0, 0] == 0
    assert product(x[:, :2], w[:2], Tiles(2, None, Converter(None), Converter(8)), Ranges(1, 8.0))[0, 0] == 8.0


def test_output_noise_has_the_stated_size():
    """sigma = 0.04 W_max range a part; two parts add up to sqrt(2) of it; z is an argument."""
    z = np.random.default_rng(0).standard_normal((20_000, 2, 3))
    tiles = Tiles(2, None, Converter(None), Converter(None), output_noise=0.04)
    y = product(np.zeros((20_000, 4)), np.zeros((4, 3)), tiles, Ranges(2.0, 1.0), z, w_max=0.5)
    np.testing.assert_allclose(y, 0.04 * (z[:, 0] + z[:, 1]), atol=1e-15)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("noise", [0.0, 0.04])
@pytest.mark.parametrize("rows", [None, 10])
@pytest.mark.parametrize("dac, adc", [(4, 8), (4, None), (3, 6)])
def test_kernels_and_specification_agree_bit_for_bit(dac, adc, rows, noise, stride):
    """Inputs and weights are whole numbers after conversion, so that sums are exact in whatever order BLAS adds."""
    random = np.random.default_rng(0)
    values = random.normal(0, 4, (3, 5, 9, 9)).astype(np.float32)
    w = random.integers(-9, 10, (45, 11)).astype(np.float32)
    tiles, ranges = Tiles(rows, None, Converter(dac), Converter(adc), noise), Ranges(2.0 ** (dac - 1) - 1, 99.0)
    size = (11 - 3) // stride + 1
    z = random.standard_normal((3, len(parts(45, rows)), 11, size * size), np.float32)
    padded = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)))
    x = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))[:, :, ::stride, ::stride]
    x = x.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 45)
    counts = Saturation(), Saturation()
    y = product(x, w, tiles, ranges, z.transpose(0, 3, 1, 2).reshape(len(x), -1, 11), 3.0, counts[0])
    fast = windows_product(values, w, 3, stride, 1, tiles, ranges, z, 3.0, counts[1])
    assert fast.dtype == np.float32 and np.array_equal(y.reshape(3, size, size, 11).transpose(0, 3, 1, 2), fast)
    assert (counts[0].adc_values, counts[0].adc_saturated) == (counts[1].adc_values, counts[1].adc_saturated)
    assert adc is None or counts[0].adc_saturated > 0


NOISY = Tiles(2, None, Converter(None), Converter(None), output_noise=0.1)


@pytest.mark.parametrize("change, said", [
    ({"x": np.ones((1, 3))}, r"x of shape \(1, 4\), got shape \(1, 3\)"), ({"x": np.ones(4)}, "x of shape"),
    ({"z": None}, r"z of shape \(1, 2, 5\), got nothing"), ({"z": np.ones((1, 1, 5))}, "z of shape"),
    ({"variance": np.ones((5, 4))}, "variance of shape"), ({"z_read": None}, "z_read of shape"),
    ({"z_read": np.ones((2, 2, 5))}, "z_read of shape")])
def test_products_of_arrays_that_do_not_fit_are_refused(change, said):
    fitting = {"x": np.ones((1, 4)), "weights": np.ones((4, 5)), "tiles": NOISY, "ranges": Ranges(1, 1),
               "z": np.ones((1, 2, 5)), "variance": np.ones((4, 5)), "z_read": np.ones((1, 2, 5))}
    product(**fitting)
    with pytest.raises(RefpcmError, match=said):
        product(**{**fitting, **change})


@pytest.mark.parametrize("change, said", [
    ({"kernel": 5}, "kernel 5 with stride 1; known are 3 with 1, "), ({"stride": 3}, "kernel 1 with stride 3"),
    ({"kernel": 7, "stride": 1}, "kernel 7 with stride 1"), ({"kernel": 3}, r"weights of shape \(36, 5\)"),
    ({"weights": np.ones((8, 5))}, r"weights of shape \(4, 5\)"), ({"z": None}, "z of shape"),
    ({"z": np.ones((1, 2, 5, 1))}, r"z of shape \(1, 2, 5, 9\)"), ({"variance": np.ones((5, 4))}, "variance of shape"),
    ({"z_read": np.ones((1, 1, 5, 9))}, "z_read of shape"),
    ({"kernel": 7, "stride": 2, "weights": np.ones((196, 5))}, "does not fit an input")])
def test_products_of_windows_that_do_not_fit_are_refused(change, said):
    """The kernels would read whatever lies behind the arrays."""
    fitting = {"values": np.ones((1, 4, 3, 3), np.float32), "weights": np.ones((4, 5)), "kernel": 1, "stride": 1,
               "padding": 0, "tiles": NOISY, "ranges": Ranges(1, 1), "z": np.ones((1, 2, 5, 9)),
               "variance": np.ones((4, 5)), "z_read": np.ones((1, 2, 5, 9))}
    windows_product(**fitting)
    with pytest.raises(RefpcmError, match=said):
        windows_product(**{**fitting, **change})


@pytest.mark.parametrize("dac", [None, 8])
@pytest.mark.parametrize("adc", [None, 8])
@pytest.mark.parametrize("near_a_tie", [False, True])
def test_nan_passes_converters_in_both_forms(near_a_tie, dac, adc):
    """Near a tie the kernels convert the 16 lanes one by one."""
    values = np.full((16, 2, 1, 1), 0.5 / 127 if near_a_tie else 0.25, np.float32)
    values[3, 1] = np.nan
    w, tiles = np.float32([[1, 2], [3, 4]]), Tiles(None, None, Converter(dac), Converter(adc))
    counts = Saturation(), Saturation()
    slow = product(values[:, :, 0, 0], w, tiles, Ranges(1.0, 1.0), saturation=counts[0])
    fast = windows_product(values, w, 1, 1, 0, tiles, Ranges(1.0, 1.0), saturation=counts[1])[:, :, 0, 0]
    assert np.array_equal(np.isnan(slow), np.isnan(fast)) and np.array_equal(np.isnan(slow[:, 0]), np.arange(16) == 3)
    assert counts[0] == counts[1]


def test_inputs_that_saturate_count_once():
    """However many windows a pixel is in; an ideal ADC counts nothing."""
    x = np.random.default_rng(0).standard_normal((7, 3, 11, 13)).astype(np.float32)
    count, tiles = Saturation(), Tiles(None, None, Converter(8), Converter(None))
    y = windows_product(x, np.eye(3, dtype=np.float32), 1, 1, 0, tiles, Ranges(2.3, 1.0), saturation=count)
    assert np.array_equal(y, convert(x, Converter(8), 2.3))
    assert count == Saturation(x.size, saturated(x, Converter(8), 2.3))


def test_the_network_on_tiles_is_the_specification_layer_by_layer(network):
    parameters, images, _ = network
    tiles = Tiles(64, None, Converter(6), Converter(6))
    matrices = to_matrices(NETWORK, parameters)
    ranges = calibrate_ranges(NETWORK, parameters, matrices, images, tiles)
    w_max = dict.fromkeys(matrices, 1.0)
    tape = analog_forward(NETWORK, parameters, Analog(tiles, matrices, w_max, ranges), images[:5])
    for layer in NETWORK.layers:
        if layer.name in matrices:
            x = input_vectors(layer, tape.values[layer.inputs[0]])
            y = product(x.reshape(-1, x.shape[-1]), matrices[layer.name], tiles, ranges[layer.name])
            y = y.reshape(*x.shape[:3], -1).transpose(0, 3, 1, 2)
            value = tape.values[layer.name].reshape(y.shape)
            step = ranges[layer.name].outputs / 31
            assert np.abs(value - y).max() < 1.01 * step and np.mean(np.abs(value - y) > 0.01 * step) < 1e-4


def test_input_vectors_are_windows_in_the_order_channel_row_column():
    layer = NETWORK.layers[0]
    values = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
    x = input_vectors(layer, values)
    assert x.shape == (2, 8, 8, 27) and np.array_equal(x[1, 3, 4], values[1, :, 2:5, 3:6].reshape(-1))
    assert np.array_equal(x[0, 0, 0].reshape(3, 3, 3)[:, 0], np.zeros((3, 3)))


def test_calibrated_ranges_hold_the_quantile():
    x, w = np.random.default_rng(0).standard_normal((1000, 20)), np.ones((20, 2))
    ranges = calibrated_ranges(x, w, Tiles(10, None, Converter(None), Converter(8)), quantile=0.99)
    assert np.mean(np.abs(x) > ranges.inputs) == pytest.approx(0.01, abs=0.001)
    assert ranges.outputs == pytest.approx(2.576 * np.sqrt(10), rel=0.1)
    for inputs, weights, said in ((np.nan, 1.0, "input .* not finite"),
                                  (np.inf, 1.0, "input .* not finite"), (1.0, np.nan, "sum .* not finite"),
                                  (1e300, 1e300, "sum .* not finite")):
        with pytest.raises(RefpcmError, match=said), np.errstate(all="ignore"):
            calibrated_ranges(np.full((3, 20), inputs), np.full((20, 2), weights), IDEAL)


@pytest.mark.parametrize("make", [lambda: Converter(1), lambda: Converter(25), lambda: Converter(8.0), lambda: Tiles(0),
                                  lambda: Tiles(rows=2.5), lambda: Tiles(output_noise=-1), lambda: Tiles(columns=0),
                                  lambda: Ranges(0.0, 1.0), lambda: Ranges(1.0, -1.0), lambda: Ranges(np.nan, 1.0),
                                  lambda: Ranges(1.0, np.nan), lambda: Ranges(np.inf, 1.0)])
def test_impossible_hardware_is_refused(make):
    with pytest.raises(RefpcmError):
        make()


NETWORK = tiny_resnet8()


@pytest.fixture(scope="module")
def network():
    """Parameters with batch norm statistics that fit, images, logits of the digital network."""
    parameters = initial_parameters(
        NETWORK, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    parameters["fc.bias"] = np.linspace(-1, 1, 10, dtype=np.float32)
    images = np.random.default_rng(0).standard_normal((20, 3, 32, 32)).astype(np.float32)
    parameters = calibrate(SpecEngine(NETWORK), parameters, [images])
    return parameters, images, forward(NETWORK, parameters, images)[0]


def on_tiles(network, tiles, images=None, parameters=None, first_image=0, **options):
    trained, all_images, _ = network
    matrices = to_matrices(NETWORK, parameters or trained)
    ranges = calibrate_ranges(NETWORK, trained, matrices, all_images, tiles)
    w_max = {name: float(np.abs(matrix).max()) for name, matrix in matrices.items()}
    engine = EngineOnTiles(NETWORK, Analog(tiles, matrices, w_max, ranges, **options), first_image)
    return engine.forward(trained, all_images if images is None else images)


def test_ideal_tiles_give_the_digital_network(network):
    np.testing.assert_allclose(on_tiles(network, IDEAL), network[2], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(on_tiles(network, Tiles(100, 20, Converter(None), Converter(None))), network[2],
                               rtol=1e-4, atol=1e-4)


def test_more_bits_come_nearer_to_the_digital_network(network):
    error = [np.linalg.norm(on_tiles(network, Tiles(256, None, Converter(b), Converter(b))) - network[2]) /
             np.linalg.norm(network[2]) for b in (4, 6, 8, 12)]
    assert error == sorted(error, reverse=True) and error[2] < 0.06 < 0.2 < error[0]


def test_a_chip_on_ideal_tiles_is_its_effective_weights_in_the_digital_network(network):
    parameters, images, _ = network
    weights = read(program_network(NETWORK, parameters, JOSHI2020, 1, 2), 3600.0)
    drifted = with_matrices(NETWORK, parameters, weights)
    np.testing.assert_allclose(on_tiles(network, IDEAL, parameters=drifted), forward(NETWORK, drifted, images)[0],
                               rtol=1e-4, atol=1e-4)


def test_gdc_divides_the_layer_output(network):
    parameters, images, _ = network
    alphas = {name: 0.5 for name in to_matrices(NETWORK, parameters)}
    halved = with_matrices(NETWORK, parameters, {n: m / 2 for n, m in to_matrices(NETWORK, parameters).items()})
    rescued = on_tiles(network, IDEAL, parameters=halved, alphas=alphas)
    np.testing.assert_allclose(rescued, network[2], rtol=1e-4, atol=1e-4)


def test_adabs_sees_the_statistics_of_the_whole_mini_batch_on_tiles(network):
    parameters, images, _ = network
    matrices = to_matrices(NETWORK, parameters)
    analog = Analog(IDEAL, matrices, dict.fromkeys(matrices, 1.0), dict.fromkeys(matrices, Ranges(1, 1)))
    digital, on_chip = (calibrate(engine, parameters, [images[:10], images[10:]])
                        for engine in (SpecEngine(NETWORK), EngineOnTiles(NETWORK, analog)))
    for name in parameters:
        np.testing.assert_allclose(on_chip[name], digital[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_saturation_is_counted_layer_by_layer(network):
    parameters, images, _ = network
    matrices = to_matrices(NETWORK, parameters)
    analog = Analog(Tiles(64), matrices, dict.fromkeys(matrices, 1.0), dict.fromkeys(matrices, Ranges(1.0, 0.5)))
    counts = {name: Saturation() for name in matrices}
    EngineOnTiles(NETWORK, analog, saturation=counts).forward(parameters, images[:2])
    assert counts["conv1"].dac_values == 2 * 3 * 32 * 32 and counts["conv1"].adc_values == 2 * 16 * 32 * 32
    assert counts["layer3.0.conv2"].adc_values == 2 * 56 * 8 * 8 * 8  # 504 rows: 8 parts of 63
    beyond = np.abs(np.rint(images[:2].astype(float) * 127)) > 127
    assert counts["conv1"].dac_saturated == beyond.sum() and counts["conv1"].adc_saturated > 0


def test_the_noise_of_an_image_does_not_depend_on_its_batch(network):
    tiles = Tiles(64, None, Converter(8), Converter(8), output_noise=0.04)
    whole = on_tiles(network, tiles, address=(1, 2, 3))
    part = on_tiles(network, tiles, images=network[1][7:12], address=(1, 2, 3), first_image=7)
    np.testing.assert_allclose(part, whole[7:12], rtol=1e-3, atol=1e-3)
    assert np.abs(on_tiles(network, tiles, address=(1, 2, 4)) - whole).max() > 0.01
