"""refpcm.files.names: the tensors of common checkpoints find their place, and all that does not fit is listed."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.files.names import canonical, class_count, to_parameters
from refpcm.spec.resnet import ARCHITECTURES, BatchNorm, build, parameter_shapes


def random_parameters(network, seed=7, dtype="f4"):
    """Plausible parameters: any values, variances positive."""
    draw = np.random.default_rng(seed)
    parameters = {name: draw.normal(size=shape).astype(dtype) for name, shape in parameter_shapes(network).items()}
    return {name: abs(array) if name.endswith("running_var") else array for name, array in parameters.items()}


def counters(network):
    """torch's num_batches_tracked: one for each batch norm."""
    return {f"{layer.name}.num_batches_tracked": np.array(1000) for layer in network.layers
            if isinstance(layer, BatchNorm)}


def renamed(parameters, *replacements, prefix=""):
    result = {}
    for name, array in parameters.items():
        for old, new in replacements:
            name = name.replace(old, new)
        result[prefix + name] = array
    return result


@pytest.mark.parametrize("name, expected", [
    ("conv1.weight", "conv1.weight"), ("module.conv1.weight", "conv1.weight"),
    ("module.module.bn1.bias", "bn1.bias"), ("_orig_mod.module.fc.bias", "fc.bias"),
    ("linear.weight", "fc.weight"), ("module.linear.bias", "fc.bias"),
    ("layer2.0.shortcut.0.weight", "layer2.0.downsample.0.weight"),
    ("layer3.0.shortcut.1.running_var", "layer3.0.downsample.1.running_var"),
    ("layer1.0.linear.weight", "layer1.0.linear.weight"), ("shortcut.0.weight", "shortcut.0.weight"),
    ("my_module.conv1.weight", "my_module.conv1.weight"), ("modules.conv1.weight", "modules.conv1.weight")])
def test_names_are_translated(name, expected):
    assert canonical(name) == expected


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_is_read_in_every_style(architecture):
    network = build(architecture)
    parameters = random_parameters(network)
    cifar = [("fc.", "linear."), (".downsample.", ".shortcut.")]
    for style, replacements, prefix in (("torchvision", [], ""), ("DataParallel", [], "module."), ("CIFAR", cifar, "")):
        state_dict = renamed({**counters(network), **parameters}, *replacements, prefix=prefix)
        found = to_parameters("c.pt", network, state_dict)
        assert list(found) == list(parameters), style
        assert all(np.array_equal(found[name], array) for name, array in parameters.items()), style


@pytest.mark.parametrize("depth, entries, count", [(18, 122, 11_689_512), (34, 218, 21_797_672)])
def test_the_imagenet_networks_have_as_many_tensors_and_parameters_as_torchvisions(depth, entries, count):
    network = build(f"imagenet-resnet{depth}")
    shapes = parameter_shapes(network)
    assert len(shapes) + len(counters(network)) == entries
    assert sum(int(np.prod(shape)) for name, shape in shapes.items() if "running" not in name) == count


@pytest.mark.parametrize("dtype", ["f2", "f8", ">f4"])
def test_other_precisions_become_float32(dtype):
    network = build("tiny-resnet8")
    parameters = random_parameters(network, dtype=dtype)
    found = to_parameters("c.pt", network, parameters)
    assert all(array.dtype == np.float32 and np.array_equal(array, parameters[name].astype("f4"))
               for name, array in found.items())


def test_names_of_a_hostile_file_are_shown_few_and_printable():
    network = build("tiny-resnet8")
    extra = {f"\x1b]0;evil{number}\x07": np.zeros(2) for number in range(1000)}
    with pytest.raises(RefpcmError, match="unknown .1000.: .*and 800 more") as refused:
        to_parameters("c.pt", network, {**random_parameters(network), **extra})
    assert "\x1b" not in str(refused.value) and "x1b]0;evil0" in str(refused.value)


def test_all_that_does_not_fit_is_listed_in_one_error():
    network = build("tiny-resnet8")
    state_dict = {**counters(network), **random_parameters(network)}
    del state_dict["conv1.weight"], state_dict["layer3.0.bn2.running_mean"]
    state_dict["layer9.0.conv1.weight"] = np.zeros(3)
    state_dict["bn7.num_batches_tracked"] = np.array(1)
    state_dict["linear.bias"] = np.zeros(10)
    state_dict["layer1.0.conv1.weight"] = np.zeros((16, 16, 1, 1), "f4")
    state_dict["bn1.bias"] = np.zeros(16, int)
    state_dict["bn1.weight"] = "text"
    state_dict["layer1.0.bn1.weight"] = np.full(16, np.nan)
    state_dict["layer1.0.bn2.weight"] = np.full(16, 1e300)
    state_dict["layer2.0.bn1.running_var"] = np.full(28, -1e-9)
    state_dict[5] = np.zeros(1)
    with pytest.raises(RefpcmError) as caught:
        to_parameters("c.pt", network, state_dict)
    assert str(caught.value).splitlines() == [
        "c.pt does not fit tiny-resnet8 with 10 classes:",
        "  missing (2): conv1.weight, layer3.0.bn2.running_mean",
        "  unknown (3): layer9.0.conv1.weight, bn7.num_batches_tracked, 5",
        "  named twice (1): linear.bias",
        "  wrong shape (1): layer1.0.conv1.weight (16, 16, 1, 1) instead of (16, 16, 3, 3)",
        "  not floating-point (2): bn1.weight, bn1.bias (int64)",
        "  not finite (2): layer1.0.bn1.weight, layer1.0.bn2.weight",
        "  negative variance (1): layer2.0.bn1.running_var"]


def test_the_architecture_that_would_fit_is_suggested():
    parameters = random_parameters(build("cifar-resnet44", 100))
    with pytest.raises(RefpcmError, match="  its tensors fit cifar-resnet44 or cifar-resnet44-behind$"):
        to_parameters("c.pt", build("cifar-resnet20", 100), renamed(parameters, ("fc.", "module.linear.")))


@pytest.mark.parametrize("state_dict, count", [
    ({"module.linear.bias": np.zeros(100)}, 100), ({"fc.bias": np.zeros(7)}, 7),
    ({"fc.weight": np.zeros((7, 3))}, None),
    ({"fc.bias": np.zeros((7, 3))}, None), ({"fc.bias": np.zeros(0)}, None), ({"fc.bias": "text"}, None), ({}, None)])
def test_the_number_of_classes_is_that_of_the_last_bias(state_dict, count):
    assert class_count(state_dict) == count


@pytest.mark.parametrize("count, found", [(1, 1), (2 ** 16, 2 ** 16), (0, None), (2 ** 16 + 1, None), (2 ** 40, None)])
def test_no_more_classes_are_believed_than_labels_can_name(count, found):
    bias = np.broadcast_to(np.float32(0), (count,))
    assert class_count({"module.linear.bias": bias}) == found
