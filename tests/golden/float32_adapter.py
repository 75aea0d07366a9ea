"""A simulator that has only float32, in NumPy and without refpcm: every array, constant and sum is float32."""

import numpy as np

F = np.float32
G_MAX, T0, T_READ, SMALLEST = F(25), F(20), F(250e-9), F(1e-7)


def _joshi(parameters):
    if parameters["device"] != "joshi2020":
        raise NotImplementedError


def _relative(g_us):
    return np.maximum(g_us / G_MAX, SMALLEST)


def _clip(x, low, high):
    return np.minimum(np.maximum(x, F(low)), F(high))


# --- L1: the device

def map_weights(inputs, parameters):
    w = inputs["weights"]
    largest = np.abs(w).max()
    g = w * (F(parameters["g_max_us"]) / largest) if largest else w
    return {"g_target_us": np.stack([np.maximum(g, 0), np.maximum(-g, 0)])}


def unmap_weights(inputs, parameters):
    plus, minus = inputs["g_us"]
    return {"weights": (plus - minus) * (F(parameters["w_max"]) / F(parameters["g_max_us"]))}


def collapsed_pair(inputs, parameters):
    return {"g_us": map_weights({"weights": inputs["g_us"][0] - inputs["g_us"][1]}, parameters)["g_target_us"]}


def _sigma(g_us):
    g = g_us / G_MAX
    return np.maximum(F(0.26348) + g * (F(1.9650) - F(1.1731) * g), 0)


def programming_sigma(inputs, parameters):
    _joshi(parameters)
    return {"sigma_us": _sigma(inputs["g_target_us"])}


def programmed(inputs, parameters):
    _joshi(parameters)
    target = inputs["g_target_us"]
    g = np.maximum(target + _sigma(target) * inputs["z"], 0)
    return {"g_prog_us": g if parameters["reset_device"] == "programmed" else np.where(target == 0, F(0), g)}


def stuck_devices(inputs, parameters):
    _joshi(parameters)
    stuck = inputs["u_selection"] < F(parameters["stuck_fraction"])
    return {"g_prog_us": np.where(stuck, inputs["u_conductance"] * G_MAX, inputs["g_prog_us"])}


def drift_exponents(inputs, parameters):
    _joshi(parameters)
    log = np.log(_relative(inputs["g_target_us"]))
    mean, sigma = _clip(F(-0.0155) * log + F(0.0244), 0.049, 0.1), _clip(F(-0.0125) * log - F(0.0059), 0.008, 0.045)
    return {"nu": np.abs(mean + sigma * inputs["z"])}


def drifted(inputs, parameters):
    _joshi(parameters)
    return {"g_drift_us": inputs["g_prog_us"] * (F(parameters["t_s"]) / T0) ** -inputs["nu"]}


def _noise(g_us):
    return np.minimum(F(0.0088) / _relative(g_us) ** F(0.65), F(0.2))


def relative_read_noise(inputs, parameters):
    _joshi(parameters)
    return {"q_s": _noise(inputs["g_us"])}


def read(inputs, parameters):
    _joshi(parameters)
    q_s = _noise(inputs["g_target_us" if parameters["read_noise_from"] == "target" else "g_prog_us"])
    growth = np.sqrt(np.log((F(parameters["t_s"]) + T_READ) / (F(2) * T_READ)))
    g = inputs["g_drift_us"]
    return {"g_us": np.maximum(g + g * q_s * growth * inputs["z"], 0)}


# --- L1: compensation and training

def gdc_readout(inputs, parameters):
    w = inputs["weights"]
    return {"readout": {"columns": lambda: inputs["g_us"].sum(), "ones": lambda: np.abs(w.sum(0)).sum(),
                        "one_hot": lambda: np.abs(w).mean()}[parameters["readout"]]()}


def gdc_factor(inputs, parameters):
    now, then = inputs["readout_t"], inputs["readout_t0"]
    known = (now != 0) & (then != 0)
    return {"alpha": np.where(known, now / np.where(known, then, F(1)), F(1))}


def gdc_compensated(inputs, parameters):
    return {"weights": inputs["weights"] * (F(1) / F(parameters["alpha"]))}


