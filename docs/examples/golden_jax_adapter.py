"""Levels L1 to L5 of the golden kit in JAX, without refpcm: gradients by jax.grad, codes by jnp.rint.

    cd docs/examples
    python -m refpcm.golden check --adapter golden_jax_adapter --level 1 2 3 4 5 --precision float32
    JAX_ENABLE_X64=1 python -m refpcm.golden check --adapter golden_jax_adapter --level 1 2 3 4 5

JAX computes in float32 unless JAX_ENABLE_X64 is set; the first command is for that.
"""

import jax
import jax.numpy as jnp
from jax import lax

jax.config.update("jax_default_matmul_precision", "highest")  # else TPUs and some GPUs take fewer bits


def arrays(inputs, *names):
    """The named inputs as arrays of JAX."""
    return [jnp.asarray(inputs[name]) for name in names]


# --- L1: mapping and the published fit of the device

def map_weights(inputs, parameters):
    w, = arrays(inputs, "weights")
    largest = jnp.abs(w).max()
    g = jnp.where(largest > 0, w / jnp.where(largest > 0, largest, 1), 0) * parameters["g_max_us"]
    return {"g_target_us": jnp.stack([jnp.maximum(g, 0), jnp.maximum(-g, 0)])}


def unmap_weights(inputs, parameters):
    plus, minus = arrays(inputs, "g_us")[0]
    return {"weights": (plus - minus) * parameters["w_max"] / parameters["g_max_us"]}


def collapsed_pair(inputs, parameters):
    plus, minus = arrays(inputs, "g_us")[0]
    return {"g_us": map_weights({"weights": plus - minus}, parameters)["g_target_us"]}


JOSHI2020 = {"g_max_us": 25.0, "t0_s": 20.0, "t_read_s": 250e-9, "sigma_c0_us": 0.26348, "sigma_c1_us": 1.9650,
             "sigma_c2_us": -1.1731, "sigma_c3_us": 0.0, "nu_mean_slope": -0.0155, "nu_mean_offset": 0.0244,
             "nu_mean_low": 0.049, "nu_mean_high": 0.1, "nu_sigma_slope": -0.0125, "nu_sigma_offset": -0.0059,
             "nu_sigma_low": 0.008, "nu_sigma_high": 0.045, "q_factor": 0.0088, "q_exponent": -0.65, "q_high": 0.2}
SMALLEST_G = 1e-7  # G / G_max below it counts as this in logarithm and power


def _device(parameters):
    """The constants of joshi2020, or those that the case gives."""
    if parameters["device"] not in ("joshi2020", "constants"):
        raise NotImplementedError
    return JOSHI2020 if parameters["device"] == "joshi2020" else parameters


def _sigma(g_us, d):
    g = g_us / d["g_max_us"]
    return jnp.maximum(sum(d[f"sigma_c{power}_us"] * g ** power for power in range(4)), 0)


def programming_sigma(inputs, parameters):
    return {"sigma_us": _sigma(*arrays(inputs, "g_target_us"), _device(parameters))}


def programmed(inputs, parameters):
    target, z = arrays(inputs, "g_target_us", "z")
    g = jnp.maximum(target + _sigma(target, _device(parameters)) * z, 0)
    return {"g_prog_us": g if parameters["reset_device"] == "programmed" else jnp.where(target == 0, 0, g)}


def stuck_devices(inputs, parameters):
    g, selection, conductance = arrays(inputs, "g_prog_us", "u_selection", "u_conductance")
    stuck = conductance * _device(parameters)["g_max_us"]
    return {"g_prog_us": jnp.where(selection < parameters["stuck_fraction"], stuck, g)}


def drift_exponents(inputs, parameters):
    d, (g, z) = _device(parameters), arrays(inputs, "g_target_us", "z")
    log = jnp.log(jnp.maximum(g / d["g_max_us"], SMALLEST_G))
    mean, sigma = (jnp.clip(d[f"nu_{of}_slope"] * log + d[f"nu_{of}_offset"], d[f"nu_{of}_low"], d[f"nu_{of}_high"])
                   for of in ("mean", "sigma"))
    return {"nu": jnp.abs(mean + sigma * z)}


def drifted(inputs, parameters):
    g, nu = arrays(inputs, "g_prog_us", "nu")
    return {"g_drift_us": g * (parameters["t_s"] / _device(parameters)["t0_s"]) ** -nu}


def _noise(g_us, d):
    return jnp.minimum(d["q_factor"] * jnp.maximum(g_us / d["g_max_us"], SMALLEST_G) ** d["q_exponent"], d["q_high"])


def relative_read_noise(inputs, parameters):
    return {"q_s": _noise(*arrays(inputs, "g_us"), _device(parameters))}


