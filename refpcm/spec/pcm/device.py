"""Devices: the parameters of a phase-change memory cell and of the way it is programmed and read.

Curves are functions of g = G_T / G_max, the target over the largest conductance. Conductances in uS, times in s.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.pcm.curve import Piece, curve_value, logarithm, polynomial, power, table

RESET_DEVICE = ("programmed", "zero")
READ_NOISE_FROM = ("target", "programmed")
IDENTITY = ("devices", "collapsed")
MODEL = ("nandakumar2019", "transfer", "note2")
LARGEST_T_S = 1e10  # three centuries: beyond it the drift law has no meaning


@dataclass(frozen=True)
class Device:
    """One parameter set.

    g_max_us       conductance that the largest weight of a layer is mapped to
    t0_s           time from which drift counts; what is programmed is the conductance then
    t_read_s       duration of a read, in the 1/f noise
    programming_us curve of the programming error's standard deviation [uS]
    nu_mean, nu_sigma   curves of the drift exponent's mean and standard deviation
    read_noise     curve of Q_s, the relative read noise
    reset_device   I-5: the idle device of a pair is "programmed" at g = 0, or exactly "zero"
    stuck_fraction I-6: share of devices stuck at a uniformly random conductance
    read_noise_from I-7: Q_s is taken at the "target" or at the "programmed" conductance
    identity       I-8: "devices" keep their own state, or the pair is "collapsed" to the net weight and split again
    source         where the numbers come from
    model          equations of programming, drift and read: "nandakumar2019" (refpcm.spec.pcm.programming, drift and
                   read_noise), "transfer" or "note2" (modules of these names)
    """
    name: str
    g_max_us: float
    t0_s: float
    t_read_s: float
    programming_us: tuple
    nu_mean: tuple
    nu_sigma: tuple
    read_noise: tuple
    source: str
    reset_device: str = "programmed"
    stuck_fraction: float = 0.0
    read_noise_from: str = "target"
    identity: str = "devices"
    model: str = MODEL[0]

    def __post_init__(self):
        check(self)


def check(device):
    """Dry run over g in [0, 1]. Raises RefpcmError naming the device, the field and its valid range."""
    def demand(field, ok, wanted):
        if not ok:
            raise RefpcmError(f"device {device.name!r}: {field} must be {wanted}, not {getattr(device, field)!r}")

    for field, low, high in (("g_max_us", 0.0, 1000.0), ("t0_s", 0.0, LARGEST_T_S), ("t_read_s", 0.0, 1.0)):
        demand(field, _is_number(getattr(device, field)) and low < getattr(device, field) <= high,
               f"a number above {low:g}, at most {high:g}")
    demand("t_read_s", device.t_read_s < device.t0_s, f"shorter than t0_s = {device.t0_s:g}")
    demand("stuck_fraction", _is_number(device.stuck_fraction) and 0 <= device.stuck_fraction <= 1, "within 0 .. 1")
    for field, known in (("reset_device", RESET_DEVICE), ("read_noise_from", READ_NOISE_FROM),
                         ("identity", IDENTITY), ("model", MODEL)):
        demand(field, getattr(device, field) in known, " or ".join(repr(k) for k in known))
    demand("source", isinstance(device.source, str), "text")
    g = np.linspace(0.0, 1.0, 1001)
    for field, low, high in (("programming_us", None, device.g_max_us), ("nu_mean", 0.0, 1.0), ("nu_sigma", 0.0, 1.0),
                             ("read_noise", 0.0, 1.0)):
        demand(field, len(getattr(device, field)) > 0, "a curve of at least one piece")
        value = curve_value(getattr(device, field), g)
        low = -high if low is None else low  # a fit may dip below zero: programming cuts it there
        if not (np.all(np.isfinite(value)) and value.min() >= low and value.max() <= high):
            raise RefpcmError(f"device {device.name!r}: {field} runs from {value.min():g} to {value.max():g} over "
                              f"0 <= G / G_max <= 1; it must stay within {low:g} .. {high:g}")


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -np.inf < value < np.inf


NANDAKUMAR = "Nandakumar et al., ICECS 2019, doi 10.1109/ICECS46596.2019.8964852, as in aihwkit 1.0 pcm.py"
NO_READ_NOISE = (polynomial(0.0),)

JOSHI2020 = Device(
    name="joshi2020", g_max_us=25.0, t0_s=20.0, t_read_s=250e-9,
    programming_us=(polynomial(0.26348, 1.9650, -1.1731),),
    nu_mean=(logarithm(-0.0155, 0.0244, 0.049, 0.1),),
    nu_sigma=(logarithm(-0.0125, -0.0059, 0.008, 0.045),),
    read_noise=(power(0.0088, -0.65, high=0.2),),
    source=NANDAKUMAR)

AIHWKIT_PCM = replace(JOSHI2020, name="aihwkit-pcm", read_noise_from="programmed", identity="collapsed")

_HERMES_SOURCE = ("IBM HERMES project chip, 14 nm (Le Gallo et al., Nature Electronics 6, 2023, "
                  "doi 10.1038/s41928-023-01010-1), fits of aihwkit 1.0 hermes.py")
_HERMES_NU_MEAN = (logarithm(-0.0387, -0.0182, 0.0720, 0.13, below=0.0945), polynomial(0.0736, -0.0126, -0.0436))

HERMES_1 = Device(
    name="hermes-1", g_max_us=10.35, t0_s=200.0, t_read_s=512e-9,
    programming_us=(polynomial(0.15781817, 2.32443916, -2.16310839, 0.68841818),),
    nu_mean=_HERMES_NU_MEAN,
    nu_sigma=(logarithm(-0.0120, -0.0023, 0.0124, 0.04, below=0.3039), polynomial(0.0104, 0.0116, -0.0165)),
    read_noise=(logarithm(-0.0078, 0.0038, 0.0179, 0.04, below=0.1591), polynomial(0.0088, 0.0768, -0.1352, 0.0664)),
    read_noise_from="programmed", source=_HERMES_SOURCE + ", one device a polarity")

HERMES_2 = Device(
    name="hermes", g_max_us=20.7, t0_s=300.0, t_read_s=512e-9,
    programming_us=(polynomial(0.16603222, 4.71806468, -8.48101252, 4.68961419),),
    nu_mean=_HERMES_NU_MEAN,
    nu_sigma=(logarithm(-0.0117, -0.0057, 0.0091, 0.04, below=0.3055), polynomial(0.0073, 0.0093, -0.0118)),
    read_noise=(logarithm(-0.0117, -0.0069, 0.015, 0.04, below=0.16), polynomial(0.0123, 0.0211, -0.0280, 0.0069)),
    read_noise_from="programmed", source=_HERMES_SOURCE + ", two devices a polarity as one of twice the range")

# CrossSim's mean exponent max(0.08 - 0.0045 G, min(0.06, max(0.0825 - 0.00169 G, 0.055))) is these straight lines.
_CROSSSIM_KNOTS_US = (0.0, 0.02 / 0.0045, 0.0225 / 0.00169, 0.0275 / 0.00169)
CROSSSIM_JOSHI = Device(
    name="crosssim-joshi", g_max_us=25.0, t0_s=27.36, t_read_s=250e-9,
    programming_us=(polynomial(0.28638599, 25 * 0.07585724, -625 * 0.00178767),),
    nu_mean=table([g / 25 for g in _CROSSSIM_KNOTS_US], (0.08, 0.06, 0.06, 0.055)),
    nu_sigma=(Piece("reciprocal", (25 * 8.0, 30.0320)),),
    read_noise=NO_READ_NOISE,
    source="CrossSim: quadratic fit to Fig. 3b of Joshi et al. 2020 at 27.36 s (v3, pcm_joshi.py); drift exponents of "
           "their Supplementary Note 2, eq. 8-9 (v2, custom drift models); no read noise")

TRANSFER = replace(
    CROSSSIM_JOSHI, name="joshi2020-transfer", t0_s=20.0, nu_mean=(polynomial(0.0),), nu_sigma=(polynomial(0.0),),
    model="transfer",
    source="Joshi et al. 2020, Results C: one Gaussian a weight; sigma: CrossSim's quadratic fit to their Fig. 3b")

NOTE2 = replace(
    CROSSSIM_JOSHI, name="joshi2020-note2", model="note2",
    source="Joshi et al. 2020, Supplementary Note 2, eq. 8-9 and 12-16, as recorded in CrossSim v2, custom drift models")

DEVICES = {d.name: d for d in (JOSHI2020, AIHWKIT_PCM, HERMES_2, HERMES_1, CROSSSIM_JOSHI, TRANSFER, NOTE2)}


def known_device(name):
    """Return a parameter set by name. Raises RefpcmError for an unknown one."""
    if name in DEVICES:
        return DEVICES[name]
    raise RefpcmError(f"unknown device {str(name)!r}; known are {', '.join(DEVICES)}, or a file named *.toml")


def differences(device, reference=JOSHI2020):
    """{field: value} in which the device differs from the reference."""
    return {f.name: getattr(device, f.name) for f in fields(device)
            if getattr(device, f.name) != getattr(reference, f.name)}
