"""The stored values against something that shares no code with refpcm: decimal arithmetic, loops, published answers."""

from decimal import Decimal, getcontext
from math import sqrt

import numpy as np
import pytest

from refpcm.golden.compare import compare
from refpcm.golden.kit import Kit
from refpcm.golden.statistics import central_moments

getcontext().prec = 50
CASES = {case.id: case for case in Kit().cases}


def answered(id, name, values):
    output = next(o for o in CASES[id].outputs if o.name == name)
    verdict = compare(output, np.asarray(values, output.dtype).reshape(output.shape))
    assert verdict.ok, verdict


def columns(id, *names):
    inputs = CASES[id].input_arrays()
    return [[Decimal(float(v)) for v in inputs[name]] for name in names]


def test_philox_values_are_the_published_known_answers():
    answered("L0-philox-known", "words", [[0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8],
                                          [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
                                          [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]])


def test_drift_exponents_agree_with_decimal_arithmetic():
    def nu(g, z):
        log = (max(g, Decimal("2.5e-6")) / 25).ln()
        mu = min(max(Decimal(-0.0155) * log + Decimal(0.0244), Decimal(0.049)), Decimal(0.1))
        return abs(mu + min(max(Decimal(-0.0125) * log - Decimal(0.0059), Decimal(0.008)), Decimal(0.045)) * z)
    answered("L1-nu", "nu", [nu(g, z) for g, z in zip(*columns("L1-nu", "g_target_us", "z"))])


@pytest.mark.parametrize("name, t_s", [("t0", 20), ("25s", 25), ("1h", 3600), ("1y", 31536000)])
def test_drift_agrees_with_decimal_arithmetic(name, t_s):
    id = f"L1-drift-{name}"
    log = (Decimal(t_s) / 20).ln()
    answered(id, "g_drift_us", [g * (-nu * log).exp() for g, nu in zip(*columns(id, "g_prog_us", "nu"))])


@pytest.mark.parametrize("source", ["target", "programmed"])
@pytest.mark.parametrize("name, t_s", [("25s", 25), ("1d", 86400)])
def test_read_noise_agrees_with_decimal_arithmetic(source, name, t_s):
    id = f"L1-read-{source}-{name}"
    growth = ((Decimal(t_s) + Decimal("250e-9")) / Decimal("500e-9")).ln().sqrt()

    def read(g_curve, g_drift, z):
        relative = max(g_curve / 25, Decimal("1e-7"))
        q = min(Decimal("0.0088") / (Decimal("0.65") * relative.ln()).exp(), Decimal("0.2"))
        return max(g_drift * (1 + q * growth * z), Decimal(0))
    g = "g_target_us" if source == "target" else "g_prog_us"
    answered(id, "g_us", [read(*row) for row in zip(*columns(id, g, "g_drift_us", "z"))])


@pytest.mark.parametrize("mode", ["programmed", "zero"])
def test_programming_agrees_with_decimal_arithmetic(mode):
    def programmed(g, z):
        r = g / 25
        sigma = max(Decimal("0.26348") + Decimal("1.9650") * r - Decimal("1.1731") * r * r, Decimal(0))
        return Decimal(0) if mode == "zero" and g == 0 else max(g + sigma * z, Decimal(0))
    id = f"L1-program-{mode}"
    answered(id, "g_prog_us", [programmed(g, z) for g, z in zip(*columns(id, "g_target_us", "z"))])


@pytest.mark.parametrize("name, stride, padding", [("3x3", 1, 1), ("3x3-stride2", 2, 1), ("1x1-stride2", 2, 0)])
def test_convolution_agrees_with_five_loops(name, stride, padding):
    inputs = CASES[f"L2-conv-{name}-64"].input_arrays()
    x, w, dout = inputs["x"], inputs["w"], inputs["dout"]
    out, dx, dw = np.zeros_like(dout), np.zeros_like(x), np.zeros_like(w)
    for n, k, i, j in np.ndindex(dout.shape):
        for c, r, s in np.ndindex(w.shape[1:]):
            row, column = stride * i + r - padding, stride * j + s - padding
            if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
                out[n, k, i, j] += x[n, c, row, column] * w[k, c, r, s]
                dx[n, c, row, column] += dout[n, k, i, j] * w[k, c, r, s]
                dw[k, c, r, s] += dout[n, k, i, j] * x[n, c, row, column]
    for part, value in (("out", out), ("dx", dx), ("dw", dw)):
        answered(f"L2-conv-{name}-64", part, value)


@pytest.mark.parametrize("family, fold", [
    ("rectified", lambda y: np.maximum(y, 0)), ("folded", np.abs), ("normal", lambda y: y)])
@pytest.mark.parametrize("mu, sigma", [(0.0, 0.26), (0.05, 0.03), (2.0, 0.5)])
def test_closed_form_moments_agree_with_numeric_integration(family, fold, mu, sigma):
    y = mu + sigma * np.linspace(-9, 9, 900_001)
    weight = np.exp(-0.5 * ((y - mu) / sigma) ** 2) / (sigma * sqrt(2 * np.pi)) * (y[1] - y[0])
    mean = np.sum(fold(y) * weight)
    expected = [mean, np.sum((fold(y) - mean) ** 2 * weight), np.sum((fold(y) - mean) ** 4 * weight)]
    np.testing.assert_allclose(central_moments(family, mu, sigma), expected, rtol=1e-7, atol=1e-15)
