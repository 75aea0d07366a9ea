"""The operations of the kit, answered by refpcm: an adapter like any other, and the source of the expected values.

An operation takes (inputs, parameters), two dicts {name: array} and {name: int, float or str}, and returns
{output name: array}. Arithmetic follows the dtype of the inputs. Array axes are those of docs/golden.md: N images,
C channels, H rows, W columns; crossbar matrices (R inputs, K outputs); conductances (2, R, K), G+ then G-.
"""

from dataclasses import replace

import numpy as np

from refpcm import network, nn, rng
from refpcm.compensation import adabs, global_drift
from refpcm.pcm import converters, drift, mapping, programming, read_noise, tile
from refpcm.pcm.device import find_device
from refpcm.training import clipping, sgd, weight_noise as noise

# --- L0 bits


def philox4x32(inputs, parameters):
    return {"words": rng.philox4x32(inputs["counter"], inputs["key"])}


def random_words(inputs, parameters):
    return {"words": rng.words(*_address(parameters))}


def random_uniforms(inputs, parameters):
    return {"uniforms": rng.uniforms(*_address(parameters))}


def random_normals(inputs, parameters):
    return {"normals": rng.normals(*_address(parameters))}


def random_permutation(inputs, parameters):
    *address, _, count = _address(parameters)
    return {"permutation": rng.permutation(*address, count)}


def _address(parameters):
    return tuple(parameters[name] for name in ("seed", "chip", "purpose", "layer", "draw", "start", "count"))


# --- L1 equations

def map_weights(inputs, parameters):
    w_max = mapping.largest_weight(inputs["weights"])
    return {"g_target_us": mapping.to_conductances(inputs["weights"], w_max, parameters["g_max_us"])}


def unmap_weights(inputs, parameters):
    return {"weights": mapping.to_weights(inputs["g_us"], parameters["w_max"], parameters["g_max_us"])}


def collapsed_pair(inputs, parameters):
    net = inputs["g_us"][0] - inputs["g_us"][1]
    return {"g_us": mapping.to_conductances(net, float(np.abs(net).max()), parameters["g_max_us"])}


def programming_sigma(inputs, parameters):
    return {"sigma_us": programming.programming_sigma_us(inputs["g_target_us"], _device(parameters))}


def programmed(inputs, parameters):
    return {"g_prog_us": programming.programmed_us(inputs["g_target_us"], inputs["z"], _device(parameters))}


def stuck_devices(inputs, parameters):
    return {"g_prog_us": programming.with_stuck_us(inputs["g_prog_us"], inputs["u_selection"], inputs["u_conductance"],
                                                   _device(parameters))}


def drift_exponents(inputs, parameters):
    return {"nu": drift.drift_exponents(inputs["g_target_us"], inputs["z"], _device(parameters))}


def drifted(inputs, parameters):
    return {"g_drift_us": drift.drifted_us(inputs["g_prog_us"], inputs["nu"], parameters["t_s"], _device(parameters))}


def relative_read_noise(inputs, parameters):
    return {"q_s": read_noise.relative_read_noise(inputs["g_us"], _device(parameters))}


def read(inputs, parameters):
    device = _device(parameters)
    q_s = read_noise.relative_read_noise(inputs["g_target_us" if device.read_noise_from == "target" else "g_prog_us"],
                                         device)
    return {"g_us": read_noise.read_us(inputs["g_drift_us"], q_s, inputs["z"], parameters["t_s"], device)}


def gdc_readout(inputs, parameters):
    return {"readout": np.array(global_drift.readout(parameters["readout"], inputs["g_us"], inputs["weights"]))}


def gdc_factor(inputs, parameters):
    return {"alpha": np.asarray(global_drift.drift_factor(inputs["readout_t"], inputs["readout_t0"]))}


def gdc_compensated(inputs, parameters):
    return {"weights": global_drift.compensated(inputs["weights"], parameters["alpha"])}


def adabs_update(inputs, parameters):
    p = adabs.decay(parameters["batches"])
    mean, var = inputs["running_mean"], inputs["running_var"]
    for batch_mean, batch_var in zip(inputs["batch_mean"], inputs["batch_var"]):
        mean, var = adabs.updated(mean, batch_mean, p), adabs.updated(var, batch_var, p)
    return {"running_mean": mean, "running_var": var}


def weight_noise(inputs, parameters):
    w = inputs["weights"]
    return {"noisy": noise.weight_noise(w, float(np.abs(w).max()), parameters["eta"], inputs["z"])}


def clipped_weights(inputs, parameters):
    w = inputs["weights"]
    return {"clipped": clipping.clip(w, clipping.clip_bound([w], parameters["alpha"]))}


def _device(parameters):
    """The parameter set a case names, with the interpretations it chooses."""
    names = ("reset_device", "read_noise_from", "stuck_fraction")
    choices = {name: parameters[name] for name in names if name in parameters}
    return replace(find_device(parameters["device"]), **choices)


