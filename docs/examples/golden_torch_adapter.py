"""Levels L1 (device equations), L2, L4 and L5 of the golden kit in plain PyTorch with autograd, without refpcm.

    cd docs/examples && python -m refpcm.golden check --adapter golden_torch_adapter --level 1 2 4 5
"""

import torch
import torch.nn.functional as F


def _tensors(inputs, *names):
    """The named inputs as tensors that collect gradients."""
    return [torch.tensor(inputs[name], requires_grad=inputs[name].dtype.kind == "f") for name in names]


def _with_gradients(out, inputs, wanted):
    """{"out": ..., "dx": ...}: the backward pass from inputs["dout"]."""
    gradients = torch.autograd.grad(out, list(wanted.values()), torch.tensor(inputs["dout"]))
    return {"out": out.detach().numpy(), **{name: g.numpy() for name, g in zip(wanted, gradients)}}


# --- L1: devices, by the constants of joshi2020 or by those that the case gives

JOSHI2020 = {"g_max_us": 25.0, "t0_s": 20.0, "t_read_s": 250e-9, "sigma_c0_us": 0.26348, "sigma_c1_us": 1.9650,
             "sigma_c2_us": -1.1731, "sigma_c3_us": 0.0, "nu_mean_slope": -0.0155, "nu_mean_offset": 0.0244,
             "nu_mean_low": 0.049, "nu_mean_high": 0.1, "nu_sigma_slope": -0.0125, "nu_sigma_offset": -0.0059,
             "nu_sigma_low": 0.008, "nu_sigma_high": 0.045, "q_factor": 0.0088, "q_exponent": -0.65, "q_high": 0.2}
SMALLEST_G = 1e-7  # G / G_max below it counts as this in logarithm and power


def _device(parameters):
    if parameters["device"] not in ("joshi2020", "constants"):
        raise NotImplementedError
    return JOSHI2020 if parameters["device"] == "joshi2020" else parameters


def _sigma_us(g_target_us, d):
    g = g_target_us / d["g_max_us"]
    return sum(d[f"sigma_c{power}_us"] * g ** power for power in range(4)).clamp(min=0)


def _relative_noise(g_us, d):
    return (d["q_factor"] * (g_us / d["g_max_us"]).clamp(min=SMALLEST_G) ** d["q_exponent"]).clamp(max=d["q_high"])


def programming_sigma(inputs, parameters):
    return {"sigma_us": _sigma_us(torch.tensor(inputs["g_target_us"]), _device(parameters)).numpy()}


def relative_read_noise(inputs, parameters):
    return {"q_s": _relative_noise(torch.tensor(inputs["g_us"]), _device(parameters)).numpy()}


def drift_exponents(inputs, parameters):
    d = _device(parameters)
    g, z = (torch.tensor(inputs[name]) for name in ("g_target_us", "z"))
    log = torch.log(torch.clamp(g / d["g_max_us"], min=SMALLEST_G))
    mean, sigma = ((d[f"nu_{of}_slope"] * log + d[f"nu_{of}_offset"]).clamp(d[f"nu_{of}_low"], d[f"nu_{of}_high"])
                   for of in ("mean", "sigma"))
    return {"nu": (mean + sigma * z).abs().numpy()}


def programmed(inputs, parameters):
    target, z = (torch.tensor(inputs[name]) for name in ("g_target_us", "z"))
    noisy = (target + _sigma_us(target, _device(parameters)) * z).clamp(min=0)
    return {"g_prog_us": (noisy if parameters["reset_device"] == "programmed" else noisy * (target != 0)).numpy()}


def stuck_devices(inputs, parameters):
    g, selection, conductance = (torch.tensor(inputs[n]) for n in ("g_prog_us", "u_selection", "u_conductance"))
    stuck = conductance * _device(parameters)["g_max_us"]
    return {"g_prog_us": torch.where(selection < parameters["stuck_fraction"], stuck, g).numpy()}


def drifted(inputs, parameters):
    g_prog_us, nu = torch.tensor(inputs["g_prog_us"]), torch.tensor(inputs["nu"])
    return {"g_drift_us": (g_prog_us * (parameters["t_s"] / _device(parameters)["t0_s"]) ** -nu).numpy()}


