"""One weight of one layer on its way through the chip: every step with its random number and that number's address."""

import re

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec import random
from refpcm.spec.crossbars import analog_layers, to_matrices
from refpcm.spec.pcm import drift, mapping, note2, programming, read_noise, transfer
from refpcm.spec.pcm.chip import (
    Chip,
    Crossbar,
    curve_conductance_us,
    effective_weights,
    program_matrix,
    programmed_as_read,
    read_conductances,
    read_start,
)
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import MODEL

SAME_STATE = MODEL[0]  # the model of which every step is shown; of the others, what they have in common
PROGRAMMED = {SAME_STATE: programming.programmed_us, "transfer": transfer.transferred_us, "note2": note2.note2_programmed_us}
EXPONENTS = {SAME_STATE: drift.drift_exponents, "note2": note2.note2_exponents}
READ = {SAME_STATE: read_noise.read_us, "note2": note2.note2_read_us}


def trace_weight(file, device, layer, row, column, times_s, seed=0, chip=0, draw=0):
    """Return the steps of one weight as [{"t_s", "quantity", "plus", "minus", "formula", "address"}].

    file: NetworkFile; row, column: of the layer's matrix (R, K); t_s: None for steps of programming. plus and minus are
    the values of G+ and G-; minus is None for what belongs to the pair. address: (seed, chip, purpose, layer, draw,
    element) of the random number of G+ and of G-, or None. Raises RefpcmError for a layer, row or column that is not there.
    """
    numbers = {each.name: number for number, each in analog_layers(file.network)}
    if layer not in numbers:
        raise RefpcmError(f"{file.network.architecture} has no crossbar layer {layer!r}; it has {', '.join(numbers)}")
    matrix = to_matrices(file.network, file.parameters)[layer]
    if not (0 <= row < matrix.shape[0] and 0 <= column < matrix.shape[1]):
        raise RefpcmError(f"layer {layer} has rows 0 .. {matrix.shape[0] - 1} and columns 0 .. {matrix.shape[1] - 1}, "
                          f"not row {row}, column {column}")
    crossbar = Crossbar(layer, numbers[layer], *program_matrix(matrix, device, seed, chip, numbers[layer]))
    trace = Trace(Chip(device, seed, chip, (crossbar,)), crossbar, row, column)
    trace.programming(float(matrix[row, column]))
    for t_s in times_s:
        trace.read(t_s, draw)
    return trace.steps


def times_between(times_s, number=60):
    """Return times [s] for a smooth curve: those given, and others spread evenly over the logarithm between them."""
    first_s, last_s = min(times_s), max(times_s)
    return sorted({*times_s, *np.geomspace(first_s, last_s, number).clip(first_s, last_s).tolist()})  # rounding may leave them