# --- L2 layers

def conv2d(inputs, parameters):
    x, w, shape = inputs["x"], inputs["w"], (parameters["stride"], parameters["padding"])
    dx, dw = nn.conv2d_backward(inputs["dout"], x, w, *shape)
    return {"out": nn.conv2d_forward(x, w, *shape), "dx": dx, "dw": dw}


def conv2d_clean_backward(inputs, parameters):
    shape = parameters["stride"], parameters["padding"]
    dx, dw = nn.conv2d_backward(inputs["dout"], inputs["x"], inputs["w"], *shape)
    return {"out": nn.conv2d_forward(inputs["x"], inputs["w_noisy"], *shape), "dx": dx, "dw": dw}


def batch_norm_training(inputs, parameters):
    out, (mean, var), cache = nn.batch_norm_training(inputs["x"], inputs["gamma"], inputs["beta"])
    dx, dgamma, dbeta = nn.batch_norm_backward(inputs["dout"], inputs["gamma"], cache)
    dtype = inputs["x"].dtype
    return {"out": out, "mean": mean.astype(dtype), "var_unbiased": var.astype(dtype), "dx": dx, "dgamma": dgamma,
            "dbeta": dbeta}


def batch_norm_inference(inputs, parameters):
    return {"out": nn.batch_norm_inference(*(inputs[n] for n in ("x", "gamma", "beta", "running_mean", "running_var")))}


def update_running(inputs, parameters):
    return {"running": nn.update_running(inputs["running"], inputs["batch"], parameters["momentum"])}


def linear(inputs, parameters):
    dx, dw, dbias = nn.linear_backward(inputs["dout"], inputs["x"], inputs["w"])
    return {"out": nn.linear_forward(inputs["x"], inputs["w"], inputs["bias"]), "dx": dx, "dw": dw, "dbias": dbias}


def relu(inputs, parameters):
    out = nn.relu_forward(inputs["x"])
    return {"out": out, "dx": nn.relu_backward(inputs["dout"], out)}


def max_pool(inputs, parameters):
    window = parameters["kernel"], parameters["stride"], parameters["padding"]
    out, argmax = nn.max_pool_forward(inputs["x"], *window)
    return {"out": out, "dx": nn.max_pool_backward(inputs["dout"], argmax, inputs["x"].shape, *window)}


def average_pool(inputs, parameters):
    window = parameters["kernel"], parameters["stride"]
    return {"out": nn.average_pool_forward(inputs["x"], *window),
            "dx": nn.average_pool_backward(inputs["dout"], inputs["x"].shape, *window)}


def global_average_pool(inputs, parameters):
    return {"out": nn.global_average_pool_forward(inputs["x"]),
            "dx": nn.global_average_pool_backward(inputs["dout"], inputs["x"].shape)}


def pad_shortcut(inputs, parameters):
    x = inputs["x"]
    return {"out": nn.pad_shortcut_forward(x, parameters["out_channels"], parameters["stride"]),
            "dx": nn.pad_shortcut_backward(inputs["dout"], x.shape, parameters["stride"])}


def cross_entropy(inputs, parameters):
    loss, dlogits = nn.cross_entropy(inputs["logits"], inputs["labels"], parameters["smoothing"])
    return {"loss": np.array(loss, inputs["logits"].dtype), "dlogits": dlogits}


def sgd_step(inputs, parameters):
    w, velocity = inputs["w"].copy(), inputs["velocity"].copy()
    sgd.sgd_step(w, inputs["gradient"], velocity, parameters["lr"], parameters["momentum"],
                 parameters["rule"] == "nesterov", parameters["weight_decay"])
    return {"w": w, "velocity": velocity}


# --- L3 codes

def converter_codes(inputs, parameters):
    return {"codes": converters.codes(inputs["x"], converters.Converter(parameters["bits"]), parameters["full_scale"])}


def tile_product(inputs, parameters):
    tiles = tile.Tiles(parameters["tile_rows"], None, converters.Converter(parameters["dac_bits"]),
                       converters.Converter(parameters["adc_bits"]), parameters["output_noise"])
    ranges = tile.Ranges(parameters["input_range"], parameters["output_range"])
    return {"y": tile.product(inputs["x"], inputs["weights"], tiles, ranges, inputs.get("z"), parameters["w_max"])}


# --- L4 network, L5 training

def network_forward(inputs, parameters):
    net, weights = _network(inputs, parameters)
    _, tape = network.forward(net, weights, inputs["image"], parameters["batch_norm"] == "batch")
    return {name: value for name, value in tape.values.items() if name != "image"}


