"""The causes of a loss of accuracy, and a switch for each that takes it off a chip.

A switch is a pure function (Crossbar, Device) -> Crossbar. It changes the state that programming left behind and draws
no random number, so that a chip with one cause off is the same chip in everything else.

    programming noise   G_prog -> G_T       of devices with a target (G_T > 0), stuck ones (I-6) among them
    idle devices        G_prog -> 0         of devices without one (G_T = 0), stuck ones among them: the other half of each pair
    spread of nu        nu -> mu_nu(G_T)    the exponent is the mean of its conductance
    mean drift          nu -> nu - mu_nu    the exponent is what differs from that mean
    read noise          z_read -> 0         see `conductances_with`
    converters          no DAC and no ADC   see `protocol_with`
    output noise        none                see `protocol_with`

With both switches of nu off there is no drift. They do not commute: the spread comes first.
"""

from dataclasses import replace

import numpy as np

from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import NO_READ_NOISE
from refpcm.spec.pcm.drift import check_time
from refpcm.spec.pcm.note2 import note2_read_us


def without_programming_noise(crossbar, device):
    """Return the crossbar with every device that has a target exactly at it."""
    exact = np.where(crossbar.g_target_us > 0, crossbar.g_target_us, crossbar.g_prog_us)
    return replace(crossbar, g_prog_us=exact)


def without_idle_devices(crossbar, device):
    """Return the crossbar with every device of target 0 at exactly 0 uS."""
    return replace(crossbar, g_prog_us=np.where(crossbar.g_target_us > 0, crossbar.g_prog_us, np.float32(0)).astype(
        crossbar.g_prog_us.dtype))


def without_spread_of_nu(crossbar, device):
    """Return the crossbar with the mean drift exponent of its target in every device."""
    return replace(crossbar, nu=mean_nu(crossbar, device))


def without_mean_drift(crossbar, device):
    """Return the crossbar with nu minus the mean of its target in every device; some exponents are then negative."""
    return replace(crossbar, nu=crossbar.nu - mean_nu(crossbar, device))


def mean_nu(crossbar, device):
    """Return mu_nu(G_T / G_max) (2, R, K) in the state's precision."""
    return curve_value(device.nu_mean, crossbar.g_target_us / device.g_max_us).astype(crossbar.nu.dtype)


STATE_SWITCHES = {"programming noise": without_programming_noise, "idle devices": without_idle_devices,
                  "spread of nu": without_spread_of_nu, "mean drift": without_mean_drift}  # in the order to apply them
READ_NOISE, CONVERTERS, OUTPUT_NOISE = "read noise", "converters", "output noise"


def causes_of(protocol):
    """Return the names of the causes that a `refpcm.evaluation.protocol.Protocol` has."""
    converters = (CONVERTERS,) if protocol.dac_bits is not None or protocol.adc_bits is not None else ()
    return (*STATE_SWITCHES, READ_NOISE, *converters, *((OUTPUT_NOISE,) if protocol.output_noise else ()))


def chip_with(chip, causes):
    """Return the chip with those causes on its state, and no others."""
    crossbars = chip.crossbars
    for cause, switch in STATE_SWITCHES.items():
        if cause not in causes:
            crossbars = tuple(switch(crossbar, chip.device) for crossbar in crossbars)
    return replace(chip, crossbars=crossbars)


def conductances_with(causes, read_conductances):
    """Return the function that reads conductances: `read_conductances` itself, or without read noise one with z = 0.

    Both take (chip, crossbar, t_s, draw) and return (2, R, K) [uS]. z = 0 is the same as Q_s = 0: the read of a device
    without read noise, in the form that is given. For the model "note2", z is that of the error at 55.39 s.
    """
    if READ_NOISE in causes:
        return read_conductances

    def quiet(chip, crossbar, t_s, draw):
        if chip.device.model == "note2":
            check_time(t_s, chip.device)
            state = (array.astype(np.float64) for array in (crossbar.g_target_us, crossbar.g_prog_us, crossbar.nu))
            return note2_read_us(*state, 0.0, t_s, chip.device).astype(crossbar.g_prog_us.dtype)
        without = replace(chip.device, read_noise=NO_READ_NOISE)
        return read_conductances(replace(chip, device=without), crossbar, t_s, draw)
    return quiet


def protocol_with(causes, protocol):
    """Return the protocol with ideal converters or without output noise where these causes are off."""
    if CONVERTERS not in causes:
        protocol = replace(protocol, dac_bits=None, adc_bits=None)
    return protocol if OUTPUT_NOISE in causes else replace(protocol, output_noise=0.0)