def read(inputs, parameters):
    d = _device(parameters)
    at = torch.tensor(inputs["g_target_us" if parameters["read_noise_from"] == "target" else "g_prog_us"])
    t_read_s = d["t_read_s"]
    growth = torch.tensor((parameters["t_s"] + t_read_s) / (2 * t_read_s), dtype=torch.float64).log().sqrt()
    drifted_us = torch.tensor(inputs["g_drift_us"])
    noisy = drifted_us + drifted_us * _relative_noise(at, d) * growth * torch.tensor(inputs["z"])
    return {"g_us": noisy.clamp(min=0).numpy()}


def weight_noise(inputs, parameters):
    w, z = (torch.tensor(inputs[name]) for name in ("weights", "z"))
    return {"noisy": (w + parameters["eta"] * w.abs().max() * z).numpy()}


def clipped_weights(inputs, parameters):
    w = torch.tensor(inputs["weights"])
    bound = parameters["alpha"] * float(w.double().std(correction=0))
    return {"clipped": w.clamp(-bound, bound).numpy()}


# --- L2: layers

def conv2d(inputs, parameters):
    x, w = _tensors(inputs, "x", "w")
    out = F.conv2d(x, w, stride=parameters["stride"], padding=parameters["padding"])
    return _with_gradients(out, inputs, {"dx": x, "dw": w})


def linear(inputs, parameters):
    x, w, bias = _tensors(inputs, "x", "w", "bias")
    return _with_gradients(F.linear(x, w, bias), inputs, {"dx": x, "dw": w, "dbias": bias})


def relu(inputs, parameters):
    x, = _tensors(inputs, "x")
    return _with_gradients(F.relu(x), inputs, {"dx": x})


def batch_norm_training(inputs, parameters):
    x, gamma, beta = _tensors(inputs, "x", "gamma", "beta")
    mean, var = torch.zeros(len(gamma), dtype=x.dtype), torch.zeros(len(gamma), dtype=x.dtype)
    out = F.batch_norm(x, mean, var, gamma, beta, training=True, momentum=1.0, eps=1e-5)
    found = _with_gradients(out, inputs, {"dx": x, "dgamma": gamma, "dbeta": beta})
    return {**found, "mean": mean.numpy(), "var_unbiased": var.numpy()}


def batch_norm_inference(inputs, parameters):
    x, gamma, beta, mean, var = (torch.tensor(inputs[n]) for n in ("x", "gamma", "beta", "running_mean", "running_var"))
    return {"out": F.batch_norm(x, mean, var, gamma, beta, eps=1e-5).numpy()}


def max_pool(inputs, parameters):
    x, = _tensors(inputs, "x")
    out = F.max_pool2d(x, parameters["kernel"], parameters["stride"], parameters["padding"])
    return _with_gradients(out, inputs, {"dx": x})


def average_pool(inputs, parameters):
    x, = _tensors(inputs, "x")
    return _with_gradients(F.avg_pool2d(x, parameters["kernel"], parameters["stride"]), inputs, {"dx": x})


def global_average_pool(inputs, parameters):
    x, = _tensors(inputs, "x")
    return _with_gradients(x.mean((2, 3)), inputs, {"dx": x})


def cross_entropy(inputs, parameters):
    logits, labels = _tensors(inputs, "logits", "labels")
    loss = F.cross_entropy(logits, labels, label_smoothing=parameters["smoothing"])
    return {"loss": loss.detach().numpy(), "dlogits": torch.autograd.grad(loss, logits)[0].numpy()}


# --- L4, L5: networks of basic blocks, their shape read from the names of the parameters

