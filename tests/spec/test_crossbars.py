"""refpcm.spec.crossbars: matrices of a network and back."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast.chip import read
from refpcm.spec import random
from refpcm.spec.crossbars import analog_layers, program_network, to_matrices, with_matrices
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.resnet import initial_parameters, joshi2020_resnet32

NETWORK = joshi2020_resnet32()
PARAMETERS = initial_parameters(NETWORK, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
PARAMETERS["fc.bias"] = np.arange(10, dtype=np.float32)


def test_the_paper_network_fills_723444_devices():
    chip = program_network(NETWORK, PARAMETERS, JOSHI2020, 1, 0)
    assert sum(c.g_prog_us.size for c in chip.crossbars) == 723_444


def test_matrices_lead_back_to_the_same_parameters():
    back = with_matrices(NETWORK, PARAMETERS, to_matrices(NETWORK, PARAMETERS))
    assert all(np.array_equal(back[name], PARAMETERS[name]) for name in PARAMETERS)


def test_a_matrix_product_is_the_layer():
    """The row order is channel, kernel row, kernel column; the bias is the last row, driven by 1."""
    matrices = to_matrices(NETWORK, PARAMETERS)
    assert matrices["conv1"].shape == (27, 16) and matrices["fc"].shape == (57, 10)
    patch = np.random.default_rng(0).standard_normal((3, 3, 3)).astype(np.float32)
    np.testing.assert_allclose(patch.reshape(-1) @ matrices["conv1"],
                               np.einsum("cij,ocij->o", patch, PARAMETERS["conv1.weight"]), rtol=1e-5)
    x = np.random.default_rng(1).standard_normal(56).astype(np.float32)
    np.testing.assert_allclose(np.append(x, 1) @ matrices["fc"], PARAMETERS["fc.weight"] @ x + PARAMETERS["fc.bias"],
                               rtol=1e-5)


def test_first_and_last_layer_stay_digital_on_request_and_the_others_keep_their_noise():
    whole, inner = (program_network(NETWORK, PARAMETERS, JOSHI2020, 1, 0, on_chip) for on_chip in ("all", "inner"))
    assert {c.name for c in whole.crossbars} - {c.name for c in inner.crossbars} == {"conv1", "fc"}
    for a, b in zip(whole.crossbars[1:-1], inner.crossbars):
        assert a.name == b.name and np.array_equal(a.g_prog_us, b.g_prog_us)
    kept = with_matrices(NETWORK, PARAMETERS, read(inner, 25.0))
    assert kept["conv1.weight"] is PARAMETERS["conv1.weight"] and kept["fc.bias"] is PARAMETERS["fc.bias"]


@pytest.mark.parametrize("name", ["conv1.weight", "fc.weight", "fc.bias"])
def test_parameters_that_lack_one_of_a_layer_are_refused(name):
    lacking = {key: value for key, value in PARAMETERS.items() if key != name}
    for call in (lambda: to_matrices(NETWORK, lacking), lambda: with_matrices(NETWORK, lacking, to_matrices(NETWORK, PARAMETERS))):
        with pytest.raises(RefpcmError, match=f"'{name}' is missing"):
            call()


def test_an_unknown_choice_of_layers_is_refused():
    with pytest.raises(RefpcmError, match="all, inner"):
        analog_layers(NETWORK, "outer")
