"""Usual hyper-parameters built into training, whatever a case gives (L5)."""

import numpy as np

from tests.golden.mutants.built_in import built_in
from tests.golden.mutants.replacing import changed_inputs, parameter


def _bias_not_counted(inputs, parameters):
    """W_max of the last layer over its weights alone: its noise shrinks by the ratio of the two."""
    ratio = np.abs(inputs["fc.weight"]).max() / max(np.abs(inputs["fc.weight"]).max(), np.abs(inputs["fc.bias"]).max())
    for name in [name for name in inputs if name.startswith("z.") and ".fc." in name]:
        inputs[name] = (inputs[name] * ratio).astype(inputs[name].dtype)


def _usual_eta(inputs, parameters):
    parameters["eta"] = 0.038 if parameters["eta"] else 0.0


USUAL = [("lr", 0.05), ("momentum", 0.9), ("weight_decay", 5e-4), ("smoothing", 0.0), ("alpha", 2.0), ("rule", "nesterov")]
MUTANTS = [built_in("sgd_training", *choice) for choice in USUAL] + [
    ("built-in-sgd-training-eta", "sgd_training: eta = 0.038 wherever there is noise", changed_inputs("sgd_training", _usual_eta)),
    ("training-w-max-without-bias", "noise of the last layer from its weights' maximum alone",
     changed_inputs("sgd_training", _bias_not_counted)),
    ("backward-noisy-always", "backward with the noisy weights always", changed_inputs("sgd_training", parameter("backward", "noisy"))),
]