def read(inputs, parameters):
    d, source = _device(parameters), "g_target_us" if parameters["read_noise_from"] == "target" else "g_prog_us"
    at, g, z = arrays(inputs, source, "g_drift_us", "z")
    growth = jnp.sqrt(jnp.log((parameters["t_s"] + d["t_read_s"]) / (2 * d["t_read_s"])))
    return {"g_us": jnp.maximum(g + g * _noise(at, d) * growth * z, 0)}


def transferred(inputs, parameters):
    """The paper's transfer model, by the fit of its Fig. 3b (joshi2020-transfer in the manifest)."""
    g, z = arrays(inputs, "g_target_us", "z")
    size = jnp.abs(g)
    return {"g_us": g + (0.28638599 + 0.07585724 * size - 0.00178767 * size ** 2) * z}


# --- L1: compensation and training

def gdc_readout(inputs, parameters):
    g_us, w = arrays(inputs, "g_us", "weights")
    return {"readout": {"columns": lambda: g_us.sum(), "ones": lambda: jnp.abs(w.sum(0)).sum(),
                        "one_hot": lambda: jnp.abs(w).mean()}[parameters["readout"]]()}


def gdc_factor(inputs, parameters):
    now, then = arrays(inputs, "readout_t", "readout_t0")
    known = (now != 0) & (then != 0)
    return {"alpha": jnp.where(known, now / jnp.where(known, then, 1), 1)}


def gdc_compensated(inputs, parameters):
    return {"weights": arrays(inputs, "weights")[0] / parameters["alpha"]}


def adabs_update(inputs, parameters):
    p = 0.015 ** (1 / parameters["batches"])

    def update(running, batch):
        return tuple(p * old + (1 - p) * new for old, new in zip(running, batch)), None
    running, batches = arrays(inputs, "running_mean", "running_var"), arrays(inputs, "batch_mean", "batch_var")
    mean, var = lax.scan(update, tuple(running), tuple(batches))[0]
    return {"running_mean": mean, "running_var": var}


def adabs_layer(inputs, parameters):
    batches, mean, var = arrays(inputs, "x", "running_mean", "running_var")
    means, variances = jax.vmap(_statistics)(batches)
    return adabs_update({"running_mean": mean, "running_var": var, "batch_mean": means, "batch_var": variances},
                        {"batches": len(batches)})


def weight_noise(inputs, parameters):
    w, z = arrays(inputs, "weights", "z")
    return {"noisy": w + parameters["eta"] * jnp.abs(w).max() * z}


def clipped_weights(inputs, parameters):
    w, = arrays(inputs, "weights")
    return {"clipped": jnp.clip(w, -parameters["alpha"] * w.std(), parameters["alpha"] * w.std())}


# --- L2: layers

def _conv(x, w, stride, padding):
    return lax.conv_general_dilated(x, w, (stride, stride), [(padding, padding)] * 2,
                                    dimension_numbers=("NCHW", "OIHW", "NCHW"))


def _with_gradients(function, inputs, **wanted):
    """{"out": ..., "dx": ...}: function(x, ...) and its backward pass from inputs["dout"]; wanted: dx="x", ...."""
    out, back = jax.vjp(function, *arrays(inputs, *wanted.values()))
    return {"out": out, **dict(zip(wanted, back(jnp.asarray(inputs["dout"], out.dtype))))}


def conv2d(inputs, parameters):
    shape = parameters["stride"], parameters["padding"]
    return _with_gradients(lambda x, w: _conv(x, w, *shape), inputs, dx="x", dw="w")


def conv2d_clean_backward(inputs, parameters):
    x, noisy = arrays(inputs, "x", "w_noisy")
    return {**conv2d(inputs, parameters), "out": _conv(x, noisy, parameters["stride"], parameters["padding"])}


def linear(inputs, parameters):
    return _with_gradients(lambda x, w, bias: x @ w.T + bias, inputs, dx="x", dw="w", dbias="bias")


def relu(inputs, parameters):
    return _with_gradients(jax.nn.relu, inputs, dx="x")


def _norm(x, gamma, beta, mean, var):
    mean, inverse, gamma, beta = (v[:, None, None] for v in (mean, lax.rsqrt(var + 1e-5), gamma, beta))
    return (x - mean) * inverse * gamma + beta


def _statistics(x):
    """Mean and biased variance of a batch."""
    return x.mean((0, 2, 3)), x.var((0, 2, 3))


def batch_norm_training(inputs, parameters):
    x, = arrays(inputs, "x")
    mean, var = _statistics(x)
    found = _with_gradients(lambda x, gamma, beta: _norm(x, gamma, beta, *_statistics(x)), inputs,
                            dx="x", dgamma="gamma", dbeta="beta")
    count = x.size // x.shape[1]
    return {**found, "mean": mean, "var_unbiased": var * count / (count - 1)}


