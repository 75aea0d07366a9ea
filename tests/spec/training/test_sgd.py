"""SGD against its closed form and, where torch is installed, against torch."""

import numpy as np
import pytest

from refpcm.spec.resnet import build, initial_parameters
from refpcm.spec.training.sgd import decayed_names, sgd_step, zero_velocities


def test_plain_momentum_follows_the_closed_form():
    """Constant gradient g: v_k = g (1 - m^k) / (1 - m), w_k = w_0 - lr sum v_i."""
    w, velocity, m, lr = np.array([1.0]), np.array([0.0]), 0.9, 0.1
    for _ in range(20):
        sgd_step(w, np.array([2.0]), velocity, lr, m, False, 0.0)
    k = np.arange(1, 21)
    assert np.isclose(velocity[0], 2 * (1 - m ** 20) / (1 - m), rtol=1e-12)
    assert np.isclose(w[0], 1 - lr * (2 * (1 - m ** k) / (1 - m)).sum(), rtol=1e-12)


def test_weight_decay_alone_shrinks_geometrically():
    w = np.array([3.0])
    for _ in range(5):
        sgd_step(w, np.array([0.0]), np.zeros(1), 0.1, 0.0, False, 0.5)
    assert np.isclose(w[0], 3 * 0.95 ** 5, rtol=1e-12)


def test_the_update_stays_in_float32():
    w, velocity = np.ones(3, np.float32), np.zeros(3, np.float32)
    sgd_step(w, np.ones(3, np.float32), velocity, 0.1, 0.9, True, 5e-4)
    assert w.dtype == velocity.dtype == np.float32


def test_decay_of_weights_leaves_batch_norm_and_biases_alone():
    parameters = initial_parameters(build("tiny-resnet8"), lambda index, count: np.ones(count))
    weights, everything = decayed_names(parameters, "weights"), decayed_names(parameters, "all")
    assert {"conv1.weight", "fc.weight", "layer2.0.downsample.0.weight"} <= weights
    assert not {"bn1.weight", "bn1.bias", "fc.bias"} & weights
    assert everything == set(zero_velocities(parameters)) == {n for n in parameters if "running" not in n}


@pytest.mark.peers
@pytest.mark.parametrize("nesterov", [True, False])
def test_ten_steps_equal_torch(nesterov):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal(50), rng.standard_normal((10, 50))
    w, velocity, peer = start.copy(), np.zeros(50), torch.tensor(start, requires_grad=True)
    optimiser = torch.optim.SGD([peer], lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=nesterov)
    for gradient in gradients:
        sgd_step(w, gradient, velocity, 0.1, 0.9, nesterov, 5e-4)
        peer.grad = torch.tensor(gradient)
        optimiser.step()
    assert np.allclose(w, peer.detach().numpy(), rtol=1e-13)
