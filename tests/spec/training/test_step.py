"""refpcm.spec.training.step: a batch in parts is learned from once."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.forms import find_forms
from refpcm.spec import random
from refpcm.spec.nn import cross_entropy, running_statistics, update_running
from refpcm.spec.resnet import initial_parameters, tiny_resnet8
from refpcm.spec.training.config import TrainingConfig, override
from refpcm.spec.training.sgd import decayed_names, zero_velocities
from refpcm.spec.training.step import noisy_weights, training_step

NETWORK = tiny_resnet8()
CONFIG = TrainingConfig(batch_size=12, weight_noise=0.05, clip_sigma=2.0, label_smoothing=0.1, kernels="direct", seed=3)


def start():
    """Parameters of an untrained network, 12 images and their labels."""
    parameters = initial_parameters(
        NETWORK, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    pixels = np.random.default_rng(0)
    return parameters, pixels.standard_normal((12, 3, 32, 32), np.float32), pixels.integers(0, 10, 12)


def after_a_step(config):
    """Loss, number right, and the parameters after one step."""
    parameters, images, labels = start()
    forms = find_forms(config.kernels)
    loss, right = training_step(config, forms.make_engine(NETWORK), parameters, zero_velocities(parameters),
                                decayed_names(parameters, "weights"), images, labels, 0.1, 5, forms.rules)
    return loss, right, parameters


@pytest.mark.parametrize("kernels", ["direct", "winograd", "numpy"])
def test_a_batch_in_parts_is_what_its_parts_give_by_hand(kernels):
    """Same weight noise for all parts; gradients and loss are means; every part moves the running statistics."""
    config = replace(CONFIG, batch_parts=3, kernels=kernels)
    loss, right, found = after_a_step(config)
    parameters, images, labels = start()
    forms = find_forms(kernels)
    engine, used = forms.make_engine(NETWORK), noisy_weights(config, NETWORK, parameters, 5, forms.rules)
    losses, gradients, statistics, correct = [], {}, [], 0
    for i in (0, 4, 8):
        logits = engine.forward(used, images[i:i + 4], training=True)
        statistics.append({key: type(value)(*(np.array(each) for each in value)) for key, value in engine.statistics.items()})
        one, dlogits = cross_entropy(logits, labels[i:i + 4], 0.1)
        losses.append(one)
        correct += int((logits.argmax(1) == labels[i:i + 4]).sum())
        for name, value in engine.backward(parameters, dlogits / 3).items():
            gradients[name] = gradients[name] + value if name in gradients else value.copy()
    forms.rules.update(parameters, gradients, zero_velocities(parameters), decayed_names(parameters, "weights"), 0.1,
                       config.momentum, config.nesterov, config.weight_decay)
    forms.rules.clip_parameters(NETWORK, parameters, 2.0)
    for part in statistics:
        for norm, batch in part.items():
            for name, value in running_statistics(norm, batch).items():
                parameters[name] = update_running(parameters[name], value)
    assert right == correct and loss == pytest.approx(np.mean(losses), rel=1e-15)
    assert all(np.array_equal(found[name], parameters[name]) for name in parameters)


def test_without_batch_statistics_the_parts_are_the_whole():
    """With frozen batch norm no image sees another, so the gradient is the same but for the order of its sums."""
    whole, parts = (after_a_step(replace(CONFIG, batch_norm="frozen", batch_parts=n, clip_sigma=None)) for n in (1, 4))
    assert whole[0] == pytest.approx(parts[0], rel=1e-6) and whole[1] == parts[1]
    for name, value in whole[2].items():
        np.testing.assert_allclose(parts[2][name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_part_that_diverges_changes_nothing():
    config = replace(CONFIG, batch_parts=2)
    parameters, images, labels = start()
    before, images[7] = {name: value.copy() for name, value in parameters.items()}, np.nan
    with pytest.raises(RefpcmError, match="diverged"):
        training_step(config, find_forms("direct").make_engine(NETWORK), parameters, zero_velocities(parameters),
                      decayed_names(parameters, "weights"), images, labels, 0.1, 5)
    assert all(np.array_equal(before[name], parameters[name]) for name in before)


@pytest.mark.parametrize("values, said", [
    ({"batch_parts": 5}, "a divisor of the batch size, 128"), ({"batch_parts": 0}, "above zero"),
    ({"batch_parts": 2, "weight_noise": 0.1, "noise_kind": "inputs"}, "1 where noise_kind")])
def test_impossible_parts_are_refused(values, said):
    with pytest.raises(RefpcmError, match=said):
        override(TrainingConfig(), values, "here")
