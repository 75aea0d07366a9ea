"""Exercise 9: the whole protocol: chips, times, compensations."""

import numpy as np

import refpcm


def protocol_accuracy(inputs, parameters):
    network = refpcm.build(parameters["architecture"], parameters["classes"])
    trained = {name: array for name, array in inputs.items() if "." in name}
    mean, std = inputs["mean"][:, None, None], inputs["std"][:, None, None]
    images, calibration = (((inputs[name] / 255 - mean) / std).astype(np.float32)
                           for name in ("images", "calibration_images"))
    engine, times = refpcm.make_engine(network), inputs["times_s"]
    accuracy = np.empty((len(times), 2, parameters["chips"]))
    for number in range(parameters["chips"]):
        chip = refpcm.program_network(network, trained, parameters["device"], seed=2026, chip=number)
        reference = refpcm.reference_readouts(chip)
        for i, t_s in enumerate(times):
            compensated = refpcm.compensated_read(chip, float(t_s), reference)[1]
            with_gdc = refpcm.with_matrices(network, trained, compensated)
            for j, used in enumerate((with_gdc, refpcm.calibrate(engine, with_gdc, calibration))):
                accuracy[i, j, number] = np.mean(engine.forward(used, images).argmax(1) == inputs["labels"])
    return {"accuracy": accuracy}