def batch_norm_inference(inputs, parameters):
    return {"out": _norm(*arrays(inputs, "x", "gamma", "beta", "running_mean", "running_var"))}


def update_running(inputs, parameters):
    running, batch = arrays(inputs, "running", "batch")
    momentum = parameters["momentum"]
    return {"running": ((1 - momentum) * running + momentum * batch).astype(running.dtype)}


def _windows(x, start, combine, parameters):
    kernel, stride, padding = (parameters.get(name, 0) for name in ("kernel", "stride", "padding"))
    return lax.reduce_window(x, start, combine, (1, 1, kernel, kernel), (1, 1, stride, stride),
                             [(0, 0)] * 2 + [(padding, padding)] * 2)


def max_pool(inputs, parameters):
    return _with_gradients(lambda x: _windows(x, -jnp.inf, lax.max, parameters), inputs, dx="x")


def average_pool(inputs, parameters):
    return _with_gradients(lambda x: _windows(x, 0.0, lax.add, parameters) / parameters["kernel"] ** 2, inputs, dx="x")


def global_average_pool(inputs, parameters):
    return _with_gradients(lambda x: x.mean((2, 3)), inputs, dx="x")


def pad_shortcut(inputs, parameters):
    def shortcut(x):
        missing = parameters["out_channels"] - x.shape[1]
        sides = (missing // 2, missing - missing // 2)
        return jnp.pad(x[:, :, ::parameters["stride"], ::parameters["stride"]], ((0, 0), sides, (0, 0), (0, 0)))
    return _with_gradients(shortcut, inputs, dx="x")


def _loss(logits, labels, smoothing):
    target = jax.nn.one_hot(labels, logits.shape[1], dtype=logits.dtype) * (1 - smoothing) + smoothing / logits.shape[1]
    return -(target * jax.nn.log_softmax(logits)).sum() / len(logits)


def cross_entropy(inputs, parameters):
    logits, labels = arrays(inputs, "logits", "labels")
    loss, gradient = jax.value_and_grad(_loss)(logits, labels, parameters["smoothing"])
    return {"loss": loss, "dlogits": gradient}


def _stepped(w, gradient, velocity, parameters, nesterov):
    """Weights and velocity after one step of SGD."""
    d = gradient + parameters["weight_decay"] * w
    velocity = parameters["momentum"] * velocity + d
    return w - parameters["lr"] * (d + parameters["momentum"] * velocity if nesterov else velocity), velocity


def sgd_step(inputs, parameters):
    w, velocity = _stepped(*arrays(inputs, "w", "gradient", "velocity"), parameters, parameters["rule"] == "nesterov")
    return {"w": w, "velocity": velocity}


# --- L3: codes

def _codes(x, bits, full_scale):
    levels = 2 ** (bits - 1) - 1
    return jnp.clip(jnp.rint(x / (full_scale / levels)), -levels, levels)


def converter_codes(inputs, parameters):
    return {"codes": _codes(*arrays(inputs, "x"), parameters["bits"], parameters["full_scale"]).astype(jnp.int32)}


def converter_range(inputs, parameters):
    ranked = jnp.sort(jnp.abs(arrays(inputs, "x")[0]))
    position = parameters["quantile"] * (len(ranked) - 1)  # jnp.quantile in float32 would round it by 0.001
    below = int(position)
    above = min(below + 1, len(ranked) - 1)
    found = ranked[below] + (ranked[above] - ranked[below]) * (position - below)
    return {"range": jnp.where(found > 0, found, ranked[-1])}


def tile_product(inputs, parameters):
    def converted(x, bits, full_scale):
        return _codes(x, bits, full_scale) * (full_scale / (2 ** (bits - 1) - 1))
    x, w, z = arrays(inputs, "x", "weights", "z")
    x = converted(x, parameters["dac_bits"], parameters["input_range"])
    sigma = parameters["output_noise"] * parameters["w_max"] * parameters["input_range"]
    parts = zip(jnp.array_split(x, z.shape[1], 1), jnp.array_split(w, z.shape[1]), z.transpose(1, 0, 2))
    sums = [part @ rows + sigma * noise for part, rows, noise in parts]
    return {"y": sum(converted(y, parameters["adc_bits"], parameters["output_range"]) for y in sums)}


# --- L4, L5: networks of basic blocks, their shape read from the names of the parameters

def _forward(image, p, batch_statistics, back=None):
    """Every tensor by name, and {name: mean and unbiased variance} of each batch norm.

    back: weights for the way back, where it has others than p (I-2). Their product adds 0, and its gradient is x's.
    """
    t, statistics = {}, {}

    def product(multiply, name, x):
        if back is None:
            return multiply(x, p[name])
        other = multiply(x, lax.stop_gradient(back[name]))
        return multiply(lax.stop_gradient(x), p[name]) + (other - lax.stop_gradient(other))

    def conv(name, x, stride):
        t[name] = product(lambda x, w: _conv(x, w, stride, w.shape[2] // 2), f"{name}.weight", x)
        return t[name]

    def norm(name, x):
        mean, var = _statistics(x)
        count = x.size // x.shape[1]
        statistics[name] = mean, var * count / (count - 1)
        if not batch_statistics:
            mean, var = p[f"{name}.running_mean"], p[f"{name}.running_var"]
        t[name] = _norm(x, p[f"{name}.weight"], p[f"{name}.bias"], mean, var)
        return t[name]

    imagenet = p["conv1.weight"].shape[2] == 7
    t["relu"] = x = jax.nn.relu(norm("bn1", conv("conv1", image, 2 if imagenet else 1)))
    if imagenet:
        t["maxpool"] = x = _windows(x, -jnp.inf, lax.max, {"kernel": 3, "stride": 2, "padding": 1})
    for stage in range(1, 5):
        block = 0
        while f"layer{stage}.{block}.conv1.weight" in p:
            at, stride = f"layer{stage}.{block}.", 2 if stage > 1 and block == 0 else 1
            t[at + "relu1"] = inner = jax.nn.relu(norm(at + "bn1", conv(at + "conv1", x, stride)))
            inner = norm(at + "bn2", conv(at + "conv2", inner, 1))
            if f"{at}downsample.0.weight" in p:
                x = norm(at + "downsample.1", conv(at + "downsample.0", x, stride))
            t[at + "add"] = inner + x
            t[at + "relu2"] = x = jax.nn.relu(t[at + "add"])
            block += 1
    t["avgpool"] = x.mean((2, 3))
    t["fc"] = product(lambda x, w: x @ w.T, "fc.weight", t["avgpool"]) + p["fc.bias"]
    return t, statistics


def network_forward(inputs, parameters):
    p = {name: jnp.asarray(value) for name, value in inputs.items()}
    return jax.jit(_forward, static_argnums=2)(p.pop("image"), p, parameters["batch_norm"] == "batch")[0]


def sgd_training(inputs, parameters):
    p = {name: jnp.asarray(value) for name, value in inputs.items()
         if name not in ("images", "labels") and name[:2] != "z."}
    learned = [name for name in p if "running" not in name]
    on_chip = [name for name in learned if p[name].ndim > 1 or name == "fc.bias"]
    watched = parameters["watched"].split()
    velocity, out = {name: jnp.zeros_like(p[name]) for name in learned}, {}

    def layer(name):  # the bias of the linear layer shares its crossbar (I-1)
        return [p["fc.weight"], p["fc.bias"]] if name.startswith("fc.") else [p[name]]

    @jax.jit
    def loss_of(weights, images, labels, back):
        tensors, statistics = _forward(images, weights, True, back)
        return _loss(tensors["fc"], labels, parameters["smoothing"]), statistics

    for step, (images, labels) in enumerate(zip(inputs["images"], inputs["labels"])):
        used = {name: p[name] for name in learned}
        for name in on_chip if parameters["eta"] else ():
            w_max = max(jnp.abs(w).max() for w in layer(name))
            used[name] = used[name] + parameters["eta"] * w_max * jnp.asarray(inputs[f"z.{step}.{name}"])
        back = {name: p[name] for name in on_chip} if parameters["backward"] == "clean" else None
        (loss, statistics), gradients = jax.value_and_grad(loss_of, has_aux=True)(used, images, labels, back)
        out[f"loss.{step}"] = loss
        out.update({f"gradient.{step}.{name}": gradients[name] for name in watched if name in gradients})
        for name in learned:
            p[name], velocity[name] = _stepped(p[name], gradients[name], velocity[name], parameters,
                                               parameters["rule"] == "nesterov")
        for name, (mean, var) in statistics.items():
            p[f"{name}.running_mean"] = 0.9 * p[f"{name}.running_mean"] + 0.1 * mean
            p[f"{name}.running_var"] = 0.9 * p[f"{name}.running_var"] + 0.1 * var
        if parameters["alpha"]:
            bounds = {name: parameters["alpha"] * jnp.concatenate([w.ravel() for w in layer(name)]).std()
                      for name in on_chip}
            p.update({name: jnp.clip(p[name], -bound, bound) for name, bound in bounds.items()})
        out.update({f"updated.{step}.{name}": p[name] for name in watched})
    return {**out, **{f"after.{name}": value for name, value in p.items()}}
