"""Exercise 2: a target conductance becomes a programmed one."""

import numpy as np


def programmed(inputs, parameters):
    target_us, g = inputs["g_target_us"], inputs["g_target_us"] / 25.0
    sigma_us = np.maximum(0.26348 + 1.9650 * g - 1.1731 * g ** 2, 0)
    g_us = np.maximum(target_us + sigma_us * inputs["z"], 0)
    return {"g_prog_us": np.where(target_us == 0, 0, g_us) if parameters["reset_device"] == "zero" else g_us}
