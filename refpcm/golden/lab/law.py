"""The same experiment, drawn from the equations of a device: same targets, times and numbers of reads."""

import numpy as np

from refpcm.fast.random import normals, uniforms
from refpcm.spec.pcm import drift, note2, programming, read_noise, transfer
from refpcm.spec.pcm.device import LARGEST_T_S
from refpcm.spec.random import Purpose

SEED = CHIP = 2 ** 32 - 1  # far from what people give their chips
MANY_TIMES, DIGITS = 1000, 4  # of more distinct times only so many digits count: nu times 5e-5 is below all noise


def sampled_us(m, law, layer=0, draw=0, seed=SEED):
    """Return conductances (n,) [uS] for the readings of Measurements; every device is a new one of this law.

    They are cut at 0 as measurements are (`refpcm.golden.lab.measurements.REMEDY`), also where the law is not.
    layer and draw tell samples apart. Reads at different times and repeated reads have independent read noise, as in
    `refpcm.read`. The pair's identity (I-8) does not matter: each device stands alone.
    """
    def numbers(purpose, count, distribution=normals):
        return distribution(seed, CHIP, purpose, layer, draw, 0, count)

    z, z_nu = numbers(Purpose.PROGRAMMING, m.devices), numbers(Purpose.DRIFT_EXPONENT, m.devices)
    nu, g_prog_us = _programmed(m.target_us, z, z_nu, law)
    g_prog_us = programming.with_stuck_us(g_prog_us, numbers(Purpose.STUCK_SELECTION, m.devices, uniforms),
                                          numbers(Purpose.STUCK_CONDUCTANCE, m.devices, uniforms), law)
    z_late = numbers(Purpose.LATE_ERROR, m.devices)
    z_read = numbers(Purpose.READ_NOISE, len(m))
    q_s = read_noise.relative_read_noise(m.target_us if law.read_noise_from == "target" else g_prog_us, law)
    g_us = np.empty(len(m))
    for t_s, rows in rows_by_time(m, law):
        who = m.owner[rows]
        if law.model == "transfer":
            g_us[rows] = g_prog_us[who]
        elif law.model == "note2":
            g_us[rows] = note2.note2_read_us(m.target_us[who], g_prog_us[who], nu[who], z_late[who], t_s, law)
        else:
            g_drift_us = drift.drifted_us(g_prog_us[who], nu[who], t_s, law)
            g_us[rows] = read_noise.read_us(g_drift_us, q_s[who], z_read[rows], t_s, law)
    return np.maximum(g_us, 0.0)


def _programmed(target_us, z, z_nu, law):
    """Return exponents and programmed conductances [uS] of single devices, each (D,)."""
    if law.model == "transfer":
        pair = transfer.transferred_us(np.stack([target_us, np.zeros_like(target_us)]), z, law)
        return np.zeros_like(target_us), pair[0]
    if law.model == "note2":
        nu = note2.note2_exponents(target_us, z_nu, law)
        return nu, note2.note2_programmed_us(target_us, nu, z, law)
    return drift.drift_exponents(target_us, z_nu, law), programming.programmed_us(target_us, z, law)


def rows_by_time(m, law):
    """Yield (t_s, rows) of each distinct time; of more than MANY_TIMES, times alike to DIGITS digits count as one."""
    t_s = m.t_s
    if np.unique(t_s).size > MANY_TIMES:
        unit = 10.0 ** (np.floor(np.log10(t_s)) - DIGITS + 1)
        t_s = np.clip(np.round(t_s / unit) * unit, law.t0_s, LARGEST_T_S)
    order = np.argsort(t_s, kind="stable")
    begins = np.flatnonzero(np.append(True, np.diff(t_s[order]) > 0))
    for begin, end in zip(begins, np.append(begins[1:], len(m))):
        yield float(t_s[order[begin]]), order[begin:end]


def noise_growth(m, law):
    """Return ln((t + t_read) / (2 t_read)) of each reading (n,): the growth of the read noise's variance."""
    growth = np.empty(len(m))
    for t_s, rows in rows_by_time(m, law):
        growth[rows] = read_noise.accumulation(t_s, law) ** 2
    return growth
