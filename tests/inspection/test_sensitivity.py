"""refpcm.inspection.sensitivity against numeric gradients and a case by hand."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.evaluation.inputs import load_inputs
from refpcm.inspection import sensitivity
from refpcm.inspection.sensitivity import second_order, squared_gradients
from refpcm.spec.compensation.adabs import calibration_images
from refpcm.spec.crossbars import to_matrices, with_matrices
from refpcm.spec.network import forward
from refpcm.spec.nn import cross_entropy
from tests.evaluation.conftest import small  # noqa: F401


@pytest.fixture
def inputs(small):  # noqa: F811
    return load_inputs(small)


def test_f_is_the_mean_of_squared_numeric_gradients_image_by_image(small, inputs, monkeypatch):  # noqa: F811
    monkeypatch.setattr(sensitivity, "IMAGES", 3)
    found = squared_gradients(inputs, replace(small, seed=11))
    network = inputs.file.network
    exact = {name: value.astype(np.float64) for name, value in inputs.file.parameters.items()}
    chosen = calibration_images(11, 0, sensitivity.DRAW, 40, 1, 3)[0]
    images = inputs.normalised(inputs.data.train_images[chosen]).astype(np.float64)
    labels = inputs.data.train_labels[chosen]

    def losses(matrix, name):
        logits, _ = forward(network, with_matrices(network, exact, {name: matrix}), images)
        return np.array([cross_entropy(logits[n:n + 1], labels[n:n + 1])[0] for n in range(3)])
    for name, weights in (("layer3.0.conv2", (5, 3)), ("fc", (2, 7)), ("fc", (-1, 0))):
        matrix, step = to_matrices(network, exact)[name], 1e-5
        up, down = matrix.copy(), matrix.copy()
        up[weights], down[weights] = matrix[weights] + step, matrix[weights] - step
        numeric = (losses(up, name) - losses(down, name)) / (2 * step)
        assert found[name][weights] == pytest.approx(np.mean(numeric ** 2), rel=2e-3)


def test_the_estimate_is_half_the_sum_of_f_times_the_squared_error(inputs):
    wanted = to_matrices(inputs.file.network, inputs.file.parameters)["fc"]
    squared, matrix = np.zeros(wanted.shape), wanted.astype(np.float64)
    squared[0, 0], squared[1, 2] = 3.0, 5.0
    matrix[0, 0] += 0.5
    matrix[1, 2] -= 0.1
    matrix[2, 2] += 9.0  # the loss does not feel it
    assert second_order(inputs, "all", {"fc": matrix}, {"fc": squared}) == {
        "fc": pytest.approx(0.5 * (3 * 0.25 + 5 * 0.01))}
