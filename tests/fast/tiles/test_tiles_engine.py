"""refpcm.fast.tiles.engine: noise on tiles against the specification; bits whatever batches, threads and cuts there are."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast import threads as parallel
from refpcm.fast.tiles.engine import EngineOnTiles
from refpcm.fast.tiles.product import windows_product
from refpcm.spec import random
from refpcm.spec.compensation.adabs import calibrate
from refpcm.spec.compensation.global_drift import Readout, compensated_read, reference_readouts
from refpcm.spec.crossbars import analog_layers, program_network, with_matrices
from refpcm.spec.engine import Engine as SpecEngine
from refpcm.spec.network_on_tiles import Analog, analog_forward, calibrate_ranges, input_vectors, layer_inputs, window
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.product_noise import mean_conductances, weight_variances
from refpcm.spec.pcm.tile import Tiles, parts
from refpcm.spec.resnet import initial_parameters, tiny_resnet8

NETWORK = tiny_resnet8()
ADDRESS = (1, 2, 3)
T_S = 1e6
CUT = 50  # rows: 3 to 11 parts a layer, most of whose bounds lie inside a channel of 9 rows
IDEAL, REAL = Converter(None), Converter(8)
KINDS = {"output": (0.02, False), "read": (0.0, True), "both": (0.02, True)}


@pytest.fixture(scope="module")
def network():
    """Parameters with batch norm statistics that fit, images, a chip."""
    parameters = initial_parameters(
        NETWORK, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    parameters["fc.bias"] = np.linspace(-1, 1, 10, dtype=np.float32)
    images = np.random.default_rng(0).standard_normal((35, 3, 32, 32)).astype(np.float32)
    parameters = calibrate(SpecEngine(NETWORK), parameters, [images])
    return parameters, images, program_network(NETWORK, parameters, JOSHI2020, *ADDRESS[:2])


@pytest.fixture(scope="module")
def analog_of(network):
    """analog_of(rows, converter, kind) -> Analog. All share their arrays, which nobody writes into."""
    parameters, images, chip = network
    readout = Readout(conductances=mean_conductances)
    means, _, alphas = compensated_read(chip, T_S, 0, reference_readouts(chip, readout), readout)
    variances, w_max = weight_variances(chip, T_S), {c.name: c.w_max for c in chip.crossbars}

    @lru_cache
    def ranges(rows):  # no matter which converters have them
        return calibrate_ranges(NETWORK, parameters, "all", [images[:4]], 4, Tiles(rows))

    def make(rows, converter, kind):
        output_noise, read_noise = KINDS[kind]
        tiles = Tiles(rows, None, converter, converter, output_noise)
        return Analog(tiles, means, w_max, ranges(rows), alphas, ADDRESS, variances if read_noise else {})
    return make


@pytest.mark.parametrize("kind", ["read", "both"])
@pytest.mark.parametrize("rows", [None, CUT])
def test_layer_by_layer_the_kernels_agree_with_the_specification(network, analog_of, rows, kind):
    """Each layer for the inputs it has in the specification; noise at the documented address, images 7, 8, ..."""
    parameters, images, _ = network
    analog = analog_of(rows, IDEAL, kind)
    tape = analog_forward(NETWORK, parameters, analog, images[:3], first_image=7)
    for number, layer in analog_layers(NETWORK):
        x, y = layer_inputs(layer, tape.values[layer.inputs[0]]), tape.values[layer.name]
        y = y.reshape(*y.shape[:2], *(y.shape[2:] or (1, 1)))
        each = len(parts(len(analog.matrices[layer.name]), rows)) * y[0].size
        z, z_read = (random.normals(1, 2, purpose, number, 3, 7 * each, 3 * each, np.float32).reshape(
            3, -1, y.shape[1], y[0, 0].size) for purpose in (random.Purpose.OUTPUT_NOISE, random.Purpose.PRODUCT_READ_NOISE))
        fast = windows_product(x, analog.matrices[layer.name], *window(layer), analog.tiles, analog.ranges[layer.name],
                               z, analog.w_max[layer.name], None, analog.variances[layer.name], z_read)
        fast /= np.float32(analog.alphas[layer.name])
        np.testing.assert_allclose(fast, y, rtol=1e-4, atol=1e-5 * np.abs(y).max(), err_msg=layer.name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [None, CUT])
def test_logits_and_statistics_are_those_of_the_specification(network, analog_of, rows, kind):
    """Without converters nothing makes more of a rounding: the two differ by 4e-7 of the largest logit, 2e-7 standard
    deviations in the means and 5e-7 of the variances (largest of 18 trials); another order of sums may do a few times that.
    """
    parameters, images, _ = network
    analog = analog_of(rows, IDEAL, kind)
    engine = EngineOnTiles(NETWORK, analog, next_image=7)
    for training in (False, True):
        engine.next_image = 7
        tape = analog_forward(NETWORK, parameters, analog, images[:5], 7, training=training)
        logits = engine.forward(parameters, images[:5], training)
        assert np.abs(logits - tape.values["fc"]).max() < 2e-6 * np.abs(tape.values["fc"]).max()
    for name, (mean, variance, _) in tape.statistics.items():
        assert np.all(np.abs(engine.statistics[name][0] - mean) < 2e-6 * np.sqrt(variance)), name
        np.testing.assert_allclose(engine.statistics[name][1], variance, rtol=2e-6, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows, converter", [(None, IDEAL), (CUT, IDEAL), (CUT, REAL)])
def test_bits_depend_neither_on_batches_nor_on_threads(network, analog_of, monkeypatch, rows, converter, kind):
    """35 images at once, and in batches of 15, of 16, of 17 and the last one alone; 1, 2 and 3 threads."""
    parameters, images, _ = network
    engine = EngineOnTiles(NETWORK, analog_of(rows, converter, kind))
    whole = engine.forward(parameters, images)
    assert engine.next_image == 35 and np.all(np.isfinite(whole))
    for threads, size in ((1, 15), (2, 16), (3, 17), (2, 35)):
        monkeypatch.setattr(parallel, "get_num_threads", lambda: threads)
        engine.next_image = 0
        logits = [engine.forward(parameters, images[i:i + size]) for i in range(0, 35, size)]
        assert np.array_equal(np.concatenate(logits), whole), (threads, size)
    engine.next_image = 34
    assert np.array_equal(engine.forward(parameters, images[34:]), whole[34:])
    engine.next_image = 35
    assert not np.array_equal(engine.forward(parameters, images[34:]), whole[34:])


def test_every_image_pixel_column_and_part_has_noise_of_its_own(network, analog_of):
    """The first layer on three tiles, twice the same image, in standard deviations of the closed form: 32,768 numbers
    whose sigma is known to 0.4 % and correlations to 0.8 % or better (one standard error, five allowed)."""
    parameters, images, _ = network
    noisy = analog_of(9, IDEAL, "read")
    twice = np.repeat(images[:1], 2, 0)
    with_noise, without = (analog_forward(NETWORK, parameters, analog, twice).values["conv1"]
                           for analog in (noisy, replace(noisy, variances={})))
    windows = input_vectors(NETWORK.layers[0], twice)
    sigma = np.sqrt(windows.astype(np.float64) ** 2 @ noisy.variances["conv1"]).transpose(0, 3, 1, 2)
    z = (with_noise - without) / (sigma / noisy.alphas["conv1"])
    assert abs(z.std() - 1) < 5 / np.sqrt(2 * z.size)
    for a, b in ((z[0], z[1]), (z[:, 1:], z[:, :-1]), (z[..., 1:], z[..., :-1]), (z[:, :, 1:], z[:, :, :-1])):
        assert abs(np.mean(a * b)) < 5 / np.sqrt(a.size)


@pytest.mark.parametrize("converter", [IDEAL, REAL])
def test_nan_reaches_the_logits_of_both_forms(network, analog_of, converter):
    """Through tiles and converters: from a pixel those of its image, from a weight those of every image."""
    parameters, images, _ = network
    images = images[:3].copy()
    images[1, 0, 5, 5] = np.nan
    analog = analog_of(CUT, converter, "output")
    matrix = analog.matrices["layer1.0.conv1"].copy()
    matrix[4, 2] = np.nan
    broken = replace(analog, matrices={**analog.matrices, "layer1.0.conv1": matrix})
    for analog, lost in ((analog, np.array([False, True, False])), (broken, True)):
        for logits in (EngineOnTiles(NETWORK, analog).forward(parameters, images),
                       analog_forward(NETWORK, parameters, analog, images).values["fc"]):
            assert np.all(np.isnan(logits) == np.reshape(lost, (-1, 1)))


@pytest.mark.parametrize("change, said", [
    ({"conv_1": np.zeros((27, 16), np.float32)}, "no crossbar layer 'conv_1'; it has conv1, "),
    ({"bn1": np.zeros((16, 1), np.float32)}, "no crossbar layer 'bn1'"),
    ({"conv1": np.zeros((36, 16), np.float32)}, r"'conv1' .* takes \(rows, columns\) = \(27, 16\), not \(36, 16\)"),
    ({"fc": np.zeros((56, 10), np.float32)}, r"'fc' .* \(57, 10\)"),
    ({"conv1": np.zeros(432, np.float32)}, "'conv1'")])
@pytest.mark.parametrize("use", [
    lambda parameters, analog, images: EngineOnTiles(NETWORK, analog),
    lambda parameters, analog, images: analog_forward(NETWORK, parameters, analog, images),
    lambda parameters, analog, images: with_matrices(NETWORK, parameters, analog.matrices)])
def test_matrices_that_do_not_fit_the_network_are_refused(network, use, change, said):
    parameters, images, _ = network
    analog = Analog(Tiles(), change, {}, {})
    with pytest.raises(RefpcmError, match=said):
        use(parameters, analog, images[:1])
