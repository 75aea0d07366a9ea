"""refpcm.files.inference: networks are recognised by names and shapes as other programs write them; others are named."""

from pathlib import Path

import numpy as np
import pytest
from test_convert import checkpoint, convert
from test_names import counters, random_parameters, renamed
from torch_writer import sequential, zipped

from refpcm.errors import RefpcmError
from refpcm.files.holders import find_state_dict
from refpcm.files.inference import MOST_NUMBERS, infer_network
from refpcm.files.names import read_network, to_parameters
from refpcm.files.network_file import load_network
from refpcm.files.sources import read_source
from refpcm.spec.resnet import ARCHITECTURES, build, other_placement, parameter_shapes

RESNET20 = Path(__file__).parents[3] / "shared" / "data" / "pretrained" / "resnet20-12fca82f.th"
KUANGLIU = ("fc.", "linear."), (".downsample.", ".shortcut.")  # kuangliu/pytorch-cifar; akamaster's too
CHENYAOFO = ()  # chenyaofo/pytorch-cifar-models: torchvision's names


@pytest.mark.parametrize("classes", [None, 7])
@pytest.mark.parametrize("name", [
    *ARCHITECTURES, "cifar-resnet-16x3-32x3-64x3-projection", "cifar-resnet-64x2-128x2-256x2-512x2-projection",
    "cifar-resnet-64x3-128x4-256x6-512x3-projection", "cifar-resnet-8x1-projection", "cifar-resnet-16x2-32x2-64x2-around",
    "imagenet-resnet-32x1-64x1-128x1-256x1-projection", "imagenet-resnet-64x2-128x2-around",
    "cifar-resnet-64x1-64x2-32x1-projection"])
def test_names_and_shapes_tell_the_network(name, classes):
    network = build(name, classes)
    found, sentence = infer_network(parameter_shapes(network), network.classes)
    assert found == network or "-behind" in name and found == other_placement(network)
    assert sentence.startswith("read from names and shapes: ") and sentence.endswith(f": {found.architecture}")


def state_dict_of(name, classes, replacements, prefix=""):
    network = build(name, classes)
    parameters = random_parameters(network)
    return parameters, renamed({**parameters, **counters(network)}, *replacements, prefix=prefix)


PUBLISHED = {  # network, classes, names, what stands around the state_dict
    "chenyaofo's cifar100_resnet20": ("cifar-resnet-16x3-32x3-64x3-projection", 100, CHENYAOFO, "", lambda inner: inner),
    "chenyaofo's cifar10_resnet32": ("cifar-resnet-16x5-32x5-64x5-projection", 10, CHENYAOFO, "", lambda inner: inner),
    "kuangliu's, narrower": ("cifar-resnet-16x2-32x2-64x2-128x2-projection", 10, KUANGLIU, "module.",
                             lambda inner: {"net": inner, "acc": 95.1, "epoch": 199}),
    "akamaster's resnet20": ("cifar-resnet20", 10, KUANGLIU, "module.", lambda inner: {"state_dict": inner, "best_prec1": 91.7}),
    "torchvision's, narrower": ("imagenet-resnet-16x2-32x2-64x2-128x2-projection", 20, (), "", lambda inner: inner),
}


@pytest.mark.parametrize("form", [zipped, sequential])
@pytest.mark.parametrize("case", PUBLISHED)
def test_checkpoints_under_the_names_of_their_programs_are_recognised(tmp_path, case, form):
    name, classes, replacements, prefix, wrap = PUBLISHED[case]
    parameters, named = state_dict_of(name, classes, replacements, prefix)
    numbers = {key: np.asarray(array, np.float32).reshape(array.shape) for key, array in named.items()}
    (tmp_path / "c.pt").write_bytes(checkpoint(form, numbers, wrap))
    state_dict, _ = find_state_dict("c.pt", read_source(tmp_path / "c.pt")[1])
    network, _ = read_network("c.pt", state_dict)
    found = to_parameters("c.pt", network, state_dict)
    assert network == build(name, classes)
    assert all(np.array_equal(found[key], array) for key, array in parameters.items())


