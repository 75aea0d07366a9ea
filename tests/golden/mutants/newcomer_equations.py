"""Mistakes in devices, compensation, weight noise and clipping: invented without knowledge of the cases.

Of PyTorch users, C++ and Verilog engineers, and physicists with MATLAB or Julia, when kit 2.1 was a draft. A comment says
which inputs show a mistake, where few do.
"""


import numpy as np

from refpcm.golden import reference
from refpcm.golden.reference import chip
from refpcm.spec.compensation import adabs
from refpcm.spec.pcm import drift, mapping, programming, read_noise
from refpcm.spec.training import clipping
from refpcm.spec.training import weight_noise as noise
from tests.golden.mutants.replacing import changed_inputs, replaced


def collapsed_not_stretched(inputs, parameters):
    net = inputs["g_us"][0] - inputs["g_us"][1]
    return {"g_us": np.stack([np.maximum(net, 0.0), np.maximum(-net, 0.0)])}


TO_CONDUCTANCES = mapping.to_conductances
CURVE_VALUE = programming.curve_value


def curve_in_table(curve, g):
    return CURVE_VALUE(curve, np.clip(np.rint(np.asarray(g, np.float64) * 255), 0, 255) / 255)


def curve_of_largest(curve, g):
    g = np.asarray(g, np.float64)
    largest = g.max(initial=0.0)
    return CURVE_VALUE(curve, g / largest if largest > 0 else g)


PROGRAMMED_US = programming.programmed_us


def programmed_skipping_idle(g_target_us, z, device):
    if device.reset_device == "zero":
        active = np.asarray(g_target_us) != 0
        drawn = np.zeros_like(z)
        drawn[active] = np.ravel(z)[:np.count_nonzero(active)]
        z = drawn
    return PROGRAMMED_US(g_target_us, z, device)


def exponents_abs_z(g_target_us, z, device):
    g = g_target_us / device.g_max_us
    return CURVE_VALUE(device.nu_mean, g) + CURVE_VALUE(device.nu_sigma, g) * np.abs(z)


def stuck_compacted(g_prog_us, u_selection, u_conductance, device):
    stuck, found = u_selection < device.stuck_fraction, np.array(g_prog_us)
    found[stuck] = np.ravel(u_conductance)[:np.count_nonzero(stuck)] * device.g_max_us
    return found


def interleaved(x):
    flat = x.reshape(-1, *x.shape[2:])
    return np.stack([flat[b::len(x)] for b in range(len(x))])


def interleave_inputs(inputs, parameters):
    inputs["x"] = interleaved(inputs["x"])


CALIBRATED = chip.calibrated
CLIP_BOUND = clipping.clip_bound


def bound_iterated(weights, alpha):
    bound = CLIP_BOUND(weights, alpha)
    for _ in range(4):
        bound = min(bound, CLIP_BOUND([np.clip(w, -bound, bound) for w in weights], alpha))
    return bound


WEIGHT_NOISE = noise.weight_noise


def noise_standardised(w, w_max, eta, z):
    deviation = z.std()
    return WEIGHT_NOISE(w, w_max, eta, ((z - z.mean()) / deviation).astype(z.dtype) if deviation > 0 else z)


MUTANTS = [
    # only where the largest net is not G_max already
    ("collapse-not-stretched", "the pair is collapsed to its net, which is not stretched to G_max",
     replaced(reference, "collapsed_pair", collapsed_not_stretched)),
    ("targets-in-nanosiemens", "targets are integers in nS",
     replaced(mapping, "to_conductances", lambda *a: np.rint(TO_CONDUCTANCES(*a) * 1000) / 1000)),
    ("curves-in-table", "all curves are tables of 256 entries, of which the nearest is taken",
     [(place, "curve_value", curve_in_table) for place in (programming, drift, read_noise)]),
    # only where the largest target of an array is not G_max (on a whole chip it always is, but not what was programmed, I-7)
    ("curves-over-largest", "curves are taken at g = G / max(G) of the array",
     [(place, "curve_value", curve_of_largest) for place in (programming, drift, read_noise)]),
    # only reset_device "zero", with an idle device before one that is not
    ("programmed-noise-skips-idle", "idle devices at zero consume no random number: those behind get the numbers of "
       "the ones before",
     replaced(programming, "programmed_us", programmed_skipping_idle)),
    ("nu-abs-of-z", "nu = mu + sigma |z|: the absolute value of the random number only",
     replaced(drift, "drift_exponents", exponents_abs_z)),
    # only 0 < stuck_fraction < 1
    ("stuck-takes-first-numbers", "g(stuck) = u(1:nnz(stuck)): the n stuck devices get the first n conductances",
     replaced(programming, "with_stuck_us", stuck_compacted)),
    # only more than one mini-batch
    ("adabs-integer-division", "p = 0.015^(1 / n) in integers: 1 / n = 0, nothing is adapted",
     replaced(adabs, "decay", lambda n: adabs.REST ** (1 // n))),
    # only more than one mini-batch
    ("adabs-batches-column-major", "images are cut into mini-batches in column-major order: b, b + n, b + 2 n, ...",
     changed_inputs("adabs_layer", interleave_inputs)
       + replaced(chip, "calibrated", lambda engine, weights, images: CALIBRATED(engine, weights, interleaved(images)))),
    ("clip-iterated", "sigma clipping as of outliers in data: five times, each with the sigma of what the time before left",
     replaced(clipping, "clip_bound", bound_iterated)),
    ("noise-standardised", "z is scaled to mean 0 and standard deviation 1 in every tensor, so that eta is exact",
     replaced(noise, "weight_noise", noise_standardised)),
]
