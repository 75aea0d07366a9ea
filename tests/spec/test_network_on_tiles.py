"""refpcm.spec.network_on_tiles: a whole network through tiles, its ranges, compensation and saturation."""

from functools import lru_cache

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast.chip import read
from refpcm.fast.tiles.engine import EngineOnTiles
from refpcm.spec import random
from refpcm.spec.compensation.adabs import calibrate
from refpcm.spec.crossbars import program_network, to_matrices, with_matrices
from refpcm.spec.engine import Engine as SpecEngine
from refpcm.spec.network import forward
from refpcm.spec.network_on_tiles import Analog, analog_forward, calibrate_ranges, input_vectors
from refpcm.spec.pcm.converters import Converter
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.pcm.tile import Ranges, Saturation, Tiles, parts, product
from refpcm.spec.resnet import initial_parameters, tiny_resnet8

IDEAL = Tiles(None, None, Converter(None), Converter(None))

NETWORK = tiny_resnet8()


@lru_cache
def trained_network():
    """Parameters with batch norm statistics that fit, images, logits of the digital network."""
    parameters = initial_parameters(
        NETWORK, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    parameters["fc.bias"] = np.linspace(-1, 1, 10, dtype=np.float32)
    images = np.random.default_rng(0).standard_normal((20, 3, 32, 32)).astype(np.float32)
    parameters = calibrate(SpecEngine(NETWORK), parameters, [images])
    return parameters, images, forward(NETWORK, parameters, images)[0]


@pytest.fixture
def network():
    """The same arrays for all tests, none of which writes into them."""
    return trained_network()


@lru_cache
def ranges_of(rows):
    """Of all images, on tiles of so many rows, no matter of which converters."""
    parameters, images, _ = trained_network()
    return calibrate_ranges(NETWORK, parameters, "all", [images], len(images), Tiles(rows))


def on_tiles(network, tiles, images=None, parameters=None, first_image=0, **options):
    trained, all_images, _ = network
    matrices = to_matrices(NETWORK, parameters or trained)
    w_max = {name: float(np.abs(matrix).max()) for name, matrix in matrices.items()}
    engine = EngineOnTiles(NETWORK, Analog(tiles, matrices, w_max, ranges_of(tiles.rows), **options), first_image)
    return engine.forward(trained, all_images if images is None else images)


def test_the_network_on_tiles_is_the_specification_layer_by_layer(network):
    parameters, images, _ = network
    tiles = Tiles(64, None, Converter(6), Converter(6))
    matrices = to_matrices(NETWORK, parameters)
    ranges = ranges_of(tiles.rows)
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


def test_ranges_are_quantiles_over_all_batches(network):
    """The paper's: 99.995 % of a layer's inputs, and of the column sums of its parts, lie within."""
    parameters, images, _ = network
    matrices, tiles = to_matrices(NETWORK, parameters), Tiles(50)
    ranges = calibrate_ranges(NETWORK, parameters, "all", np.array_split(images, 3), len(images), tiles)
    tape = forward(NETWORK, parameters, images)[1]
    for layer in NETWORK.layers:
        if layer.name in matrices:
            values = tape.values[layer.inputs[0]]
            x = input_vectors(layer, values)
            x = x.reshape(-1, x.shape[-1])
            sums = np.concatenate([(x[:, a:b] @ matrices[layer.name][a:b]).ravel() for a, b in parts(x.shape[1], 50)])
            least = 1.0 if layer.name == "fc" else 0.0
            assert ranges[layer.name].inputs == pytest.approx(max(np.quantile(np.abs(values), 0.99995), least), rel=1e-4)
            assert ranges[layer.name].outputs == pytest.approx(np.quantile(np.abs(sums), 0.99995), rel=1e-4)


@pytest.mark.parametrize("change, said", [("images", "an input of layer 'conv1' is not finite"),
                                          ("weights", "a column sum of layer 'conv1' is not finite")])
def test_ranges_of_what_is_not_finite_are_refused(network, change, said):
    parameters, images, _ = network
    if change == "images":
        images = np.full_like(images, np.inf)
    else:
        parameters = {**parameters, "conv1.weight": np.full_like(parameters["conv1.weight"], np.nan)}
    with pytest.raises(RefpcmError, match=said), np.errstate(all="ignore"):
        calibrate_ranges(NETWORK, parameters, "all", [images], len(images), IDEAL)


def test_a_layer_without_inputs_gets_some_range(network):
    parameters, images, _ = network
    ranges = calibrate_ranges(NETWORK, parameters, "all", [0 * images], len(images), IDEAL)
    assert ranges["conv1"] == Ranges(1.0, 1.0)


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
    compensated = on_tiles(network, IDEAL, parameters=halved, alphas=alphas)
    np.testing.assert_allclose(compensated, network[2], rtol=1e-4, atol=1e-4)


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
