"""Programming and reading of whole matrices in one pass: the Numba form of programming, drift and read_noise.

The same operations in the same order as those modules, in float64, so the same bits; results are rounded to the
arrays' precision last. A chunk of pairs goes through all stages with its random numbers while it is in the cache, and
every device is computed by itself: the result is independent of chunks and threads. Device d of n = R K pairs is
G+ of weight d below n and G- of weight d - n from there on.

Of a pair, one device at most has a target above 0. Curves are therefore evaluated once a pair, and once for g = 0.
"""

import numpy as np

from refpcm.fast import device_equations as device
from refpcm.fast.compilation import kernel
from refpcm.fast.curve import fill_curve, fill_log, fill_value, uses_log
from refpcm.fast.random import chunk_normals, chunk_uniforms
from refpcm.fast.threads import run_tasks
from refpcm.spec.random import Purpose

CHUNK = 1024  # pairs
PROGRAMMING, DRIFT, READ = int(Purpose.PROGRAMMING), int(Purpose.DRIFT_EXPONENT), int(Purpose.READ_NOISE)
SELECTION, CONDUCTANCE = int(Purpose.STUCK_SELECTION), int(Purpose.STUCK_CONDUCTANCE)


def run_layers(kernel, layers):
    """kernel(first chunk, end, *arguments) over the chunks of many layers at once: one handing out to threads for all.

    layers: a list of (pairs, arguments).
    """
    ends = np.cumsum([-(-pairs // CHUNK) for pairs, _ in layers]).tolist()

    def part(start, stop):
        first = 0
        for end, (_, arguments) in zip(ends, layers):
            if start < end and first < stop:
                kernel(max(start, first) - first, min(stop, end) - first, *arguments)
            first = end
    if layers:
        run_tasks(part, ends[-1])


@kernel
def _at_zero(curve):
    """The encoded curve at g = 0."""
    g, log_g, out = np.zeros(1), np.empty(1), np.empty(1)
    fill_value(curve, g, log_g, out)
    return out[0]


@kernel
def fill_programmed(first, end, weights, w_max, address, curves, g_max_us, reset_is_zero, stuck_fraction, g_target,
                    g_prog, nu):
    """Chunks first .. end - 1 of weights (n,) -> g_target [uS], g_prog [uS], nu, all (2 n,).

    address: seed, chip, layer; curves: encoded programming_us, nu_mean, nu_sigma.
    """
    buffer = np.empty((8, CHUNK))
    idle = _at_zero(curves[0]), _at_zero(curves[1]), _at_zero(curves[2])
    logs = uses_log(curves[0]) or uses_log(curves[1]) or uses_log(curves[2])
    for chunk in range(first, end):
        a, b = chunk * CHUNK, min((chunk + 1) * CHUNK, weights.size)
        _program_chunk(weights[a:b], a, weights.size, w_max, address, curves, idle, logs, g_max_us, reset_is_zero,
                       stuck_fraction, buffer, g_target, g_prog, nu)


@kernel
def _program_chunk(weights, begin, pairs, w_max, address, curves, idle, logs, g_max_us, reset_is_zero, stuck_fraction,
                   buffer, g_target, g_prog, nu):
    seed, chip, layer = address
    n = weights.size
    target, g, log_g, sigma = buffer[0][:n], buffer[1][:n], buffer[2][:n], buffer[3][:n]
    mean, spread, z, u = buffer[4][:n], buffer[5][:n], buffer[6][:n], buffer[7][:n]
    for i in range(n):  # of the device that is not idle
        target[i] = device.target_at(weights[i], w_max, g_max_us)
        g[i] = target[i] / g_max_us
    if logs:
        fill_log(g, log_g)
    fill_curve(curves[0], g, log_g, sigma)
    fill_curve(curves[1], g, log_g, mean)
    fill_curve(curves[2], g, log_g, spread)
    for polarity in range(2):
        sign, start = 1.0 - 2.0 * polarity, polarity * pairs + begin
        targets, programmed, exponents = g_target[start:start + n], g_prog[start:start + n], nu[start:start + n]
        chunk_normals(seed, chip, PROGRAMMING, layer, 0, start, z)
        for i in range(n):
            active = sign * weights[i] > 0.0
            t, s = target[i] if active else 0.0, sigma[i] if active else idle[0]
            targets[i] = t
            programmed[i] = device.programmed_at(t, device.sigma_at(s), z[i], reset_is_zero)
        if stuck_fraction > 0.0:
            chunk_uniforms(seed, chip, SELECTION, layer, 0, start, z)
            chunk_uniforms(seed, chip, CONDUCTANCE, layer, 0, start, u)
            for i in range(n):
                programmed[i] = device.stuck_at(programmed[i], z[i], u[i], stuck_fraction, g_max_us)
        chunk_normals(seed, chip, DRIFT, layer, 0, start, z)
        for i in range(n):
            active = sign * weights[i] > 0.0
            m, s = mean[i] if active else idle[1], spread[i] if active else idle[2]
            exponents[i] = device.exponent_at(m, s, z[i])


@kernel
def fill_conductances(first, end, crossbar, address, moment, curve, g_max_us, from_target, net, out):
    """Chunks first .. end - 1 of a read: conductances out (2 n,) [uS].

    crossbar: g_target, g_prog, nu, all (2 n,); address: seed, chip, layer, draw, first element of the random numbers;
    moment: ln(t / t0), read_noise.accumulation(t); curve: encoded read_noise, taken at the targets if from_target
    (I-7); net: whether pairs are collapsed to their net conductance and split again (I-8), and the largest net [uS].
    """
    n, zero, buffer, states = out.size // 2, _at_zero(curve), np.empty((6, CHUNK)), np.empty((2, CHUNK), out.dtype)
    for chunk in range(first, end):
        a, b = chunk * CHUNK, min((chunk + 1) * CHUNK, n)
        _read_chunk(a, b, crossbar, address, moment, curve, zero, g_max_us, from_target, net, buffer, states,
                    out[a:b], out[n + a:n + b])


@kernel
def fill_weights(first, end, crossbar, address, moment, curve, g_max_us, from_target, net, scales, out):
    """As `fill_conductances`, but effective weights out (n,) = (G+ - G-) scales[0] scales[1], of the same precision."""
    n, zero, buffer, states = out.size, _at_zero(curve), np.empty((6, CHUNK)), np.empty((4, CHUNK), out.dtype)
    for chunk in range(first, end):
        a, b = chunk * CHUNK, min((chunk + 1) * CHUNK, n)
        plus, minus, weights = states[2][:b - a], states[3][:b - a], out[a:b]
        _read_chunk(a, b, crossbar, address, moment, curve, zero, g_max_us, from_target, net, buffer, states,
                    plus, minus)
        for i in range(b - a):
            weights[i] = device.weight_at(plus[i], minus[i], scales)


@kernel
def _read_chunk(a, b, crossbar, address, moment, curve, zero, g_max_us, from_target, net, buffer, states, plus,
                minus):
    """Pairs a .. b - 1 -> plus, minus (b - a,) [uS]."""
    seed, chip, layer, draw, start = address
    g_target, g_prog, nu = crossbar
    n, pairs = b - a, nu.size // 2
    prog_plus, prog_minus = g_prog[a:b], g_prog[pairs + a:pairs + b]
    if net[0]:
        _collapse(prog_plus, prog_minus, net[1], g_max_us, states[0][:n], states[1][:n])
        prog_plus, prog_minus = states[0][:n], states[1][:n]
    q_plus, q_minus, z = buffer[0][:n], buffer[1][:n], buffer[2][:n]
    if from_target:
        _fill_pairs(curve, g_target[a:b], g_target[pairs + a:pairs + b], g_max_us, zero, buffer, q_plus, q_minus)
    else:
        _fill_pairs(curve, prog_plus, prog_minus, g_max_us, zero, buffer, q_plus, q_minus)
    chunk_normals(seed, chip, READ, layer, draw, start + np.uint64(a), z)
    _read_devices(prog_plus, nu[a:b], q_plus, z, moment, plus)
    chunk_normals(seed, chip, READ, layer, draw, start + np.uint64(pairs + a), z)
    _read_devices(prog_minus, nu[pairs + a:pairs + b], q_minus, z, moment, minus)


@kernel
def _collapse(plus, minus, largest_us, g_max_us, new_plus, new_minus):
    """The net conductance of each pair, split again and stretched to G_max, rounded to the state's precision."""
    for i in range(plus.size):
        net = np.float64(plus[i]) - np.float64(minus[i])
        new_plus[i], new_minus[i] = device.split_at(net, largest_us, g_max_us)


@kernel
def _fill_pairs(curve, plus_us, minus_us, g_max_us, zero, buffer, q_plus, q_minus):
    """The curve at both conductances of each pair; evaluated once a pair where one of each is 0."""
    n, both = plus_us.size, 0
    g, log_g, value = buffer[3][:n], buffer[4][:n], buffer[5][:n]
    for i in range(n):
        both += min(plus_us[i], minus_us[i]) > 0.0
        g[i] = np.float64(max(plus_us[i], minus_us[i])) / g_max_us
    if both == 0:
        fill_value(curve, g, log_g, value)
        for i in range(n):
            q_plus[i] = value[i] if plus_us[i] > 0.0 else zero
            q_minus[i] = value[i] if minus_us[i] > 0.0 else zero
        return
    for i in range(n):
        g[i] = np.float64(plus_us[i]) / g_max_us
    fill_value(curve, g, log_g, q_plus)
    for i in range(n):
        g[i] = np.float64(minus_us[i]) / g_max_us
    fill_value(curve, g, log_g, q_minus)


@kernel
def _read_devices(g_prog, nu, q, z, moment, out):
    log_time, growth = moment
    for i in range(out.size):
        out[i] = device.read_at(device.drifted_at(g_prog[i], nu[i], log_time), q[i], growth, z[i])
