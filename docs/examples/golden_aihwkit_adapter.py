"""What aihwkit's PCM model answers of levels L1 and L6 of the golden kit. It uses aihwkit and PyTorch, not refpcm.

    cd docs/examples
    python -m refpcm.golden check --adapter golden_aihwkit_adapter --level 1 6

aihwkit knows one reading where the kit has two cases; it gives that one whatever is asked, so that the cases that fail
name its interpretations: Q_s at the programmed conductance (I-7), idle devices programmed at g = 0 (I-5).
"""

from contextlib import contextmanager

import torch
from aihwkit.inference.noise import pcm

MODEL = pcm.PCMLikeNoiseModel(g_max=25.0)
T0_S = 20.0  # aihwkit counts t_inference from here


@contextmanager
def given_noise(z):
    """aihwkit's normal numbers are those of the case."""
    own, pcm.randn_like = pcm.randn_like, lambda like: torch.tensor(z)
    try:
        yield
    finally:
        pcm.randn_like = own


def _joshi(parameters):
    if parameters["device"] != "joshi2020":
        raise NotImplementedError


def programmed(inputs, parameters):
    _joshi(parameters)
    with given_noise(inputs["z"]):
        return {"g_prog_us": MODEL.apply_programming_noise_to_conductance(torch.tensor(inputs["g_target_us"])).numpy()}


def drift_exponents(inputs, parameters):
    _joshi(parameters)
    with given_noise(inputs["z"]):
        return {"nu": MODEL.generate_drift_coefficients(torch.tensor(inputs["g_target_us"])).numpy()}


def drifted(inputs, parameters):
    """aihwkit drifts and reads in one function: the noise is 0 here."""
    _joshi(parameters)
    g_prog, nu = (torch.tensor(inputs[name]) for name in ("g_prog_us", "nu"))
    with given_noise(0 * inputs["nu"]):
        return {"g_drift_us": MODEL.apply_drift_noise_to_conductance(g_prog, nu, parameters["t_s"] - T0_S).numpy()}


def read(inputs, parameters):
    """The exponents are chosen such that aihwkit's drift gives the case's drifted conductances."""
    _joshi(parameters)
    g_prog, g_drift = (torch.tensor(inputs[name]) for name in ("g_prog_us", "g_drift_us"))
    decay = torch.where(g_prog > 0, g_drift / g_prog, torch.ones_like(g_prog))
    nu = -decay.log() / torch.tensor(parameters["t_s"] / T0_S, dtype=torch.float64).log()
    with given_noise(inputs["z"]):
        return {"g_us": MODEL.apply_drift_noise_to_conductance(g_prog, nu, parameters["t_s"] - T0_S).numpy()}


def _bins(values, parameters):
    return torch.tensor(values)[:, None].repeat(1, parameters["count"])


def sample_programmed(inputs, parameters):
    _joshi(parameters)
    return {"g_prog_us": MODEL.apply_programming_noise_to_conductance(_bins(inputs["g_target_us"], parameters)).numpy()}


def sample_drift_exponents(inputs, parameters):
    _joshi(parameters)
    return {"nu": MODEL.generate_drift_coefficients(_bins(inputs["g_target_us"], parameters)).numpy()}


def sample_read(inputs, parameters):
    """Without drift, programmed and drifted conductance are the same, and so are both readings of I-7."""
    _joshi(parameters)
    g_us = _bins(inputs["g_us"], parameters)
    nu = torch.zeros_like(g_us)
    return {"g_us": MODEL.apply_drift_noise_to_conductance(g_us, nu, parameters["t_s"] - T0_S).numpy()}
