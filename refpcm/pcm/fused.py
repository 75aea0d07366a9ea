"""Programming and reading of a whole matrix in one pass: the Numba form of programming, drift and read_noise.

The same operations in the same order as those modules, in float64, so the same bits; results are rounded to the
arrays' precision last. A thread takes a chunk of devices through all stages with their random numbers, and every
device is computed by itself: neither chunks nor threads have a say in the result. Device d of n = R K pairs is G+ of
weight d below n and G- of weight d - n from there on.
"""

import numpy as np
from numba import prange

from refpcm.elementary import exp_at
from refpcm.exact import exact_kernel
from refpcm.pcm.curve import fill_curve
from refpcm.rng import Purpose
from refpcm.rng_numba import chunk_normals, chunk_uniforms

CHUNK = 2048
PROGRAMMING, DRIFT, READ = int(Purpose.PROGRAMMING), int(Purpose.DRIFT_EXPONENT), int(Purpose.READ_NOISE)
SELECTION, CONDUCTANCE = int(Purpose.STUCK_SELECTION), int(Purpose.STUCK_CONDUCTANCE)


@exact_kernel()
def _program_chunk(target, first, address, curves, g_max_us, reset_is_zero, stuck_fraction, g_target, g_prog, nu):
    """Devices first .. first + n - 1: target (n,) float64 -> g_target, g_prog, nu (n,)."""
    seed, chip, layer = address
    n = target.size
    g, z, sigma, mean = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        g_target[i] = target[i]
        g[i] = target[i] / g_max_us
    fill_curve(curves[0], g, sigma)
    chunk_normals(seed, chip, PROGRAMMING, layer, 0, first, z)
    for i in range(n):
        value = max(target[i] + max(sigma[i], 0.0) * z[i], 0.0)
        g_prog[i] = 0.0 if reset_is_zero and target[i] == 0.0 else value
    if stuck_fraction > 0.0:
        chunk_uniforms(seed, chip, SELECTION, layer, 0, first, z)
        chunk_uniforms(seed, chip, CONDUCTANCE, layer, 0, first, sigma)
        for i in range(n):
            if z[i] < stuck_fraction:
                g_prog[i] = sigma[i] * g_max_us
    fill_curve(curves[1], g, mean)
    fill_curve(curves[2], g, sigma)
    chunk_normals(seed, chip, DRIFT, layer, 0, first, z)
    for i in range(n):
        nu[i] = abs(mean[i] + sigma[i] * z[i])


@exact_kernel(parallel=True)
def fill_programmed(weights, w_max, address, curves, g_max_us, reset_is_zero, stuck_fraction, g_target, g_prog, nu):
    """weights (n,) -> g_target [uS], g_prog [uS], nu, all (2 n,). curves: encoded programming_us, nu_mean, nu_sigma."""
    n = weights.size
    chunks = (n + CHUNK - 1) // CHUNK
    for c in prange(2 * chunks):
        polarity, begin = c // chunks, c % chunks * CHUNK
        end = min(begin + CHUNK, n)
        target = np.zeros(end - begin)
        if w_max > 0.0:
            for i in range(end - begin):
                w = np.float64(weights[begin + i])
                target[i] = max(-w if polarity else w, 0.0) / w_max * g_max_us
        a, b = polarity * n + begin, polarity * n + end
        _program_chunk(target, a, address, curves, g_max_us, reset_is_zero, stuck_fraction,
                       g_target[a:b], g_prog[a:b], nu[a:b])


@exact_kernel()
def _read_chunk(g_curve, g_prog, nu, start, address, draw, curve, g_max_us, log_time, growth, out):
    seed, chip, layer = address
    n = out.size
    g, q, z = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        g[i] = np.float64(g_curve[i]) / g_max_us
    fill_curve(curve, g, q)
    chunk_normals(seed, chip, READ, layer, draw, start, z)
    for i in range(n):
        drifted = np.float64(g_prog[i]) * exp_at(-np.float64(nu[i]) * log_time)
        out[i] = max(drifted + drifted * (q[i] * growth) * z[i], 0.0)


@exact_kernel(parallel=True)
def fill_read(g_curve, g_prog, nu, start, address, draw, curve, g_max_us, log_time, growth, out):
    """Conductances out (m,) [uS] of a read; g_curve (m,) [uS] is where Q_s is taken (I-7), start the first address.

    log_time = ln(t / t0); growth = read_noise.accumulation(t).
    """
    m = out.size
    for c in prange((m + CHUNK - 1) // CHUNK):
        a, b = c * CHUNK, min((c + 1) * CHUNK, m)
        _read_chunk(g_curve[a:b], g_prog[a:b], nu[a:b], start + np.uint64(a), address, draw, curve, g_max_us, log_time,
                    growth, out[a:b])
