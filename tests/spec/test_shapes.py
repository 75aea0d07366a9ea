"""Layers that do not fit one another are refused by name, by the specification and by the fast engine."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.forms import find_forms
from refpcm.spec import resnet
from refpcm.spec.network import forward
from refpcm.spec.resnet import Add, BatchNorm, Conv2d, GlobalAveragePool, Linear, MaxPool, Network, PadShortcut, ReLU
from refpcm.spec.shapes import tensor_shapes

LAYERS = (Conv2d("c0", ("image",), 3, 8, 3, 1, 1), BatchNorm("b0", ("c0",), 8), ReLU("r0", ("b0",)),
          Conv2d("c1", ("r0",), 8, 8, 3, 1, 1), BatchNorm("b1", ("c1",), 8), Add("a1", ("b1", "r0")), ReLU("r1", ("a1",)),
          GlobalAveragePool("pool", ("r1",)), Linear("fc", ("pool",), 8, 5))


def network(**changes):
    """The layers above, those that are named with other fields."""
    return Network("small", tuple(replace(layer, **changes.get(layer.name, {})) for layer in LAYERS), (3, 8, 8))


@pytest.mark.parametrize("architecture", resnet.ARCHITECTURES)
def test_the_shapes_of_every_architecture_are_those_of_its_tensors(architecture):
    net = resnet.build(architecture, 7)
    found = tensor_shapes(net, net.input_shape)
    assert list(found) == ["image", *(layer.name for layer in net.layers)] and found[net.layers[-1].name] == (7,)
    if architecture in ("tiny-resnet8", "joshi2020-resnet32"):
        parameters = {name: np.zeros(shape, np.float32) for name, shape in resnet.parameter_shapes(net).items()}
        _, tape = forward(net, parameters, np.zeros((1, *net.input_shape), np.float32))
        assert {name: value.shape[1:] for name, value in tape.values.items()} == found


# What is wrong, what is said, and what the fast engine says where its kernels have no form for these layers anyway.
MISTAKES = {
    "channels of a convolution": ({"c1": {"in_channels": 12}}, "'c1'.* does not fit"),
    "channels of a batch norm": ({"b1": {"channels": 4}}, "'b1'.* does not fit"),
    "features of the linear layer": ({"fc": {"in_features": 16}}, "'fc'.* does not fit"),
    "an addition of two shapes": ({"c1": {"stride": 2}}, "'a1'.* does not fit"),
    "an addition of three": ({"a1": {"inputs": ("b1", "r0", "r0")}}, "'a1'.* does not fit"),
    "a name that no layer has": ({"a1": {"inputs": ("b1", "ro")}}, "'a1' reads 'ro', which is not written before it"),
    "a tensor that comes later": ({"c1": {"inputs": ("r1",)}}, "'c1' reads 'r1', which is not written before it",
                                 "no form for layer 'r1'"),
    "a name twice": ({"b1": {"name": "b0"}}, "'b0' has a name that is taken", "no form for layer 'fc'"),
    "a tensor for nobody": ({"pool": {"inputs": ("r0",)}}, "no layer reads 'r1'", "no form for layer 'r0'"),
    "images for a linear layer": ({"fc": {"inputs": ("r1",)}}, "'fc'.* does not fit", "no form for layer 'pool'"),
    "a kernel larger than its input": ({"c0": {"kernel": 11, "padding": 1}}, "a kernel of 11 does not fit",
                                       r"no form for layer 'c0' \(kernel 11"),
    "a stride of 0": ({"c0": {"stride": 0}}, "'c0'.* does not fit", r"no form for layer 'c0' \(kernel 3, stride 0"),
}
SHORTCUTS = ({"before": 2}, {"before": -1}, {"out_channels": 2, "before": 0}, {"stride": 0})  # of 3 channels into 4, 1 before
POOLS = ({"padding": 3}, {"kernel": 1, "padding": 1}, {"stride": 0}, {"padding": -1})


@pytest.mark.parametrize("kernels", ["numpy", "winograd"])
@pytest.mark.parametrize("case", MISTAKES)
def test_layers_that_do_not_fit_are_refused_by_name(case, kernels):
    changes, *words = MISTAKES[case]
    net = network(**changes)
    parameters = {name: np.ones(shape, np.float32) for name, shape in resnet.parameter_shapes(net).items()}
    with pytest.raises(RefpcmError, match=words[0] if kernels == "numpy" else words[-1]):
        find_forms(kernels).make_engine(net).forward(parameters, np.zeros((2, 3, 8, 8), np.float32))


@pytest.mark.parametrize("kernels", ["numpy", "winograd"])
@pytest.mark.parametrize("layer, changes", [*((PadShortcut("extra", ("image",), 3, 4, 1, 1), each) for each in SHORTCUTS),
                                            *((MaxPool("extra", ("image",), 3, 1, 1), each) for each in POOLS)], ids=str)
def test_a_shortcut_or_a_pool_that_does_not_fit_is_refused_by_name(layer, changes, kernels):
    layer = replace(layer, **changes)
    channels = layer.out_channels if isinstance(layer, PadShortcut) else 3
    net = Network("small", (layer, Conv2d("c0", ("extra",), channels, 8, 3, 1, 1), *LAYERS[1:]), (3, 8, 8))
    parameters = {name: np.ones(shape, np.float32) for name, shape in resnet.parameter_shapes(net).items()}
    with pytest.raises(RefpcmError, match="name='extra'.* does not fit"):
        find_forms(kernels).make_engine(net).forward(parameters, np.zeros((2, 3, 8, 8), np.float32))


def test_a_network_without_layers_is_refused():
    with pytest.raises(RefpcmError, match="without layers"):
        tensor_shapes(Network("small", (), (3, 8, 8)), (3, 8, 8))


def test_a_last_layer_that_is_not_linear_is_refused():
    with pytest.raises(RefpcmError, match="the last layer, 'pool', is not linear"):
        tensor_shapes(Network("small", LAYERS[:-1], (3, 8, 8)), (3, 8, 8))
