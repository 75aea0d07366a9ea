"""A neural network on a chip of phase-change memory, in plain NumPy: an independent answer to level 8 of refpcm's kit.

    cd docs/examples
    python -m refpcm.golden check --adapter golden_chip_adapter --level 1 3 8
    python -m refpcm.golden check --adapter golden_chip_adapter --level 1 3 8 --precision float32

It was written from the kit's FORMAT.md and refpcm's pages alone. Devices and networks come from the manifest, in the
folder that `check` names in REFPCM_KIT (else: `kit` beside this file). Functions stand in the order of the signal; p are
the parameters of a case and of its device. chip_inference (L8) puts them together, and at the end they answer single
questions of L1 and L3. float32 stays float32: Python's floats, unlike NumPy's, widen no array.
"""

import json
import math
import os
from functools import partial
from pathlib import Path

import numpy as np

KIT = Path(os.environ.get("REFPCM_KIT", Path(__file__).parent / "kit"))
MANIFEST = json.loads((KIT / "manifest.json").read_text())
FORMS = {"polynomial": lambda c, g: sum(c_n * g ** n for n, c_n in enumerate(c)),
         "logarithm": lambda c, g: c[0] * np.log(np.maximum(g, 1e-7)) + c[1],
         "power": lambda c, g: c[0] * np.maximum(g, 1e-7) ** c[1],
         "reciprocal": lambda c, g: 1 / (c[0] * g + c[1])}
DIGITAL = {"ReLU": lambda x: np.maximum(x, 0), "Add": np.add, "GlobalAveragePool": lambda x: x.mean((2, 3))}


# Devices: conductances in uS, times in seconds since programming.