def train_steps(inputs, parameters):
    """Plain or noise-aware SGD: loss of each step, some gradients of each, and what all parameters became."""
    net, weights = _network(inputs, parameters)
    velocity, out, losses = sgd.zero_velocities(weights), {}, []
    for step, (images, labels) in enumerate(zip(inputs["images"], inputs["labels"])):
        used = dict(weights)
        for _, names in noise.layer_parts(net, weights) if parameters["eta"] else ():
            w_max = max(float(np.abs(weights[name]).max()) for name in names)
            for name in names:
                used[name] = noise.weight_noise(weights[name], w_max, parameters["eta"], inputs[f"z.{step}.{name}"])
        logits, tape = network.forward(net, used, images, training=True)
        loss, dlogits = nn.cross_entropy(logits, labels, parameters["smoothing"])
        gradients = network.backward(net, used if parameters["backward"] == "noisy" else weights, tape, dlogits)
        losses.append(loss)
        for name in parameters["watched"].split():
            out[f"gradient.{step}.{name}"] = gradients[name]
        for name, gradient in gradients.items():
            sgd.sgd_step(weights[name], gradient, velocity[name], parameters["lr"], parameters["momentum"], True,
                         parameters["weight_decay"])
        if parameters["alpha"]:
            clipping.clip_parameters(net, weights, parameters["alpha"])
        for name, (mean, var) in tape.statistics.items():
            for part, batch in (("running_mean", mean), ("running_var", var)):
                weights[f"{name}.{part}"] = nn.update_running(weights[f"{name}.{part}"], batch)
    return {"loss": np.array(losses, inputs["images"].dtype), **out,
            **{f"after.{name}": value for name, value in weights.items()}}


def _network(inputs, parameters):
    from refpcm.resnet import build, parameter_shapes
    net = build(parameters["architecture"], parameters["classes"])
    return net, {name: inputs[name].copy() for name in parameter_shapes(net)}


# --- L6 statistics: these draw their own random numbers

def sample_programmed(inputs, parameters):
    equation, purpose = programming.programmed_us, rng.Purpose.PROGRAMMING
    return {"g_prog_us": _sampled(equation, purpose, inputs["g_target_us"], parameters)}


def sample_drift_exponents(inputs, parameters):
    return {"nu": _sampled(drift.drift_exponents, rng.Purpose.DRIFT_EXPONENT, inputs["g_target_us"], parameters)}


def sample_read(inputs, parameters):
    def read_once(g_us, z, device):
        return read_noise.read_us(g_us, read_noise.relative_read_noise(g_us, device), z, parameters["t_s"], device)
    return {"g_us": _sampled(read_once, rng.Purpose.READ_NOISE, inputs["g_us"], parameters)}


def sample_weight_noise(inputs, parameters):
    def noisy(w, z, device):
        return noise.weight_noise(w, parameters["w_max"], parameters["eta"], z)
    any_device = {**parameters, "device": "joshi2020"}
    return {"noisy": _sampled(noisy, rng.Purpose.WEIGHT_NOISE, inputs["weights"], any_device)}


def _sampled(equation, purpose, bins, parameters):
    """(bins, count): the equation at each bin's value, with `count` fresh random numbers."""
    count = parameters["count"]
    z = rng.normals(1, 0, purpose, 0, 0, 0, len(bins) * count).reshape(len(bins), count)
    return equation(np.broadcast_to(bins[:, None], z.shape), z, _device(parameters))


# --- L7 protocol

def protocol_accuracy(inputs, parameters):
    return {"accuracy": accuracies(inputs, parameters, seed=1)}


def accuracies(inputs, parameters, seed):
    """(times, compensations, chips): share of images recognised, chips numbered from 0 under this seed."""
    from refpcm.analog import program_network, with_matrices
    from refpcm.training.executor import make_engine
    net, weights = _network(inputs, parameters)
    engine, times = make_engine(net, "vector"), inputs["times_s"]
    images, calibration = (_normalised(inputs, name) for name in ("images", "calibration_images"))
    out = np.empty((len(times), 2, parameters["chips"]))
    for number in range(parameters["chips"]):
        chip = program_network(net, weights, find_device(parameters["device"]), seed, number)
        at_t0 = global_drift.reference_readouts(chip)
        for i, t_s in enumerate(times):
            _, compensated, _ = global_drift.compensated_read(chip, float(t_s), 0, at_t0)
            with_gdc = with_matrices(net, weights, compensated)
            for j, used in enumerate((with_gdc, adabs.calibrate(engine, with_gdc, calibration))):
                out[i, j, number] = np.mean(engine.forward(used, images).argmax(1) == inputs["labels"])
    return out


def _normalised(inputs, name):
    """uint8 (..., C, H, W) -> float32 (x / 255 - mean) / std."""
    channel = (slice(None), None, None)
    return ((inputs[name] / 255 - inputs["mean"][channel]) / inputs["std"][channel]).astype(np.float32)
