"""The networks as data, and the forward and backward that walk them."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.spec import nn
from refpcm.spec.network import backward, forward
from refpcm.spec.nn.gradient_check import relative_error
from refpcm.spec.resnet import (
    ARCHITECTURES,
    IMAGE,
    Add,
    BatchNorm,
    Conv2d,
    GlobalAveragePool,
    Linear,
    MaxPool,
    Network,
    PadShortcut,
    ReLU,
    build,
    cifar_resnet,
    imagenet_resnet,
    initial_parameters,
    other_placement,
    parameter_shapes,
    pcm_weight_count,
)
from tests.spec.gradients import assert_numeric


def normals(index, count):
    return np.random.default_rng(index).standard_normal(count)


# Published parameter counts less batch norm: He et al. 2016 Table 6 (0.27 M ... 1.7 M) and torchvision (11,689,512;
# 21,797,672).
@pytest.mark.parametrize("name, weights", [
    ("joshi2020-resnet32", 361_722),
    ("cifar-resnet20", 268_346),
    ("cifar-resnet32", 461_882),
    ("cifar-resnet44", 655_418),
    ("cifar-resnet56", 848_954),
    ("cifar-resnet110", 1_719_866),
    ("cifar-resnet20-behind", 268_346),
    ("cifar-resnet-64x2-128x2-256x2-512x2-projection", 11_679_912 - 64 * 3 * 40 - 990 * 513),
    ("imagenet-resnet18", 11_679_912),
    ("imagenet-resnet34", 21_780_648),
])
def test_weight_counts(name, weights):
    assert pcm_weight_count(build(name)) == weights


@pytest.mark.parametrize("name, parameters", [("imagenet-resnet18", 11_689_512), ("imagenet-resnet34", 21_797_672)])
def test_learned_parameters_are_as_many_as_in_torchvision(name, parameters):
    shapes = parameter_shapes(build(name))
    assert sum(int(np.prod(s)) for n, s in shapes.items() if "running" not in n) == parameters


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_layer_reads_tensors_that_were_written_before(name):
    written = {IMAGE}
    for layer in build(name).layers:
        assert set(layer.inputs) <= written and layer.name not in written
        written.add(layer.name)


def test_the_paper_network_has_32_weighted_layers_and_two_projections():
    network = build("joshi2020-resnet32")
    main = [l for l in network.layers if isinstance(l, (Conv2d, Linear)) and "downsample" not in l.name]
    assert len(main) == 32
    assert sum(isinstance(l, Conv2d) for l in network.layers) == 33


@pytest.mark.parametrize("make, depth, said", [
    (cifar_resnet, 33, "6n"), (cifar_resnet, 2, "6n"), (cifar_resnet, -4, "6n"), (cifar_resnet, 32.0, "6n"),
    (imagenet_resnet, 50, "18 or 34"), (imagenet_resnet, "18", "18 or 34")])
def test_depths_that_do_not_exist_are_refused(make, depth, said):
    with pytest.raises(RefpcmError, match=said):
        make(depth)


@pytest.mark.parametrize("classes", [0, -1, 2.7, "10", True, [3]])
def test_classes_that_are_no_whole_number_of_at_least_one_are_refused(classes):
    with pytest.raises(RefpcmError, match="number of classes must be whole and at least 1"):
        build("tiny-resnet8", classes)
    assert build("tiny-resnet8", np.int64(3)).classes == 3


def test_an_unknown_architecture_is_refused_with_the_known_ones():
    with pytest.raises(RefpcmError, match="joshi2020-resnet32"):
        build("resnet99")


@pytest.mark.parametrize("spelled_out, name", [
    ("cifar-resnet-16x3-32x3-64x3-around", "cifar-resnet20"), ("cifar-resnet-16x3-32x3-64x3-behind", "cifar-resnet20-behind"),
    ("cifar-resnet-16x5-28x5-56x5-projection", "joshi2020-resnet32"),
    ("cifar-resnet-16x3-32x3-64x3-around-at32", "cifar-resnet20"),
    ("imagenet-resnet-64x3-128x4-256x6-512x3-projection", "imagenet-resnet34")])
def test_a_known_network_spelled_out_has_its_short_name(spelled_out, name):
    assert build(spelled_out) == build(name) and build(spelled_out, 7) == build(name, 7)


@pytest.mark.parametrize("name, shape, classes", [
    ("cifar-resnet-16x3-32x3-64x3-projection", (3, 32, 32), 10), ("cifar-resnet-8x1-projection-at64", (3, 64, 64), 10),
    ("imagenet-resnet-64x1-128x1-behind", (3, 224, 224), 1000), ("cifar-resnet-8x1-20x2-40x1-around", (3, 32, 32), 10)])
def test_other_networks_keep_the_name_that_spells_them_out(name, shape, classes):
    network = build(name)
    assert (network.architecture, network.input_shape, network.classes) == (name, shape, classes)
    assert build(name, 5).classes == 5 and build(network.architecture, classes) == network


@pytest.mark.parametrize("name", ["cifar-resnet-16x3", "cifar-resnet-0x3-projection", "cifar-resnet-16x0-projection",
                                  "cifar-resnet-99999x1-projection", "cifar-resnet" + 7 * "-8x1" + "-projection",
                                  "cifar-resnet-8x1-sideways", "vgg-resnet-8x1-projection", "", None, 5, ["a"], "x" * 10000])
def test_names_that_spell_out_nothing_are_refused(name):
    with pytest.raises(RefpcmError, match="unknown architecture .*known are: tiny-resnet8, .*STEM-resnet") as refused:
        build(name)
    assert len(str(refused.value)) < 600


def test_option_a_cannot_leave_channels_out():
    assert build("cifar-resnet-32x1-16x1-projection").classes == 10
    with pytest.raises(RefpcmError, match="option A .behind. cannot leave channels out"):
        build("cifar-resnet-32x1-16x1-behind")


@pytest.mark.parametrize("around, behind", [
    ("cifar-resnet20", "cifar-resnet20-behind"),
    ("cifar-resnet-8x2-16x2-around", "cifar-resnet-8x2-16x2-behind"),
    ("cifar-resnet-8x2-16x2-around-at64", "cifar-resnet-8x2-16x2-behind-at64")])
def test_a_network_of_option_a_has_another_placement_with_the_same_parameters(around, behind):
    around, behind = build(around, 7), build(behind, 7)
    assert other_placement(around) == behind and other_placement(behind) == around
    assert parameter_shapes(around) == parameter_shapes(behind) and around.layers != behind.layers


@pytest.mark.parametrize("name", ["tiny-resnet8", "imagenet-resnet18", "cifar-resnet-8x1-around", "cifar-resnet-8x1-9x1-behind"])
def test_where_no_channels_are_added_there_is_no_other_placement(name):
    assert other_placement(build(name)) is None


def small(shortcut):
    """Every kind of layer in one network of a few hundred weights."""
    layers = (Conv2d("conv1", (IMAGE,), 2, 2, 3, 1, 1), BatchNorm("bn1", ("conv1",), 2), ReLU("relu", ("bn1",)),
              MaxPool("maxpool", ("relu",), 3, 2, 1),
              Conv2d("conv2", ("maxpool",), 2, 4, 3, 2, 1), BatchNorm("bn2", ("conv2",), 4))
    if shortcut != "projection":
        layers += (PadShortcut("skip", ("maxpool",), 2, 4, 2, 1 if shortcut == "around" else 0),)
    else:
        layers += (Conv2d("down", ("maxpool",), 2, 4, 1, 2, 0), BatchNorm("skip", ("down",), 4))
    layers += (Add("add", ("bn2", "skip")), ReLU("relu2", ("add",)), GlobalAveragePool("avgpool", ("relu2",)),
               Linear("fc", ("avgpool",), 4, 3))
    return Network("small", layers, (2, 8, 8))


@pytest.mark.parametrize("shortcut", ["around", "behind", "projection"])
@pytest.mark.parametrize("training", [True, False])
def test_every_gradient_of_a_whole_network_is_numeric(shortcut, training):
    network = small(shortcut)
    parameters = {name: value + 0.1 for name, value in initial_parameters(network, normals, np.float64).items()}
    images, labels = normals(7, 3 * 2 * 8 * 8).reshape(3, 2, 8, 8), np.array([0, 2, 1])

    def loss():
        return nn.cross_entropy(forward(network, parameters, images, training)[0], labels)[0]

    logits, tape = forward(network, parameters, images, training)
    gradients = backward(network, parameters, tape, nn.cross_entropy(logits, labels)[1])
    assert set(gradients) == {n for n in parameters if "running" not in n}
    gradients[IMAGE], targets = tape.gradients[IMAGE], {**parameters, IMAGE: images}
    assert_numeric(gradients, targets, loss)


def test_a_training_pass_names_every_tensor_and_reports_the_statistics_of_every_batch_norm():
    network = build("tiny-resnet8")
    parameters = initial_parameters(network, normals)
    images = normals(1, 4 * 3 * 32 * 32).reshape(4, 3, 32, 32).astype(np.float32)
    logits, tape = forward(network, parameters, images, training=True)
    assert set(tape.values) == {IMAGE} | {layer.name for layer in network.layers}
    assert set(tape.statistics) == {layer.name for layer in network.layers if isinstance(layer, BatchNorm)}
    mean, var, count = tape.statistics["bn1"]
    assert np.allclose(mean, tape.values["conv1"].mean((0, 2, 3)), atol=1e-6)
    assert np.allclose(var, tape.values["conv1"].var((0, 2, 3), ddof=0), rtol=1e-5) and count == 4 * 32 * 32
    assert logits.shape == (4, 10) and logits.dtype == np.float32


def test_float32_logits_agree_with_float64():
    network = build("cifar-resnet20")
    parameters = initial_parameters(network, normals)
    images = normals(1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32).astype(np.float32)
    exact = forward(network, {n: p.astype(np.float64) for n, p in parameters.items()}, images.astype(np.float64))[0]
    assert relative_error(forward(network, parameters, images)[0], exact) < 1e-5


@pytest.mark.parametrize("architecture", ["tiny-resnet8", "cifar-resnet20"])
def test_initial_weights_have_the_variance_two_over_the_inputs_of_an_output(architecture):
    """He-normal (E-25): within five standard errors of a variance, sqrt(2 / n) of it; biases 0, batch norm 1, 0, 0, 1."""
    network = build(architecture)
    parameters = initial_parameters(network, lambda layer, n: np.random.default_rng(layer).standard_normal(n), np.float64)
    for name, value in parameters.items():
        if value.ndim > 1:
            wanted = 2 / value[0].size
            assert value.var() == pytest.approx(wanted, rel=5 * np.sqrt(2 / value.size)) and abs(value.mean()) < 0.1 * wanted ** 0.5
        else:
            assert (value == name.endswith((".weight", ".running_var"))).all()


def test_clean_backward_uses_the_weights_it_is_given():
    """I-2: with doubled weights in the backward pass only, dL/dx of a linear stem doubles and dL/dw stays."""
    network = Network("one", (Conv2d("conv", (IMAGE,), 1, 2, 3, 1, 1), GlobalAveragePool("avgpool", ("conv",)),
                              Linear("fc", ("avgpool",), 2, 2)), (1, 4, 4))
    parameters = initial_parameters(network, normals, np.float64)
    logits, tape = forward(network, parameters, normals(1, 32).reshape(2, 1, 4, 4))
    first = backward(network, parameters, tape, logits)
    dx = tape.gradients[IMAGE]
    second = backward(network, {**parameters, "conv.weight": 2 * parameters["conv.weight"]}, tape, logits)
    assert np.array_equal(first["conv.weight"], second["conv.weight"])
    assert np.allclose(tape.gradients[IMAGE], 2 * dx)


def test_missing_and_misshaped_parameters_are_listed_together():
    network = build("tiny-resnet8")
    parameters = initial_parameters(network, normals)
    del parameters["fc.bias"]
    parameters["bn1.weight"] = np.ones(3, np.float32)
    with pytest.raises(RefpcmError, match=r"bn1\.weight .*fc\.bias"):
        forward(network, parameters, np.zeros((1, 3, 32, 32), np.float32))


def test_images_with_the_wrong_channels_are_refused():
    network = build("tiny-resnet8")
    with pytest.raises(RefpcmError, match="images"):
        forward(network, initial_parameters(network, normals), np.zeros((1, 1, 32, 32), np.float32))
