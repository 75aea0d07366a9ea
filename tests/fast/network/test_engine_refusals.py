"""What the engine refuses: calls in the wrong order, arrays and networks that do not fit."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from test_engine import batch, make

from refpcm.errors import RefpcmError
from refpcm.fast.network.engine import Engine
from refpcm.spec import resnet

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
