"""What the engine refuses: calls in the wrong order, arrays and networks that do not fit."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from test_engine import batch, make

from refpcm.errors import RefpcmError
from refpcm.fast.network.engine import Engine
from refpcm.spec import resnet
from refpcm.spec.engine import Engine as Specification
from refpcm.spec.resnet import Add, BatchNorm, Conv2d, GlobalAveragePool, Linear, MaxPool, Network, ReLU

MISTAKES = {
    "kernels": (lambda n, p: Engine(n, "fast"), "unknown kernels 'fast'"),
    "order": (lambda n, p: Engine(n).backward(p, np.zeros((2, 10), np.float32)), "forward"),
    "images": (lambda n, p: Engine(n).forward(p, np.zeros((2, 4, 32, 32), np.float32)), "images"),
    "empty": (lambda n, p: Engine(n).forward(p, np.zeros((0, 3, 32, 32), np.float32)), "empty"),
    "parameters": (lambda n, p: Engine(n).forward({}, np.zeros((2, 3, 32, 32), np.float32)), "conv1.weight"),
    "one value": (lambda n, p: Engine(n).forward(p, np.zeros((1, 3, 1, 1), np.float32), training=True), "two values"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake):
    call, word = MISTAKES[mistake]
    with pytest.raises(RefpcmError, match=word):
        call(*make())


@pytest.mark.parametrize("between", ["no pass before", "forward"])
def test_a_backward_pass_without_its_forward_pass_is_refused(between):
    """An inference writes over what the backward pass would read."""
    network, parameters = make()
    engine, (images, dlogits) = Engine(network), batch(network, 16)
    if between != "no pass before":
        engine.forward(parameters, images, training=True)
        engine.forward(parameters, images)
    with pytest.raises(RefpcmError, match="just before it"):
        engine.backward(parameters, dlogits)


def test_dlogits_of_another_batch_are_refused():
    network, parameters = make()
    engine = Engine(network)
    engine.forward(parameters, batch(network, 2, 16)[0], training=True)
    with pytest.raises(RefpcmError, match="dlogits"):
        engine.backward(parameters, np.zeros((3, 10), np.float32))


@pytest.mark.parametrize("change, word", [
    (lambda layers: tuple(replace(layer, kernel=5, padding=2) if layer.name == "conv1" else layer for layer in layers),
     "conv1"),
    (lambda layers: tuple(replace(layer, inputs=("conv1",)) if layer.name == "relu" else layer for layer in layers),
     "conv1"),
])
def test_networks_without_a_fast_form_are_refused(change, word):
    network = resnet.build("tiny-resnet8")
    with pytest.raises(RefpcmError, match=word):
        Engine(replace(network, layers=change(network.layers)))


def conv(name, source, skip=None):
    """A convolution with batch norm and ReLU, of 8 channels, and with a skip that is added before the ReLU."""
    layers = (Conv2d(name, (source,), 3 if source == "image" else 8, 8, 3, 1, 1), BatchNorm(f"{name}.b", (name,), 8))
    add = (Add(f"{name}.a", (f"{name}.b", skip)),) if skip else ()
    return (*layers, *add, ReLU(f"{name}.r", (f"{name}.a" if skip else f"{name}.b",)))


def head(source):
    return GlobalAveragePool("pool", (source,)), Linear("fc", ("pool",), 8, 5)


TANGLED = {  # name: layers whose gradients the kernels would lose or never finish
    "a skip of two additions": (*conv("c0", "image"), *conv("c1", "c0.r", "c0.r"), *conv("c2", "c1.r", "c0.r"), *head("c2.r")),
    "a max pool beside a convolution": (*conv("c0", "image"), MaxPool("m", ("c0.r",), 3, 1, 1), *conv("c1", "c0.r", "m"),
                                        *head("c1.r")),
    "a ReLU that only an addition reads": (*conv("c0", "image"), *conv("c1", "image", "c0.r"), *head("c1.r")),
}


@pytest.mark.parametrize("case", TANGLED)
def test_layers_whose_gradients_the_kernels_would_not_add_up_are_refused(case):
    with pytest.raises(RefpcmError, match="c0.r.* come in an order that the kernels do not take.*use refpcm.spec.network"):
        Engine(Network("tangled", TANGLED[case], (3, 8, 8)))


def test_a_tensor_that_several_layers_read_in_an_order_that_the_kernels_take_has_the_gradient_of_the_specification():
    """c0.r is read by two convolutions and, later, as a skip; the ReLUs are held open."""
    layers = (*conv("c0", "image"), *conv("c1", "c0.r"), *conv("p", "c0.r")[:2], *conv("c3", "c1.r", "c0.r"),
              *conv("c4", "c3.r", "p.b"), *head("c4.r"))
    network, rng = Network("several readers", layers, (3, 8, 8)), np.random.default_rng(0)
    parameters = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in resnet.parameter_shapes(network).items()}
    parameters |= {name: np.full_like(value, 8) for name, value in parameters.items() if name.endswith(".b.bias")}
    images, dlogits = rng.standard_normal((5, 3, 8, 8)).astype(np.float32), rng.standard_normal((5, 5)).astype(np.float32)
    gradients = []
    for engine in (Engine(network), Specification(network)):
        engine.forward(parameters, images, training=True)
        gradients.append(engine.backward(parameters, dlogits))
    found, wanted = gradients
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-3, atol=1e-3 * np.abs(value).max(), err_msg=name)


def test_a_second_thread_is_refused_while_the_first_computes(monkeypatch):
    """They would share buffers, and both get wrong numbers."""
    network, parameters = make()
    engine, (images, dlogits) = Engine(network), batch(network, 16)
    reached, go_on = threading.Event(), threading.Event()

    def slow(*arguments):
        reached.set()
        go_on.wait(20)
        return np.zeros((16, 10), np.float32)
    monkeypatch.setattr(engine, "_infer_all", slow)
    first = threading.Thread(target=engine.forward, args=(parameters, images))
    first.start()
    reached.wait(20)
    for call in (lambda: engine.forward(parameters, images), lambda: engine.backward(parameters, dlogits)):
        with pytest.raises(RefpcmError, match="in use by another thread"):
            call()
    go_on.set()
    first.join()
    engine.forward(parameters, images)
