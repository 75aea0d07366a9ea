"""Deliberate mistakes in the reference: proof that the kit finds them.

A mutant replaces one function (or wraps one operation) while cases are asked; it is killed by a level where at least one
case fails. Replacements are written from the mistake, not from the case that finds it.
"""

from contextlib import ExitStack
from unittest.mock import patch

import numpy as np

from refpcm import nn, rng
from refpcm.compensation import adabs, global_drift
from refpcm.golden import reference, runner
from refpcm.golden.reference import chosen, sampling
from refpcm.pcm import converters, device as devices, drift, mapping, programming, read_noise, tile
from refpcm.training import clipping, sgd, weight_noise

FAST = (0, 1, 2, 3, 5, 6)  # levels that the matrix asks


def _inputs(operation, change):
    """The operation with changed inputs or parameters: change(inputs, parameters) works in place."""
    original = getattr(reference, operation)

    def mutated(inputs, parameters):
        inputs, parameters = dict(inputs), dict(parameters)
        change(inputs, parameters)
        return original(inputs, parameters)
    return [(reference, operation, mutated)]


def _outputs(operation, name, change):
    """The operation with one output changed: change(value) -> value."""
    original = getattr(reference, operation)

    def mutated(inputs, parameters):
        found = original(inputs, parameters)
        return {**found, name: change(found[name])}
    return [(reference, operation, mutated)]


def _swap(place, name, function):
    return [(place, name, function)]


def _curve(name, change):
    """joshi2020 with one curve's values changed."""
    original = devices.curve_value
    own = getattr(devices.JOSHI2020, name)

    def value(curve, g):
        return change(original(curve, g), g) if curve is own else original(curve, g)
    return [(place, "curve_value", value) for place in (programming, drift, read_noise)]


def _shifted(inputs, parameters):
    parameters["start"] += 1


def _set(name, value):
    def change(inputs, parameters):
        parameters[name] = value
    return change


def _exchange(first, second):
    def change(inputs, parameters):
        parameters[first], parameters[second] = parameters[second], parameters[first]
    return change


def _g(g):
    return np.maximum(g, 1e-7)


def _biased(x, gamma, beta, original=nn.batch_norm_training):
    out, (mean, var), cache = original(x, gamma, beta)
    n = x.size // x.shape[1]
    return out, (mean, var * (n - 1) / n), cache


def _constant_statistics(dout, gamma, cache, original=nn.batch_norm_backward):
    _, dgamma, dbeta = original(dout, gamma, cache)
    return (dout * (gamma * cache[1])[None, :, None, None]).astype(dout.dtype), dgamma, dbeta


def _half_away(x, converter, full_scale):
    steps = np.asarray(x, np.float64) / full_scale * converter.levels
    return np.clip(np.trunc(steps + np.copysign(0.5, steps)), -converter.levels, converter.levels).astype(np.int32)


def _codes(rounding, lowest=0, levels=lambda n: n):
    def codes(x, converter, full_scale):
        steps = rounding(np.asarray(x, np.float64) / full_scale * levels(converter.levels))
        return np.clip(steps, -converter.levels - lowest, converter.levels).astype(np.int32)
    return codes


def _no_saturation(x, converter, full_scale):
    return np.rint(np.asarray(x, np.float64) / full_scale * converter.levels).astype(np.int32)


def _uneven_parts(size, limit):
    limit = limit or size
    return [(begin, min(begin + limit, size)) for begin in range(0, size, limit)]


def _loss_sum(logits, labels, smoothing=0.0, original=nn.cross_entropy):
    loss, dlogits = original(logits, labels, smoothing)
    return loss * len(logits), dlogits * len(logits)


def _other_classes(logits, labels, smoothing=0.0, original=nn.cross_entropy):
    return original(logits, labels, smoothing * logits.shape[1] / (logits.shape[1] - 1))