def test_kuanglius_resnet18_is_imported_by_the_command(tmp_path):
    name = "cifar-resnet-64x2-128x2-256x2-512x2-projection"
    parameters = {key: np.full(shape, 0.5, np.float32) for key, shape in parameter_shapes(build(name)).items()}
    named = renamed(parameters, *KUANGLIU, prefix="module.")
    (tmp_path / "ckpt.pth").write_bytes(checkpoint(zipped, named, lambda inner: {"net": inner, "acc": 95.1, "epoch": 199}))
    run = convert("ckpt.pth", "n.safetensors", folder=tmp_path)
    assert run.returncode == 0 and run.stderr == "" and f"{name}, 11,164,362 weights" in run.stdout
    assert ("note: read from names and shapes: 3x3 first convolution without pooling; stages of 2, 2, 2, 2 blocks with 64, 128, "
            "256, 512 channels; 1x1 projections as shortcuts; images of 32x32: ") in run.stdout
    assert "CIFAR-10's were assumed" in run.stdout and "option A" not in run.stdout
    found = load_network(tmp_path / "n.safetensors")
    assert found.network == build(name) and found.classes[0] == "airplane"
    run = convert("n.safetensors", "m.npz", folder=tmp_path)
    assert run.returncode == 0 and load_network(tmp_path / "m.npz").network == found.network


def test_the_size_of_the_images_can_be_said(tmp_path):
    _, named = state_dict_of("cifar-resnet-8x1-16x1-projection", 200, KUANGLIU)
    (tmp_path / "c.pt").write_bytes(checkpoint(zipped, {name: np.asarray(array, "f4") for name, array in named.items()}))
    run = convert("c.pt", "n.npz", "--image-size", 64, folder=tmp_path)
    assert run.returncode == 0 and load_network(tmp_path / "n.npz").network.input_shape == (3, 64, 64)
    for arguments, words in ((("c.pt", "n.npz", "--image-size", 0), "a number from 1 to 9999"),
                             (("c.pt", "n.npz", "--image-size", 64, "--architecture", "tiny-resnet8"), "is left out"),
                             (("n.npz", "m.npz", "--image-size", 64), "which says the size of its images")):
        run = convert(*arguments, folder=tmp_path)
        assert run.returncode == 2 and words in run.stderr


def resnet50():
    shapes = {**parameter_shapes(build("imagenet-resnet34"))}
    return {**shapes, "layer1.0.conv3.weight": (256, 64, 1, 1), "layer1.0.bn3.weight": (256,)}


def changed(name="cifar-resnet-16x3-32x3-64x3-projection", without=(), **changes):
    shapes = {key: shape for key, shape in parameter_shapes(build(name)).items() if not key.startswith(tuple(without))}
    return {**shapes, **{key.replace("__", "."): shape for key, shape in changes.items()}}


def pre_activation(first=True, widths=(64, 128)):
    """kuangliu's PreActResNet: batch norms of the channels that come in, projections without one."""
    shapes = {"conv1.weight": (64, 3, 3, 3)} | ({} if first else {"bn1.weight": (64,)})
    for stage, (c_in, c_out) in enumerate(zip((64, *widths), widths), 1):
        block = f"layer{stage}.0"
        shapes |= {f"{block}.bn1.weight": (c_in,), f"{block}.conv1.weight": (c_out, c_in, 3, 3),
                   f"{block}.bn2.weight": (c_out,), f"{block}.conv2.weight": (c_out, c_out, 3, 3)}
    return {**shapes, "fc.weight": (10, widths[-1]), "fc.bias": (10,)}


