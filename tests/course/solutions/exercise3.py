"""Exercise 3: one read of a drifted conductance."""

import numpy as np


def read(inputs, parameters):
    noted_us = inputs["g_target_us" if parameters["read_noise_from"] == "target" else "g_prog_us"]
    with np.errstate(divide="ignore"):  # 0.2 where the conductance is 0
        q_s = np.minimum(0.0088 / (noted_us / 25.0) ** 0.65, 0.2)
    growth = np.sqrt(np.log((parameters["t_s"] + 250e-9) / (2 * 250e-9)))
    drifted_us = inputs["g_drift_us"]
    return {"g_us": np.maximum(drifted_us + drifted_us * q_s * growth * inputs["z"], 0)}
