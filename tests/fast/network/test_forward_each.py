"""refpcm.fast.network.engine.Engine.forward_each: variants of a network share layers and give the bits of `forward`."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast.network import inference
from refpcm.fast.network.engine import Engine
from refpcm.spec.engine import Engine as Specification
from tests.fast.network.test_engine import batch, exact, make, relative


def changed(parameters, name):
    return parameters | {name: parameters[name] * np.float32(1.25) + np.float32(0.125)}


@pytest.mark.parametrize("architecture, form, count", [
    ("tiny-resnet8", "winograd", 140), ("tiny-resnet8", "direct", 20), ("cifar-resnet-16x1-32x1-64x1-projection", "winograd", 3)])
def test_every_variant_has_the_bits_of_a_pass_of_its_own(architecture, form, count):
    """140 images are more than one chunk; the names include both sides of a shortcut."""
    network, base = make(architecture)
    images, _ = batch(network, count, 16)
    names = list(base)
    variants = [base, *(changed(base, name) for name in names), dict(base)]
    engine = Engine(network, form)
    found = engine.forward_each(variants, images)
    for parameters, logits in zip(variants, found, strict=True):
        assert np.array_equal(logits, engine.forward(parameters, images))
    assert len({logits.tobytes() for logits in found}) == len(names) + 1


def test_a_pass_that_begins_anew_gives_no_buffer_of_the_first_back_twice():
    """This network has tensors of the images' own shape, which would get the memory of the images."""
    network, base = make("cifar-resnet-3x2-projection")
    images, _ = batch(network, 5, 16)
    variants, engine = [base, *(changed(base, name) for name in base)], Engine(network)
    for _ in range(2):
        for parameters, logits in zip(variants, engine.forward_each(variants, images), strict=True):
            assert np.array_equal(logits, Engine(network).forward(parameters, images))
    free = [buffer for buffers in engine._inference.values() for several in buffers.free.values() for buffer in several]
    assert len({id(buffer) for buffer in free}) == len(free)


def test_layers_before_the_first_difference_are_not_run_again(monkeypatch):
    network, base = make()
    images, _ = batch(network, 3)
    run, plain = [], dict(inference.INFERENCE)
    for kind, step in plain.items():
        monkeypatch.setitem(inference.INFERENCE, kind, lambda it, context, step=step: (run.append(it.result), step(it, context))[1])
    engine = Engine(network)
    steps = [step.result for step in engine._plan.steps]
    engine.forward_each([base, changed(base, "fc.bias"), dict(base), changed(base, "conv1.weight")], images)
    assert run == steps + steps[-1:] + steps


def test_the_specification_and_the_refusals():
    network, base = make()
    images, _ = batch(network, 2)
    other = changed(base, "fc.weight")
    wanted = Specification(network).forward_each([exact(base), exact(other)], images.astype(np.float64))
    found = Engine(network).forward_each([base, other], images)
    assert all(relative(got, each) < 1e-5 for got, each in zip(found, wanted, strict=True))
    with pytest.raises(RefpcmError, match="the batch is empty"):
        Engine(network).forward_each([base], images[:0])