def decoded(value):
    """A manifest's numbers, which are hexadecimal text, in lists of lists."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    return float.fromhex(value) if isinstance(value, str) and value.lstrip("-").startswith("0x") else value


def with_device(p):
    """Parameters and, by the names that the manifest has for them, scalars and curves of the device they name."""
    if "device" not in p:
        return p
    if p["device"] != "constants":
        return {name: decoded(value) for name, value in MANIFEST["devices"][p["device"]].items()} | p
    clipped = {nu: [["logarithm", [p[nu + "_slope"], p[nu + "_offset"]], p[nu + "_low"], p[nu + "_high"], None]]
               for nu in ("nu_mean", "nu_sigma")}
    return p | clipped | {
        "programming_us": [["polynomial", [p[f"sigma_c{n}_us"] for n in range(4)], None, None, None]],
        "read_noise": [["power", [p["q_factor"], p["q_exponent"]], None, p["q_high"], None]]}


def curve(name, g_us, p):
    """A curve is made of pieces: of those that reach as far as g the first counts, within limits of its own."""
    g, reached, values = g_us / p["g_max_us"], [], []
    for form, coefficients, *limits in p[name]:
        low, high, below = (none if n is None else n for n, none in zip(limits, (-math.inf, math.inf, math.inf)))
        reached.append(g < below)
        values.append(np.clip(FORMS[form](coefficients, g), low, high))
    return np.select(reached, values)


def sigma_prog(g_target_us, p):
    return np.maximum(curve("programming_us", g_target_us, p), 0)


# From weights to conductances, arrays (2, rows, columns) with G+ first, and back.

def to_conductances(weights, p):
    g_us = weights * p["g_max_us"] / (np.abs(weights).max() or 1)  # the largest weight takes the whole range
    return np.stack([np.maximum(g_us, 0), np.maximum(-g_us, 0)])


def program(g_target_us, z, p):
    g_us = np.maximum(g_target_us + sigma_prog(g_target_us, p) * z, 0)
    # An idle device errs like any other, unless its reset is taken to be perfect.
    return np.where(g_target_us == 0, 0, g_us) if p["reset_device"] == "zero" else g_us


def stick(g_prog_us, u_selection, u_conductance, p):
    """Some devices ignore their target and are anywhere in the range."""
    return np.where(u_selection < p["stuck_fraction"], u_conductance * p["g_max_us"], g_prog_us)


def exponents(g_target_us, z, p):
    return np.abs(curve("nu_mean", g_target_us, p) + curve("nu_sigma", g_target_us, p) * z)


def drift(g_prog_us, nu, p):
    return g_prog_us * (p["t_s"] / p["t0_s"]) ** -nu


def read_once(g_target_us, g_prog_us, g_drift_us, z, p):
    """Noise in proportion to what is read; how much is a matter of what was wanted (or programmed) and of time."""
    q = curve("read_noise", g_target_us if p["read_noise_from"] == "target" else g_prog_us, p)
    growth = math.sqrt(math.log((p["t_s"] + p["t_read_s"]) / (2 * p["t_read_s"])))
    return np.maximum(g_drift_us + g_drift_us * q * growth * z, 0)


def to_weights(g_us, p):
    return (g_us[0] - g_us[1]) * p["w_max"] / p["g_max_us"]


# Compensation: one factor for a layer or column (GDC), then new statistics for batch norm (AdaBS).

def measure(g_us, weights, p):
    """What a chip can measure of a layer without knowing its weights; it shrinks as they do."""
    column = {"columns": g_us.sum((0, 1)), "ones": np.abs(weights.sum(0)), "one_hot": np.abs(weights).mean(0)}
    column = column[p["readout"]]
    if p.get("gdc") == "column":
        return column
    return column.mean() if p["readout"] == "one_hot" else column.sum()


def shrinkage(readout_t, readout_t0, p):
    """alpha of GDC; 1 where there is nothing to compare."""
    known = (readout_t != 0) & (readout_t0 != 0)
    return np.where(known, readout_t, 1) / np.where(known, readout_t0, 1)


def blend(old, of_batch, batches):
    """One step of a moving average that keeps 1.5 % of where it began after all batches."""
    keep = 0.015 ** (1 / batches)
    return [keep * s + (1 - keep) * s_batch for s, s_batch in zip(old, of_batch)]


# Converters and tiles: the vectors that a matrix multiplies lie along axis 1 of (images, rows, height, width).

def convert(x, full_scale, bits):
    """Codes, and the size of their step. rint rounds half to even."""
    levels = 2 ** (bits - 1) - 1
    step = full_scale / levels
    return np.clip(np.rint(x / step), -levels, levels).astype(np.int32), step


def windows(x, kernel=1, stride=1, padding=0, **_):
    """The rows at each position of a convolution: channel, kernel row, kernel column."""
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    x = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (2, 3))[:, :, ::stride, ::stride]
    n, channels, height, width = x.shape[:4]
    return x.transpose(0, 1, 4, 5, 2, 3).reshape(n, channels * kernel * kernel, height, width)


def multiply(weights, vectors):
    return np.einsum("rk,nrhw->nkhw", weights, vectors)


def tiled_product(x, weights, p, z=None, **layer):
    """Outputs, codes in, codes out. Sums are converted on every tile and only then added."""
    codes_in, step_in = convert(x, p["input_range"], p["dac_bits"])
    driven = windows(codes_in.astype(x.dtype) * step_in, **layer)
    tiles = np.array_split(np.arange(len(weights)), math.ceil(len(weights) / p["tile_rows"]))  # the larger first
    sums = np.stack([multiply(weights[rows], driven[:, rows]) for rows in tiles], axis=1)
    if z is not None:
        sums = sums + p["output_noise"] * p["w_max"] * p["input_range"] * z
    codes_out, step_out = convert(sums, p["output_range"], p["adc_bits"])
    return (codes_out.astype(x.dtype) * step_out).sum(1), codes_in, codes_out


# The network. A linear layer is a 1x1 convolution of a single pixel whose last channel, always 1, drives the bias.

def matrix_of(layer, inputs):
    weight = inputs[layer["name"] + ".weight"]
    matrix = weight.reshape(len(weight), -1).T
    return np.vstack([matrix, inputs[layer["name"] + ".bias"]]) if layer["kind"] == "Linear" else matrix


def forward(images, layers, inputs, statistics, products, batches=None):
    """Logits. With the number of batches, batch norm uses the images' statistics and blends them in, in place."""
    values = {"image": images}
    for layer in layers:
        name, kind, (x, *others) = layer["name"], layer["kind"], [values[source] for source in layer["inputs"]]
        if kind == "Conv2d":
            y = products[name](x)
        elif kind == "Linear":
            y = products[name](np.append(x, np.ones_like(x[:, :1]), axis=1)[:, :, None, None])[:, :, 0, 0]
        elif kind == "BatchNorm":
            mean, variance = statistics[name]
            if batches:
                mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))  # NumPy's variance is the biased one
                statistics[name] = blend(statistics[name], (mean, variance), batches)
            scale = inputs[name + ".weight"] / np.sqrt(variance + 1e-5)
            y = scale[:, None, None] * (x - mean[:, None, None]) + inputs[name + ".bias"][:, None, None]
        else:
            y = DIGITAL[kind](x, *others)
        values[name] = y
    return y


# A whole chip. out collects every tensor by the name that the kit gives it.

def chip_inference(inputs, p):
    """Program once, read three times, infer at the second and third: with GDC, then with AdaBS on top."""
    p, layers, out = with_device(p), MANIFEST["networks"][p["architecture"]]["layers"], {}
    crossbars = [layer for layer in layers if layer["kind"] in ("Conv2d", "Linear")]
    on_chip = crossbars if p["on_chip"] == "all" else crossbars[1:-1]
    products = {layer["name"]: lambda x, layer=layer: multiply(matrix_of(layer, inputs), windows(x, **layer))
                for layer in crossbars}  # digital, unless replaced below
    for layer in on_chip:
        program_layer(layer, inputs, p, out)
    for read in (0, 1, 2):
        for layer in on_chip:
            read_layer(layer["name"], read, inputs, p, out)
            products[layer["name"]] = partial(chip_product, layer, read, p, out)
        if read > 0:  # read 0 is only what GDC refers to
            infer(read, layers, products, inputs, out)
    return out


