"""The plan covers every layer once, in an order that has each tensor written before it is read."""

import pytest

from refpcm.errors import RefpcmError
from refpcm.fast.network.plan import ConvStep, make_plan, tensors_of
from refpcm.spec import resnet
from refpcm.spec.layers import Add, BatchNorm, Conv2d, GlobalAveragePool, Linear, Network, ReLU


@pytest.mark.parametrize("architecture", resnet.ARCHITECTURES)
def test_every_architecture_has_a_plan_that_covers_its_layers_in_order(architecture):
    network = resnet.build(architecture)
    plan, written = make_plan(network), {resnet.IMAGE}
    assert sum(step.layers for step in plan.steps) == len(network.layers)
    for step in plan.steps:
        assert set(step.reads) <= written
        written.add(step.result)
    assert plan.steps[-1].result == network.layers[-1].name


def test_a_projection_comes_between_the_two_convolutions_of_its_block():
    plan = make_plan(resnet.build("joshi2020-resnet32"))
    order = [step.result for step in plan.steps]
    assert order.index("layer2.0.relu1") < order.index("layer2.0.downsample.1") < order.index("layer2.0.relu2")
    projection = plan.producers["layer2.0.downsample.1"]
    assert isinstance(projection, ConvStep) and not projection.relu and projection.skip is None


def test_images_as_a_skip_beside_a_kernel_of_seven_are_refused():
    """Their halo is that of the large kernel, and the sum is read by that of its own."""
    layers = (Conv2d("c1", ("image",), 3, 3, 3, 1, 1), BatchNorm("n1", ("c1",), 3), Add("a1", ("n1", "image")), ReLU("r1", ("a1",)),
              Conv2d("c3", ("r1",), 3, 8, 3, 2, 1), BatchNorm("n3", ("c3",), 8), Conv2d("c2", ("image",), 3, 8, 7, 2, 3),
              BatchNorm("n2", ("c2",), 8), Add("a2", ("n2", "n3")), ReLU("r2", ("a2",)), GlobalAveragePool("g", ("r2",)),
              Linear("fc", ("g",), 8, 5))
    with pytest.raises(RefpcmError, match="'c2' .kernel 7 where the images are a skip"):
        make_plan(Network("own", layers, (3, 8, 8)))


def test_shapes_follow_the_strides():
    network = resnet.build("imagenet-resnet18")
    shapes = tensors_of(make_plan(network), network, (3, 224, 224))
    assert (shapes["relu"].plane.height, shapes["maxpool"].plane.height) == (112, 56)
    assert (shapes["layer4.1.relu2"].channels, shapes["layer4.1.relu2"].plane.width) == (512, 7)