def _forward(image, p, batch_statistics, running=None, back=None):
    """Every tensor by name; `running`: where new running statistics go (momentum 0.1).

    back: weights for the way back, where it has others than p (I-2). Their product adds 0, and its gradient is x's.
    """
    t = {}

    def product(multiply, name, x):
        if back is None:
            return multiply(x, p[name])
        other = multiply(x, back[name])
        return multiply(x.detach(), p[name]) + (other - other.detach())

    def conv(name, x, stride):
        t[name] = product(lambda x, w: F.conv2d(x, w, stride=stride, padding=w.shape[2] // 2), f"{name}.weight", x)
        return t[name]

    def norm(name, x):
        mean, var = p[f"{name}.running_mean"].clone(), p[f"{name}.running_var"].clone()
        t[name] = F.batch_norm(x, mean, var, p[f"{name}.weight"], p[f"{name}.bias"], batch_statistics, 0.1, 1e-5)
        if running is not None:
            running[f"{name}.running_mean"], running[f"{name}.running_var"] = mean, var
        return t[name]

    imagenet = p["conv1.weight"].shape[2] == 7
    t["relu"] = x = norm("bn1", conv("conv1", image, 2 if imagenet else 1)).relu()
    if imagenet:
        t["maxpool"] = x = F.max_pool2d(x, 3, 2, 1)
    for stage in range(1, 5):
        block = 0
        while f"layer{stage}.{block}.conv1.weight" in p:
            at, stride = f"layer{stage}.{block}.", 2 if stage > 1 and block == 0 else 1
            t[at + "relu1"] = inner = norm(at + "bn1", conv(at + "conv1", x, stride)).relu()
            inner = norm(at + "bn2", conv(at + "conv2", inner, 1))
            if f"{at}downsample.0.weight" in p:
                x = norm(at + "downsample.1", conv(at + "downsample.0", x, stride))
            t[at + "add"] = inner + x
            t[at + "relu2"] = x = t[at + "add"].relu()
            block += 1
    t["avgpool"] = x.mean((2, 3))
    t["fc"] = product(F.linear, "fc.weight", t["avgpool"]) + p["fc.bias"]
    return t


def network_forward(inputs, parameters):
    p = {name: torch.tensor(value) for name, value in inputs.items()}
    tensors = _forward(p.pop("image"), p, parameters["batch_norm"] == "batch")
    return {name: value.numpy() for name, value in tensors.items()}


def sgd_training(inputs, parameters):
    p = {name: torch.tensor(value) for name, value in inputs.items()
         if name not in ("images", "labels") and name[:2] != "z."}
    learned = [name for name in p if "running" not in name]
    on_chip = [name for name in learned if p[name].ndim > 1 or name == "fc.bias"]
    watched = parameters["watched"].split()
    velocity, out = {name: torch.zeros_like(p[name]) for name in learned}, {}

    def layer(name):  # the bias of the linear layer shares its crossbar (I-1)
        return [p["fc.weight"], p["fc.bias"]] if name.startswith("fc.") else [p[name]]
    for step, (images, labels) in enumerate(zip(inputs["images"], inputs["labels"])):
        used = {name: p[name].clone() for name in p}
        for name in on_chip if parameters["eta"] else ():
            w_max = max(w.abs().max() for w in layer(name))
            used[name] += parameters["eta"] * w_max * torch.tensor(inputs[f"z.{step}.{name}"])
        back = dict(p) if parameters["backward"] == "clean" else None
        for name in learned:
            used[name].requires_grad_()
        logits = _forward(torch.tensor(images), used, True, running=p, back=back)["fc"]
        loss = F.cross_entropy(logits, torch.tensor(labels), label_smoothing=parameters["smoothing"])
        gradients = dict(zip(learned, torch.autograd.grad(loss, [used[name] for name in learned])))
        out[f"loss.{step}"] = loss.detach().numpy()
        out.update({f"gradient.{step}.{name}": gradients[name].numpy() for name in watched if name in gradients})
        for name, gradient in gradients.items():
            d = gradient + parameters["weight_decay"] * p[name]
            velocity[name] = parameters["momentum"] * velocity[name] + d
            ahead = d + parameters["momentum"] * velocity[name]
            p[name] = p[name] - parameters["lr"] * (ahead if parameters["rule"] == "nesterov" else velocity[name])
        if parameters["alpha"]:
            whole = {name: torch.cat([w.flatten() for w in layer(name)]).double() for name in on_chip}
            bounds = {name: parameters["alpha"] * w.std(correction=0).item() for name, w in whole.items()}
            p.update({name: p[name].clamp(-bound, bound) for name, bound in bounds.items()})
        out.update({f"updated.{step}.{name}": p[name].numpy() for name in watched})
    return {**out, **{f"after.{name}": value.numpy() for name, value in p.items()}}
