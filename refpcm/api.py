"""The public functions that choose for their caller: the fast forms, devices by name, times as text.

Imported as `refpcm.program`, `refpcm.read` and so on. A device is a name, a TOML file or a Device; a time is seconds
since programming or text such as "1 day". R rows = inputs, K columns = outputs of a crossbar.
"""

import tempfile
from dataclasses import fields

import numpy as np

from refpcm.datasets import load as load_data  # noqa: F401  (a public name)
from refpcm.errors import RefpcmError
from refpcm.evaluation.options import CHIPS, TIMES
from refpcm.fast import chip as fast_chip
from refpcm.fast.random import normals
from refpcm.files.devices import find_device
from refpcm.forms import find_forms
from refpcm.spec import crossbars, resnet
from refpcm.spec.compensation import global_drift
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import DEVICES, Device
from refpcm.spec.random import Purpose
from refpcm.times import parse_time, parse_times


def _device(device):
    return device if isinstance(device, Device) else find_device(device)


def _seconds(time):
    return parse_time(time) if isinstance(time, str) else time


def device_curves(device, g):
    """Return {curve: values} of a device over g = G_target / G_max, an array within 0 .. 1 of any shape.

    programming_us: sigma_prog [uS]; nu_mean, nu_sigma: drift exponents; read_noise: Q_s. float64, of the shape of g.
    Raises RefpcmError for an unknown device, and for g outside 0 .. 1.
    """
    g, device = np.asarray(g, np.float64), _device(device)
    if not ((g >= 0) & (g <= 1)).all():
        raise RefpcmError("a device's curves go over g = G_target / G_max from 0 to 1; some of these are outside")
    return {name: curve_value(getattr(device, name), g) for name in ("programming_us", "nu_mean", "nu_sigma", "read_noise")}


def program(matrices, device="joshi2020", seed=0, chip=0):
    """Return a new Chip with the matrices {name: (R, K)} programmed into it.

    Raises RefpcmError for an unknown device, an empty matrix or one that is not finite, and numbers beyond 32 bits.
    """
    return fast_chip.program(matrices, _device(device), seed, chip)


def program_network(network, parameters, device="joshi2020", seed=0, chip=0, on_chip="all"):
    """Return a new Chip with the matrices of a network's crossbar layers; on_chip: "all", or "inner" for all but two.

    Raises RefpcmError as `program`.
    """
    return crossbars.program_network(network, parameters, _device(device), seed, chip, on_chip, fast_chip.program)


def read(chip, time, draw=0):
    """Return the effective weights {name: (R, K)} at a time; draw numbers the reads at that time.

    Raises RefpcmError for a time before the chip's reference time t0.
    """
    return fast_chip.read(chip, _seconds(time), draw)


def read_conductances(chip, time, draw=0):
    """Return the conductances {name: (2, R, K)} [uS] of G+ and G- that `read` makes weights of. Raises as `read`.

    The arrays are the caller's own: to change them changes no chip.
    """
    return {crossbar.name: fast_chip.read_conductances(chip, crossbar, _seconds(time), draw).copy()
            for crossbar in chip.crossbars}


def _readout(readout, per_column, reference="first-read"):
    return global_drift.Readout(readout, per_column, fast_chip.read_conductances, reference)


class Reference(dict):
    """{name: readout} that drift is measured against; measured: the (readout, per_column) by which it was."""
    measured = None

    def copy(self):
        """Return a copy that knows by which readout it was measured; dict(reference) does not, and is not checked."""
        found = Reference(self)
        found.measured = self.measured
        return found


def reference_readouts(chip, readout="columns", per_column=False, reference="first-read"):
    """Return {name: readout} that drift is measured against, a Reference.

    reference: "first-read", 25 s after programming, or at t0 where that is later; or "targets", what the target
    conductances are on average (I-24).
    Raises RefpcmError for another, and for targets of a device with another law than that of joshi2020.
    """
    found = Reference(global_drift.reference_readouts(chip, _readout(readout, per_column, reference)))
    found.measured = readout, per_column
    return found


def compensated_read(chip, time, reference, draw=0, readout="columns", per_column=False):
    """Return one read with global drift compensation: {name: W}, {name: W / alpha}, {name: alpha}.

    reference: of `reference_readouts` with the same readout (columns, ones or one_hot) and per_column.
    Raises RefpcmError for a reference of other layers, or one that was measured otherwise.
    """
    layers = [crossbar.name for crossbar in chip.crossbars]
    if set(reference) != set(layers):
        raise RefpcmError(f"the reference is of layers {', '.join(reference)}, the chip has {', '.join(layers)}")
    if getattr(reference, "measured", None) not in (None, (readout, per_column)):
        raise RefpcmError("the reference was measured with readout = {!r} and per_column = {!r}; read with the same".format(
            *reference.measured))
    return global_drift.compensated_read(chip, _seconds(time), draw, reference, _readout(readout, per_column))


def initial_parameters(network, seed=0):
    """Return {name: array} of an untrained network: He-normal weights, batch norm 1 and 0."""
    return resnet.initial_parameters(
        network, lambda layer, count: normals(seed, 0, Purpose.INITIALISATION, layer, 0, 0, count))


def make_engine(network, kernels="winograd"):
    """Return an engine: forward(parameters, images) -> logits, and backward(parameters, dlogits) -> gradients.

    kernels: winograd; direct, with smaller rounding errors; numpy, the specification.
    Raises RefpcmError for a network without a fast form; numpy runs every network.
    """
    return find_forms(kernels).make_engine(network)


def evaluate(network, data=None, times=TIMES, folder=None, executor=None, chips=CHIPS, **choices):
    """Return the accuracy of a network file on simulated chips over time, as `python -m refpcm.evaluate` writes it.

    network: path of the file; data: a prepared folder, or None for the built-in images; times: text, seconds or several of
    these; folder: keeps finished units, so that the same call goes on where it stopped; executor: any
    concurrent.futures.Executor; choices: other fields of `refpcm.evaluation.protocol.Protocol`, such as device="hermes" or
    compensations=("gdc", "adabs"), or text, "gdc,adabs". A Device must be a built-in one: units, which other processes may
    run, name it.
    Raises RefpcmError for what cannot be evaluated.
    """
    from refpcm.evaluation.protocol import Protocol, check_used
    from refpcm.evaluation.run import run
    known = {field.name for field in fields(Protocol)} - {"network", "data", "times_s", "ranges"}
    for name in set(choices) - known:
        raise RefpcmError(f"evaluate: there is no choice {name!r}; there are {', '.join(sorted(known))}")
    if isinstance(choices.get("compensations"), str):
        choices["compensations"] = tuple(name.strip() for name in choices["compensations"].split(","))
    device = choices.get("device")
    if isinstance(device, Device):
        if DEVICES.get(device.name) != device:
            raise RefpcmError(f"evaluate: device {device.name!r} is none of the built-in ones; write it to a TOML file "
                              "(docs/device.md) and give its name, which other processes can read")
        choices["device"] = device.name
    if isinstance(times, str):
        times_s = parse_times(times)
    else:
        times_s = tuple(map(_seconds, times if hasattr(times, "__iter__") else [times]))
    protocol = Protocol(str(network), None if data is None else str(data), times_s=times_s, chips=chips, **choices)
    check_used(protocol)
    if folder is not None:
        return run(protocol, folder, executor)
    with tempfile.TemporaryDirectory(prefix="refpcm-") as own:
        return run(protocol, own, executor)