OTHERS = {  # shapes, words
    "torchvision's resnet50": (resnet50(), "blocks of three convolutions, bottlenecks .layer1.0.conv3.weight"),
    "kuangliu's SENet18": (changed(layer1__0__fc1__weight=(1, 16, 1, 1)), "squeeze-and-excitation .*layer1.0.fc1.weight"),
    "squeeze-and-excitation": (changed(layer1__0__se__fc__0__weight=(1, 16)), "squeeze-and-excitation"),
    "ResNet-D": (changed(layer2__0__downsample__2__weight=(32,)), "shortcuts of more than a convolution"),
    "kuangliu's PreActResNet18": (pre_activation(), "pre-activation .there is none behind conv1"),
    "pre-activation, norm behind conv1": (pre_activation(False), "pre-activation .layer2.0.bn1 has the channels that conv1"),
    "projection without norm": (changed(without=["layer2.0.downsample.1."]), "there is none behind layer2.0.downsample.0"),
    "convolutions with biases": (changed(conv1__bias=(16,)), "convolutions with biases .conv1.bias"),
    "weiaicunzai's resnet18": ({"conv1.0.weight": (64, 3, 3, 3), "conv1.1.weight": (64,), "fc.bias": (10,),
                                "conv2_x.0.residual_function.0.weight": (64, 64, 3, 3)}, "several layers under the name conv1"),
    "D-X-Y's resnet20": ({"conv_1_3x3.weight": (16, 3, 3, 3), "stage_1.0.conv_a.weight": (16, 16, 3, 3), "fc.bias": (10,)},
                         "no convolution conv1.weight; its first tensors are conv_1_3x3.weight, stage_1"),
    "other blocks": (changed(without=["layer"]), "no convolution layer1.0.conv1.weight"),
    "nothing": ({}, "no convolution conv1.weight"),
    "5x5 stem": (changed(conv1__weight=(16, 3, 5, 5)), r"first convolution is \(16, 3, 5, 5\), neither 3x3 nor 7x7"),
    "one colour": (changed(conv1__weight=(16, 1, 3, 3)), "of three colours"),
    "linear first": (changed(conv1__weight=(16, 3)), "no convolution conv1.weight"),
    "option A that narrows": (changed("cifar-resnet-32x1-16x1-projection", ["layer2.0.downsample"]), "cannot leave channels"),
    "giant": (changed(conv1__weight=(MOST_NUMBERS, 3, 3, 3)), "claim more than 134,217,728 numbers"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_networks_are_refused_with_what_they_are(case):
    shapes, words = OTHERS[case]
    with pytest.raises(RefpcmError, match=words):
        infer_network(shapes, 10)
    tensors = {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}
    with pytest.raises(RefpcmError, match=f"^c.pt holds no network that refpcm knows: .*{words}.*; refpcm runs ResNets of basic"):
        read_network("c.pt", {**tensors, "fc.bias": np.zeros(10, "f4")})


def test_a_wrong_architecture_is_answered_with_what_the_tensors_are_of():
    network = build("cifar-resnet20", 10)
    _, named = state_dict_of("cifar-resnet-16x3-32x3-64x3-projection", 10, KUANGLIU)
    with pytest.raises(RefpcmError, match="  its tensors fit cifar-resnet-16x3-32x3-64x3-projection$"):
        to_parameters("c.pt", network, named)
    named = {**named, "layer1.0.conv3.weight": np.zeros((64, 16, 1, 1), "f4")}
    with pytest.raises(RefpcmError, match="  it is another kind of network: it has blocks of three convolutions"):
        to_parameters("c.pt", network, named)


def test_a_network_without_classes_is_refused():
    with pytest.raises(RefpcmError, match="no fc.bias with one number for each class"):
        infer_network(changed(without=["fc.bias"]), None)


def test_a_recognised_network_with_a_tensor_too_few_or_of_another_shape_is_refused_by_the_list():
    for change, words in (({"without": ["layer3.2.bn2.running_var"]}, "missing .1.: layer3.2.bn2.running_var"),
                          ({"layer2__1__conv2__weight": (32, 16, 3, 3)}, r"wrong shape .1.: layer2.1.conv2.weight \(32, 16"),
                          ({"layer1__0__bn9__weight": (16,)}, "unknown .1.: layer1.0.bn9.weight")):
        tensors = {name: np.zeros(shape, "f4") for name, shape in changed(**change).items()}
        network, _ = read_network("c.pt", tensors)
        with pytest.raises(RefpcmError, match=words):
            to_parameters("c.pt", network, tensors)


def test_shapes_of_a_damaged_file_give_a_network_or_a_reason():
    """1,000 sets of shapes with numbers, ranks and names changed."""
    draw, whole = np.random.default_rng(3), parameter_shapes(build("cifar-resnet-4x1-8x2-projection"))
    refused = 0
    for _ in range(1000):
        shapes = dict(whole)
        for _ in range(draw.integers(1, 4)):
            name = list(shapes)[draw.integers(len(shapes))]
            shape = list(shapes.pop(name))
            what = draw.integers(5)
            if what == 0 and shape:
                shape[draw.integers(len(shape))] = int(draw.choice([0, 1, 3, 10 ** 4, 2 ** 40]))
            elif what == 1:
                shape = shape[1:]
            elif what == 2:
                name = name.replace("0", "99999999999").replace("layer1", "layer77")
            elif what == 3:
                continue
            shapes[name] = tuple(shape)
        try:
            network, _ = infer_network(shapes, 10)
            assert len(network.layers) < 60
        except RefpcmError:
            refused += 1
    assert 100 < refused < 970


@pytest.mark.skipif(not RESNET20.exists(), reason="needs ../shared/data/pretrained")
def test_the_published_resnet20_is_recognised():
    network, sentence = read_network(RESNET20, find_state_dict(RESNET20, read_source(RESNET20)[1])[0])
    assert network == build("cifar-resnet20") and "3, 3, 3 blocks with 16, 32, 64 channels; option A" in sentence