def adabs_update(inputs, parameters):
    p = F(0.015) ** (F(1) / F(parameters["batches"]))
    mean, var = inputs["running_mean"], inputs["running_var"]
    for batch_mean, batch_var in zip(inputs["batch_mean"], inputs["batch_var"]):
        mean, var = p * mean + (F(1) - p) * batch_mean, p * var + (F(1) - p) * batch_var
    return {"running_mean": mean, "running_var": var}


def weight_noise(inputs, parameters):
    w = inputs["weights"]
    return {"noisy": w + F(parameters["eta"]) * np.abs(w).max() * inputs["z"]}


def clipped_weights(inputs, parameters):
    w = inputs["weights"]
    bound = F(parameters["alpha"]) * w.std()
    return {"clipped": np.clip(w, -bound, bound)}


# --- L2: one pass over the windows of a convolution, one pass over the batch for its statistics

def conv2d(inputs, parameters):
    x, w, dout = (inputs[name] for name in ("x", "w", "dout"))
    stride, pad = parameters["stride"], parameters["padding"]
    rows, columns = dout.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out, dpadded, dw = np.zeros_like(dout), np.zeros_like(padded), np.zeros_like(w)
    for r in range(w.shape[2]):
        for s in range(w.shape[3]):
            place = np.s_[:, :, r:r + stride * rows:stride, s:s + stride * columns:stride]
            out += np.einsum("kc,ncij->nkij", w[:, :, r, s], padded[place])
            dw[:, :, r, s] = np.einsum("nkij,ncij->kc", dout, padded[place])
            dpadded[place] += np.einsum("kc,nkij->ncij", w[:, :, r, s], dout)
    return {"out": out, "dx": dpadded[:, :, pad:pad + x.shape[2], pad:pad + x.shape[3]], "dw": dw}


def linear(inputs, parameters):
    x, w, dout = inputs["x"], inputs["w"], inputs["dout"]
    return {"out": x @ w.T + inputs["bias"], "dx": dout @ w, "dw": dout.T @ x, "dbias": dout.sum(0)}


def batch_norm_inference(inputs, parameters):
    x, gamma, beta, mean, var = (inputs[n] if n == "x" else inputs[n][:, None, None]
                                 for n in ("x", "gamma", "beta", "running_mean", "running_var"))
    scale = gamma / np.sqrt(var + F(1e-5))
    return {"out": x * scale + (beta - mean * scale)}


def relu(inputs, parameters):
    x = inputs["x"]
    return {"out": np.maximum(x, 0), "dx": np.where(x > 0, inputs["dout"], F(0))}


def cross_entropy(inputs, parameters):
    logits, (images, classes), smoothing = inputs["logits"], inputs["logits"].shape, F(parameters["smoothing"])
    target = np.full_like(logits, smoothing / F(classes))
    target[np.arange(images), inputs["labels"]] += F(1) - smoothing
    shifted = logits - logits.max(1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return {"loss": -(target * log_softmax).sum() / F(images), "dlogits": (np.exp(log_softmax) - target) / F(images)}


# --- L3

def _codes(x, bits, full_scale):
    levels = F(2 ** (bits - 1) - 1)
    return np.clip(np.rint(x / (F(full_scale) / levels)), -levels, levels)


def converter_codes(inputs, parameters):
    return {"codes": _codes(inputs["x"], parameters["bits"], parameters["full_scale"]).astype(np.int32)}


def tile_product(inputs, parameters):
    def converted(x, bits, full_scale):
        return _codes(x, bits, full_scale) * (F(full_scale) / F(2 ** (bits - 1) - 1))
    w, z, count = inputs["weights"], inputs["z"], inputs["z"].shape[1]
    x = converted(inputs["x"], parameters["dac_bits"], parameters["input_range"])
    sigma = F(parameters["output_noise"]) * F(parameters["w_max"]) * F(parameters["input_range"])
    parts = zip(np.array_split(x, count, 1), np.array_split(w, count), z.transpose(1, 0, 2))
    sums = [part @ rows + sigma * noise for part, rows, noise in parts]
    return {"y": sum(converted(y, parameters["adc_bits"], parameters["output_range"]) for y in sums)}