def _old_velocity(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
    d = gradient + weight_decay * w
    w -= (lr * (d + momentum * velocity)).astype(w.dtype)
    velocity[...] = momentum * velocity + d


def _damped(w, gradient, velocity, lr, momentum, nesterov, weight_decay):
    d = gradient + weight_decay * w
    velocity[...] = momentum * velocity + (1 - momentum) * d
    w -= (lr * (d + momentum * velocity if nesterov else velocity)).astype(w.dtype)


def _ties_to_all(dout, argmax, shape, kernel, stride, padding):
    return nn.max_pool_backward(dout, np.full_like(argmax, kernel * kernel // 2), shape, kernel, stride, padding)


def _zero_padded(x, kernel, stride, padding, original=nn.max_pool_forward):
    out, argmax = original(np.maximum(x, -1e30), kernel, stride, padding)
    edge = np.zeros(out.shape[2:], bool)
    edge[0], edge[:, 0] = True, True
    return np.where(edge, np.maximum(out, 0), out), argmax


def _read(growth=None, sigma_of=None):
    def read_us(g_drift_us, q_s, z, t_s, device):
        g = read_noise.accumulation(t_s, device) if growth is None else growth(t_s, device)
        return np.maximum(g_drift_us + (device.g_max_us if sigma_of == "g_max" else g_drift_us) * q_s * g * z, 0.0)
    return _swap(read_noise, "read_us", read_us)


def _always(name, value):
    """One interpretation used everywhere, whatever the case asks for."""
    original = chosen.device

    def device(parameters):
        return original({**parameters, name: value})
    return _swap(chosen, "device", device)


def mutants():
    """[(name, what is wrong, [(module, attribute, replacement), ...])]."""
    found = [
        ("counter-off-by-one", "random numbers start one element late", _inputs("random_words", _shifted)),
        ("normals-off-by-one", "normals start one element late", _inputs("random_normals", _shifted)),
        ("seed-chip-exchanged", "key = (chip, seed)", _inputs("random_words", _exchange("seed", "chip"))),
        ("purpose-layer-exchanged", "counter word 3 = layer << 16 | purpose",
         _inputs("random_words", _exchange("purpose", "layer"))),
        ("start-32-bit", "high word of the counter dropped",
         _inputs("random_words", lambda i, p: p.update(start=p["start"] % 2 ** 34))),
        ("nine-rounds", "Philox with 9 rounds", _swap(rng, "ROUNDS", 9)),
        ("uniform-without-half", "u = word / 2^32", _outputs("random_uniforms", "uniforms", lambda u: u - 0.5 / 2 ** 32)),
        ("normal-sign", "quantile of 1 - u", _outputs("random_normals", "normals", np.negative)),
        ("normal-float32", "normals rounded to float32",
         _outputs("random_normals", "normals", lambda z: z.astype(np.float32).astype(np.float64))),
        ("keys-descending", "permutation in descending order of keys",
         _outputs("random_permutation", "permutation", lambda p: p[::-1].copy())),
        ("plus-minus-swapped", "G+ and G- swapped", _outputs("map_weights", "g_target_us", lambda g: g[::-1].copy())),
        ("max-for-max-abs", "W_max = max W", _swap(mapping, "largest_weight", lambda w: float(np.max(w)) or 1.0)),
        ("sum-for-difference", "W = (G+ + G-) W_max / G_max",
         _swap(mapping, "to_weights", lambda g, w_max, g_max: (g[0] + g[1]) * (w_max / g_max))),
        ("sigma-per-cent", "programming sigma in per cent of G_max", _curve("programming_us", lambda v, g: v / 100 * 25)),
        ("sigma-of-us", "polynomial at G_T in uS",
         _curve("programming_us", lambda v, g: 0.26348 + 1.9650 * 25 * g - 1.1731 * (25 * g) ** 2)),
        ("linear-sign", "quadratic term added", _curve("programming_us", lambda v, g: v + 2 * 1.1731 * g ** 2)),
        ("no-floor", "programmed conductance may be negative",
         _swap(programming, "programmed_us", lambda g, z, d: g + programming.programming_sigma_us(g, d) * z)),
        ("sigma-squared", "noise scaled by the variance",
         _swap(programming, "programmed_us",
               lambda g, z, d: np.maximum(g + programming.programming_sigma_us(g, d) ** 2 * z, 0))),
        ("idle-always-zero", "I-5 zero whatever is asked", _always("reset_device", "zero")),
        ("idle-always-programmed", "I-5 programmed whatever is asked", _always("reset_device", "programmed")),
        ("stuck-inverted", "healthy devices replaced",
         _inputs("stuck_devices", lambda i, p: i.update(u_selection=1 - i["u_selection"]))),
        ("log10-nu", "log10 for ln in the mean exponent",
         _curve("nu_mean", lambda v, g: np.clip(-0.0155 * np.log10(_g(g)) + 0.0244, 0.049, 0.1))),
        ("log10-nu-sigma", "log10 for ln in the exponent's sigma",
         _curve("nu_sigma", lambda v, g: np.clip(-0.0125 * np.log10(_g(g)) - 0.0059, 0.008, 0.045))),
        ("nu-not-clipped", "mean exponent not clipped", _curve("nu_mean", lambda v, g: -0.0155 * np.log(_g(g)) + 0.0244)),
        ("nu-without-abs", "missing absolute value",
         _swap(drift, "drift_exponents", lambda g, z, d: drift.curve_value(d.nu_mean, g / d.g_max_us)
               + drift.curve_value(d.nu_sigma, g / d.g_max_us) * z)),
        ("nu-floor", "max(nu, 0) for the absolute value",
         _swap(drift, "drift_exponents", lambda g, z, d: np.maximum(
             drift.curve_value(d.nu_mean, g / d.g_max_us) + drift.curve_value(d.nu_sigma, g / d.g_max_us) * z, 0))),
        ("t-without-t0", "t^(-nu)", _swap(drift, "drifted_us", lambda g, nu, t_s, d: g * t_s ** -nu)),
        ("t-plus-t0", "((t + t0) / t0)^(-nu)",
         _swap(drift, "drifted_us", lambda g, nu, t_s, d: g * ((t_s + d.t0_s) / d.t0_s) ** -nu)),
        ("drift-grows", "(t / t0)^(+nu)", _swap(drift, "drifted_us", lambda g, nu, t_s, d: g * (t_s / d.t0_s) ** nu)),
        ("q-without-limit", "Q_s not limited to 0.2", _curve("read_noise", lambda v, g: 0.0088 / _g(g) ** 0.65)),
        ("q-exponent", "Q_s = 0.0088 / g^0.5", _curve("read_noise", lambda v, g: np.minimum(0.0088 / _g(g) ** 0.5, 0.2))),
        ("read-always-target", "I-7 target whatever is asked", _always("read_noise_from", "target")),
        ("read-always-programmed", "I-7 programmed whatever is asked", _always("read_noise_from", "programmed")),
        ("read-without-root", "ln for sqrt(ln)",
         _read(lambda t_s, d: np.log((t_s + d.t_read_s) / (2 * d.t_read_s)))),
        ("read-without-two", "(t + t_read) / t_read", _read(lambda t_s, d: np.sqrt(np.log((t_s + d.t_read_s) / d.t_read_s)))),
        ("read-of-g-max", "sigma = G_max Q_s", _read(sigma_of="g_max")),
        ("read-noise-constant", "no growth with time", _read(lambda t_s, d: 5.9)),
        ("gdc-inverse", "alpha = readout(t0) / readout(t)",
         _swap(global_drift, "drift_factor", lambda now, then: np.divide(then, now, out=np.ones(4), where=(now * then) != 0))),
        ("gdc-multiplied", "output times alpha", _swap(global_drift, "compensated", lambda w, alpha: w * alpha)),
        ("readout-difference", "columns: G+ - G-",
         _inputs("gdc_readout", lambda i, p: i.update(g_us=i["g_us"] * np.array([1.0, -1.0])[:, None, None]))),
        ("readout-abs-inside", "ones: |W| before the sum over rows",
         _inputs("gdc_readout", lambda i, p: i.update(weights=np.abs(i["weights"])))),
        ("adabs-p-exchanged", "p and 1 - p exchanged",
         _swap(adabs, "updated", lambda s, b, p: (1 - p) * np.asarray(s) + p * np.asarray(b))),
        ("adabs-p-per-batch", "p = 0.015", _swap(adabs, "decay", lambda batches: 0.015)),
        ("eta-per-cent", "eta in per cent", _inputs("weight_noise", lambda i, p: p.update(eta=100 * p["eta"]))),
        ("noise-multiplicative", "noise proportional to the weight",
         _swap(weight_noise, "weight_noise", lambda w, w_max, eta, z: w + w.dtype.type(eta) * np.abs(w) * z)),
        ("noise-max-of-w", "W_max = max W in training",
         _swap(weight_noise, "weight_noise", lambda w, w_max, eta, z: w + w.dtype.type(eta * w.max()) * z)),
        ("clip-sample-sigma", "sample standard deviation (n - 1)",
         _swap(clipping, "clip_bound", lambda ws, alpha: alpha * float(np.std(np.concatenate([w.ravel() for w in ws]), ddof=1)))),
        ("clip-root-mean-square", "root mean square for sigma",
         _swap(clipping, "clip_bound", lambda ws, alpha: alpha * float(np.sqrt(np.mean(np.concatenate([w.ravel() for w in ws]) ** 2))))),
        ("kernel-flipped", "convolution for cross-correlation",
         _swap(nn, "conv2d_forward", lambda x, w, stride=1, padding=0, f=nn.conv2d_forward: f(x, w[:, :, ::-1, ::-1], stride, padding))),
        ("padding-shifted", "windows shifted by the padding",
         _inputs("conv2d", lambda i, p: i.update(x=np.roll(i["x"], -p["padding"], (2, 3))))),
        ("kernel-transposed", "rows and columns of the kernel exchanged",
         _swap(nn, "conv2d_forward", lambda x, w, stride=1, padding=0, f=nn.conv2d_forward: f(x, w.swapaxes(2, 3), stride, padding))),
        ("biased-statistics", "biased variance as running statistic", _swap(nn, "batch_norm_training", _biased)),
        ("constant-statistics", "batch norm's gradient with constant statistics",
         _swap(nn, "batch_norm_backward", _constant_statistics)),
        ("epsilon", "epsilon 1e-3", _swap(nn.batch_norm, "EPSILON", 1e-3)),
        ("running-momentum", "0.1 running + 0.9 batch",
         _swap(nn, "update_running", lambda r, b, momentum=0.1: (momentum * r + (1 - momentum) * b).astype(r.dtype))),
        ("relu-at-zero", "gradient 1 at 0", _swap(nn, "relu_backward", lambda dout, out: dout * (out >= 0))),
        ("max-pool-centre", "gradient to the middle of the window", _swap(nn, "max_pool_backward", _ties_to_all)),
        ("max-pool-zero-padding", "max pooling padded with 0", _swap(nn, "max_pool_forward", _zero_padded)),
        ("average-sum", "sum for mean in average pooling", _outputs("average_pool", "out", lambda out: out * 4)),
        ("shortcut-channels-after", "all new channels after the old ones",
         _outputs("pad_shortcut", "out", lambda out: np.roll(out, -2, 1))),
        ("loss-sum", "sum over images for mean", _swap(nn, "cross_entropy", _loss_sum)),
        ("smoothing-others", "smoothing / (M - 1)", _swap(nn, "cross_entropy", _other_classes)),
        ("bias-gradient-mean", "bias gradient averaged", _outputs("linear", "dbias", lambda d: d / 5)),
        ("nesterov-old-velocity", "Nesterov with the old velocity", _swap(sgd, "sgd_step", _old_velocity)),
        ("momentum-damped", "v <- m v + (1 - m) d", _swap(sgd, "sgd_step", _damped)),
        ("backward-noisy-for-clean", "backward with the noisy weights although clean is asked",
         _inputs("train_steps", _set("backward", "noisy"))),
        ("backward-clean-for-noisy", "backward with the clean weights although noisy is asked",
         _inputs("train_steps", _set("backward", "clean"))),
        ("noise-per-run", "the first step's noise in every step",
         _inputs("train_steps", lambda i, p: i.update({n: i["z.0." + n.split(".", 2)[2]] for n in i if n.startswith("z.")}))),
        ("no-clipping", "clipping left out", _inputs("train_steps", _set("alpha", 0.0))),
        ("half-away", "rounding half away from zero", _swap(converters, "codes", _half_away)),
        ("truncation", "codes truncated", _swap(converters, "codes", _codes(np.trunc))),
        ("half-up", "rounding half up", _swap(converters, "codes", _codes(lambda s: np.floor(s + 0.5)))),
        ("twos-complement", "a code -2^(bits-1)", _swap(converters, "codes", _codes(np.rint, lowest=1))),
        ("levels-power-of-two", "2^(bits-1) steps", _swap(converters, "codes", _codes(np.rint, levels=lambda n: n + 1))),
        ("no-saturation", "codes beyond the range", _swap(converters, "codes", _no_saturation)),
        ("uneven-parts", "row parts of 8, 8 and 4 instead of 7, 7 and 6", _swap(tile, "parts", _uneven_parts)),
        ("ranges-exchanged", "DAC and ADC ranges exchanged",
         _inputs("tile_product", _exchange("input_range", "output_range"))),
        ("output-noise-relative", "output noise not scaled by W_max", _inputs("tile_product", _set("w_max", 1.0))),
        ("samples-1.01", "sigma of every random number 1 % too large", _sampling(lambda z: 1.01 * z)),
        ("samples-shifted", "mean of the random numbers 0.02 instead of 0", _sampling(lambda z: z + 0.02)),
        ("samples-uniform", "uniform random numbers of the right mean and variance",
         _sampling(lambda z: np.sqrt(12) * (np.argsort(np.argsort(z)) / (len(z) - 1) - 0.5))),
        ("samples-repeated", "the same noise for all bins", _sampling(lambda z: np.full_like(z, z[0]))),
    ]
    names = [name for name, _, _ in found]
    assert len(set(names)) == len(names)
    return found


def _sampling(change):
    """The random numbers of the sampling operations, changed; those of level 0 are left alone."""
    original = sampling.sampled

    def sampled(equation, purpose, bins, parameters):
        return original(lambda v, z, device: equation(v, change(z.ravel()).reshape(z.shape), device), purpose, bins, parameters)
    return _swap(sampling, "sampled", sampled)


def killing_cases(replacements, cases):
    """Yields the ids of the cases that fail with the replacements in place, until the caller has seen enough."""
    with ExitStack() as stack:
        for place, name, replacement in replacements:
            stack.enter_context(patch.object(place, name, replacement))
        ask = runner.adapter_asker(reference.__name__)
        yield from (case.id for case in cases if runner.run_case(case, ask)[0] == "failed")


def matrix(cases):
    """[(name, what is wrong, {level: ids of killing cases})] of every mutant against cases of the levels FAST."""
    rows = []
    for name, what, replacements in mutants():
        levels = (6,) if name.startswith("samples") else (0, 1, 2, 3, 5)
        killed = list(killing_cases(replacements, [case for case in cases if case.level in levels]))
        rows.append((name, what, {level: [id for id in killed if id[1] == str(level)] for level in FAST}))
    return rows


def matrix_text(rows):
    """The matrix as a Markdown page."""
    killed = sum(any(kills.values()) for _, _, kills in rows)
    lines = ["# Mutants: mistakes the golden kit finds", "",
             f"{len(rows)} deliberate mistakes, {killed} found. A number is how many cases of a level fail; L4 and L7 are not "
             "asked here.", "Made by `python -m refpcm.golden mutants --markdown docs/golden-mutants.md`.", "",
             "| mutant | mistake | " + " | ".join(f"L{level}" for level in FAST) + " | first case |",
             "|---|---|" + "--:|" * len(FAST) + "---|"]
    for name, what, kills in rows:
        first = next((ids[0] for ids in kills.values() if ids), "**survived**")
        what = what.replace("|", "\\|")
        lines.append(f"| {name} | {what} | " + " | ".join(str(len(kills[level]) or "") for level in FAST) + f" | {first} |")
    return "\n".join(lines) + "\n"
