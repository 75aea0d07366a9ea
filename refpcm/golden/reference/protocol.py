"""L7 protocol: accuracy of a trained network on chips, over time, with own random numbers."""

import numpy as np

from refpcm.files.devices import find_device
from refpcm.forms import find_forms
from refpcm.golden.reference import chosen
from refpcm.spec.compensation import adabs, global_drift
from refpcm.spec.compensation.global_drift import Readout
from refpcm.spec.crossbars import program_network, with_matrices


def protocol_accuracy(inputs, parameters):
    """Inputs as of `accuracies` -> accuracy (times, compensations, chips), I-5 to I-11 by their defaults."""
    return {"accuracy": accuracies(inputs, parameters, seed=1)}


def accuracies(inputs, parameters, seed, forms=find_forms("numpy")):
    """(times, compensations, chips): share of images recognised, chips numbered from 0 under this seed.

    images (N, C, H, W), calibration_images (n, m, C, H, W) uint8, labels (N,), mean, std (C,), times_s (times,) since
    programming, the network's parameters. Compensations: GDC, then AdaBS with GDC beneath. forms: the specification.
    """
    net, weights = chosen.network(inputs, parameters)
    engine, times, how = forms.make_engine(net), inputs["times_s"], Readout(conductances=forms.chip.read_conductances)
    images, calibration = (_normalised(inputs, name, forms) for name in ("images", "calibration_images"))
    out = np.empty((len(times), 2, parameters["chips"]))
    for number in range(parameters["chips"]):
        chip = program_network(net, weights, find_device(parameters["device"]), seed, number,
                               program=forms.chip.program)
        at_t0 = global_drift.reference_readouts(chip, how)
        for i, t_s in enumerate(times):
            _, compensated, _ = global_drift.compensated_read(chip, float(t_s), 0, at_t0, how)
            with_gdc = with_matrices(net, weights, compensated)
            for j, used in enumerate((with_gdc, adabs.calibrate(engine, with_gdc, calibration))):
                out[i, j, number] = np.mean(engine.forward(used, images).argmax(1) == inputs["labels"])
    return out


def _normalised(inputs, name, forms):
    """Return uint8 (..., C, H, W) as float32, (x / 255 - mean) / std."""
    images = inputs[name].reshape(-1, *inputs[name].shape[-3:])
    return forms.normalised(images, inputs["mean"], inputs["std"]).reshape(inputs[name].shape)