class Trace:
    """Collects the steps of the pair of devices at (row, column) of a crossbar."""

    def __init__(self, chip, crossbar, row, column):
        self.chip, self.crossbar, self.device, self.steps = chip, crossbar, chip.device, []
        self.at, rows, columns = (slice(None), row, column), *crossbar.nu.shape[1:]
        self.elements = [row * columns + column, (rows + row) * columns + column]

    def add(self, quantity, values, formula, t_s=None, address=None, by=None):
        """Keep one step; values: one number, or those of G+ and G-; by: the function whose equation the formula is."""
        plus, minus = (*np.atleast_1d(np.asarray(values, np.float64)).tolist(), None)[:2]
        self.steps.append({"t_s": t_s, "quantity": quantity, "plus": plus, "minus": minus,
                           "formula": formula + equation_number(by), "address": address})

    def number(self, distribution, purpose, draw=0, start=0):
        """Return the random numbers of G+ and G-, and their addresses."""
        elements = [start + element for element in self.elements]
        identity = self.chip.seed, self.chip.chip, purpose, self.crossbar.number, draw
        values = [float(distribution(*identity, element, 1)[0]) for element in elements]
        return np.array(values), [[*identity[:2], purpose.name, *identity[3:], element] for element in elements]

    def programming(self, weight):
        """Add the steps from the number to the programmed conductance and its drift exponent."""
        crossbar, device = self.crossbar, self.device
        target_us = crossbar.g_target_us[self.at].astype(np.float64)
        self.add("W", weight, "the trained weight")
        self.add("W_max", crossbar.w_max, "largest |W| of the layer", by=mapping.largest_weight)
        self.add("G_T [uS]", target_us, "max(+-W, 0) G_max / W_max", by=mapping.to_conductances)
        z, address = self.number(random.normals, random.Purpose.PROGRAMMING)
        self.add("sigma_prog [uS]", programming.programming_sigma_us(target_us, device),
                 f"curve programming_us of {device.name}", by=programming.programming_sigma_us)
        self.add("z_prog", z, "standard normal", address=address)
        if device.stuck_fraction:
            u, address = self.number(random.uniforms, random.Purpose.STUCK_SELECTION)
            self.add("u_stuck", u, f"stuck below {device.stuck_fraction:g}, I-6", address=address,
                     by=programming.with_stuck_us)
        self.add("G_prog [uS]", crossbar.g_prog_us[self.at], "max(G_T + sigma_prog z_prog, 0)" if device.model == SAME_STATE
                 else f"model {device.model}", by=PROGRAMMED[device.model])
        if device.model != "transfer":
            z, address = self.number(random.normals, random.Purpose.DRIFT_EXPONENT)
            g = target_us / device.g_max_us
            self.add("mu_nu", curve_value(device.nu_mean, g), f"curve nu_mean of {device.name}")
            self.add("sigma_nu", curve_value(device.nu_sigma, g), f"curve nu_sigma of {device.name}")
            self.add("z_nu", z, "standard normal", address=address)
        self.add("nu", crossbar.nu[self.at], "|mu_nu + sigma_nu z_nu|" if device.model == SAME_STATE
                 else f"model {device.model}", by=EXPONENTS.get(device.model))

    def read(self, t_s, draw):
        """Add the steps of a read at t_s seconds after programming."""
        device, at, crossbar = self.device, self.at, self.crossbar
        g_us = read_conductances(self.chip, crossbar, t_s, draw)  # refuses times that cannot be
        start_us = programmed_as_read(device, crossbar)[at].astype(np.float64)
        if device.identity != "devices":
            self.add("G_start [uS]", start_us, "the pair split anew, I-8", t_s, by=programmed_as_read)
        if device.model == SAME_STATE:
            nu = crossbar.nu[at].astype(np.float64)
            self.add("G_drift [uS]", drift.drifted_us(start_us, nu, t_s, device), "G_prog (t / t0)^(-nu)", t_s,
                     by=drift.drifted_us)
            q_s = read_noise.relative_read_noise(curve_conductance_us(device, crossbar)[at], device)
            self.add("Q_s", q_s, f"curve read_noise of {device.name}", t_s, by=read_noise.relative_read_noise)
            self.add("s(t)", read_noise.accumulation(t_s, device), "sqrt(ln((t + t_read) / (2 t_read)))", t_s,
                     by=read_noise.accumulation)
            z, address = self.number(random.normals, random.Purpose.READ_NOISE, draw, int(read_start(t_s)))
            self.add("z_read", z, "standard normal", t_s, address)
        elif device.model == "note2":
            z, address = self.number(random.normals, random.Purpose.LATE_ERROR)
            sigma_us = note2.late_sigma_us(crossbar.g_target_us[at].astype(np.float64))
            self.add("sigma_1 [uS]", sigma_us, "of the error at 55.39 s", t_s, by=note2.late_sigma_us)
            self.add("z_1", z, "standard normal", t_s, address)
        self.add("G(t) [uS]", g_us[at], "max(G_drift + G_drift Q_s s(t) z_read, 0)" if device.model == SAME_STATE
                 else f"model {device.model}", t_s, by=READ.get(device.model))
        self.add("W(t)", effective_weights(self.chip, crossbar, g_us)[at[1:]], "(G+ - G-) W_max / G_max, before GDC", t_s,
                 by=mapping.to_weights if device.identity == "devices" else effective_weights)


def equation_number(function):
    """Return the number of the equation that a function of the specification is, from its docstring: " (E-35)".

    Empty without a function, and where Python leaves docstrings out.
    """
    found = re.search(r"\bE-\d+", getattr(function, "__doc__", None) or "")
    return f" ({found.group()})" if found else ""