def program_layer(layer, inputs, p, out):
    name = layer["name"]
    out["matrix." + name] = matrix_of(layer, inputs)
    target = out["g_target_us." + name] = to_conductances(out["matrix." + name], p)
    g_us = program(target, inputs["z_prog." + name], p)
    out["g_prog_us." + name] = stick(g_us, inputs["u_selection." + name], inputs["u_conductance." + name], p)
    out["nu." + name] = exponents(target, inputs["z_nu." + name], p)


def read_layer(name, read, inputs, p, out):
    here, p = f".{read}.{name}", p | {"t_s": p[f"t_{read}_s"], "w_max": np.abs(out["matrix." + name]).max()}
    target, g_us = out["g_target_us." + name], out["g_prog_us." + name]
    g_drift_us = out["g_drift_us" + here] = drift(g_us, out["nu." + name], p)
    g_us = out["g_us" + here] = read_once(target, g_us, g_drift_us, inputs["z_read" + here], p)
    weights = out["weights" + here] = to_weights(g_us, p)
    out["readout" + here] = measure(g_us, weights, p)
    if read > 0:
        out["alpha" + here] = shrinkage(out["readout" + here], out["readout.0." + name], p)
        out["compensated" + here] = weights / out["alpha" + here]


def chip_product(layer, read, p, out, x):
    """A layer's tiles hold what has drifted, so GDC comes after them, digitally."""
    here = f".{read}.{layer['name']}"
    ranges = {side: p[f"{side}.{layer['name']}"] for side in ("input_range", "output_range")}
    y, codes_in, codes_out = tiled_product(x, out["weights" + here], p | ranges, **layer)
    out.setdefault("codes_in" + here, codes_in)  # only of the first pass, the one for logits_gdc
    out.setdefault("codes_out" + here, codes_out)
    return y / out["alpha" + here].reshape(-1, 1, 1)


def infer(read, layers, products, inputs, out):
    norms = [layer["name"] for layer in layers if layer["kind"] == "BatchNorm"]
    # Trained statistics, anew at every read: AdaBS does not go on from the read before.
    statistics = {name: [inputs[name + ".running_mean"], inputs[name + ".running_var"]] for name in norms}
    out[f"logits_gdc.{read}"] = forward(inputs["images"], layers, inputs, statistics, products)
    for batch in inputs["calibration"]:
        forward(batch, layers, inputs, statistics, products, batches=len(inputs["calibration"]))
    for name in norms:
        out[f"running_mean.{read}.{name}"], out[f"running_var.{read}.{name}"] = statistics[name]
    out[f"logits_adabs.{read}"] = forward(inputs["images"], layers, inputs, statistics, products)


# Single questions of L1 and L3, asked of the same functions.

def answer(function, output):
    return lambda inputs, p: {output: function(**inputs, p=with_device(p))}


def adabs_update(inputs, p):
    statistics = [inputs["running_mean"], inputs["running_var"]]
    for of_batch in zip(inputs["batch_mean"], inputs["batch_var"]):
        statistics = blend(statistics, of_batch, len(inputs["batch_mean"]))
    return dict(zip(("running_mean", "running_var"), statistics))


def adabs_layer(inputs, p):
    batches = inputs["x"]
    return adabs_update(inputs | {"batch_mean": batches.mean((1, 3, 4)), "batch_var": batches.var((1, 3, 4))}, p)


map_weights, unmap_weights = answer(to_conductances, "g_target_us"), answer(to_weights, "weights")
programming_sigma, programmed = answer(sigma_prog, "sigma_us"), answer(program, "g_prog_us")
stuck_devices, drift_exponents = answer(stick, "g_prog_us"), answer(exponents, "nu")
drifted, read = answer(drift, "g_drift_us"), answer(read_once, "g_us")
relative_read_noise = answer(partial(curve, "read_noise"), "q_s")
gdc_readout, gdc_factor = answer(measure, "readout"), answer(shrinkage, "alpha")
gdc_compensated = answer(lambda weights, p: weights / p["alpha"], "weights")
converter_codes = answer(lambda x, p: convert(x, p["full_scale"], p["bits"])[0], "codes")
tile_product = answer(lambda x, weights, z, p: tiled_product(
    x[:, :, None, None], weights, p, z=z[:, :, :, None, None])[0][:, :, 0, 0], "y")
