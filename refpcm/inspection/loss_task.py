"""The units of work of `inspect loss`: which cases there are, and how many images each recognises.

A case is a network on a chip with some causes or some layers switched off:

    all             everything on: the accuracy that an evaluation finds
    nothing         everything off: that of the digital network, on chip 0; after AdaBS, of each ideal chip after AdaBS
    only CAUSE      one cause on, all others off          without CAUSE   one off, all others on
    only LAYER      one layer on the chip, others digital  without LAYER  one layer digital, others on the chip
"""

import hashlib
import json
from dataclasses import dataclass, replace

from refpcm.errors import RefpcmError
from refpcm.evaluation.compensations import WITH_ADABS, WITH_GDC
from refpcm.evaluation.on_tiles import engine_on_tiles, with_ranges
from refpcm.evaluation.protocol import Protocol, Task
from refpcm.evaluation.unit import CALIBRATION_START, adabs_images, fingerprint, programmed
from refpcm.inspection.causes import causes_of, chip_with, conductances_with, protocol_with
from refpcm.inspection.layer_errors import IMAGES, layer_errors
from refpcm.inspection.sensitivity import second_order, squared_gradients
from refpcm.spec.compensation.adabs import calibrate
from refpcm.spec.compensation.global_drift import Readout, compensated_read, reference_readouts
from refpcm.spec.crossbars import analog_layers, with_matrices

VERSION = 1  # raised whenever a change of the code changes numbers, so that stored units are not used again
WHOLE = "whole"  # the group of the cases without a cause or layer of their own


@dataclass(frozen=True)
class LossTask:
    """One unit: a chip, a time and a group of cases; a unit of `refpcm.evaluation.run.run_units`.

    protocol: with one read, frozen read noise and the one compensation that losses are counted after.
    """
    protocol: Protocol
    group: str  # WHOLE, "cause" or "layer"
    chip: int
    t_s: float
    parts: tuple

    @property
    def name(self):
        """The name of the file that keeps the result."""
        return f"loss-{self.group}-chip{self.chip}-t{self.t_s:.17g}"

    @property
    def address(self):
        """What the file says about which unit it is."""
        return {"group": self.group, "chip": self.chip, "t_s": self.t_s}

    def only(self, parts):
        """Return the same unit with some of its parts."""
        return replace(self, parts=parts)


def loss_tasks(protocol, by, layers):
    """Return all units, one chip after the other; layers: names of the layers on the chip."""
    found, with_adabs = [], not set(WITH_ADABS).isdisjoint(protocol.compensations)
    for chip in range(protocol.chips):
        for t_s in map(float, protocol.times_s):
            found.append(LossTask(protocol, WHOLE, chip, t_s, ("all", "nothing") if chip == 0 or with_adabs else ("all",)))
            if by != "layer":
                found.append(LossTask(protocol, "cause", chip, t_s, pairs(causes_of(protocol))))
            if by != "cause":
                measured = tuple(f"{what} {name}" for what in ("mvm_error", "estimate") for name in layers)
                found.append(LossTask(protocol, "layer", chip, t_s, pairs(layers) + measured))
    return found


def pairs(names):
    """Return the two cases of every name."""
    return tuple(f"{case} {name}" for case in ("only", "without") for name in names)


def check_loss(protocol):
    """Raises RefpcmError for a protocol that losses cannot be attributed with."""
    for field, wanted in (("read_noise", "frozen"), ("reads", 1), ("gdc_reference", "first-read")):
        if getattr(protocol, field) != wanted:
            raise RefpcmError(f"inspect loss: {field} must be {wanted}, not {getattr(protocol, field)}")
    if len(protocol.compensations) != 1:
        raise RefpcmError("inspect loss: choose one compensation, not " + ", ".join(protocol.compensations))


def loss_fingerprint(inputs, protocol):
    """Return the SHA-256 of all that a unit's result depends on beside group, chip and time."""
    return hashlib.sha256(json.dumps(["inspect loss", VERSION, fingerprint(inputs, protocol),
                                      protocol.compensations]).encode()).hexdigest()


def loss_counts(inputs, task):
    """Return {part: number} of a unit: of a case the test images recognised, of a layer its MVM error and estimate.

    inputs: those of the task's protocol.
    """
    task = replace(task, protocol=with_ranges(inputs, task.protocol))
    layers = layers_on_chip(inputs, task.protocol)
    causes, found = causes_of(task.protocol), {}
    if task.group == "cause":
        for part in task.parts:
            case, name = part.split(" ", 1)
            on = (name,) if case == "only" else tuple(cause for cause in causes if cause != name)
            found[part] = count(inputs, task, on, read_with(inputs, task, on), layers)
        return found
    whole = read_with(inputs, task, causes)
    if "nothing" in task.parts:
        found["nothing"] = count(inputs, task, (), read_with(inputs, task, ()), layers)
    if "all" in task.parts:
        found["all"] = count(inputs, task, causes, whole, layers)
    for case in ("only", "without"):
        found |= layer_counts(inputs, task, whole, case, layers)
    found |= layer_measures(inputs, task, compensated_matrices(task.protocol, whole))
    return {part: found[part] for part in task.parts}


def layer_counts(inputs, task, read, case, layers):
    """Return {"CASE LAYER": images recognised} of the task's parts of a case, "only" or "without".

    read: with everything on; layers: all on the chip. Where only the layer's weights differ from those of a common base,
    the networks share the layers before it.
    """
    names = [part.split(" ", 1)[1] for part in task.parts if part.startswith(f"{case} ")]
    causes, (compensation,) = causes_of(task.protocol), task.protocol.compensations
    if not names or task.protocol.needs_tiles() or compensation in WITH_ADABS:
        chosen = {name: [name] if case == "only" else [each for each in layers if each != name] for name in names}
        return {f"{case} {name}": count(inputs, task, causes, read, on) for name, on in chosen.items()}
    digital, analog = inputs.file.parameters, on_chip(inputs, task, causes, read, layers)[0]
    base, other = (digital, analog) if case == "only" else (analog, digital)
    variants = [base | {key: other[key] for key in base if key.rpartition(".")[0] == name} for name in names]
    counts = inputs.count_correct_each([base, *variants], task.protocol.images)[1:]
    return {f"{case} {name}": number for name, number in zip(names, counts)}


def layers_on_chip(inputs, protocol):
    """Return the names of the layers on the chip."""
    return [layer.name for _, layer in analog_layers(inputs.file.network, protocol.on_chip)]


def read_with(inputs, task, causes):
    """Return one read of the task's chip with those causes on: {name: W}, {name: W / alpha}, {name: alpha}."""
    protocol = task.protocol
    chip = chip_with(programmed(inputs, protocol, task.chip)[0], causes)
    how = Readout(protocol.readout, protocol.per_column,
                  conductances_with(causes, inputs.forms.chip.read_conductances), protocol.gdc_reference)
    return compensated_read(chip, task.t_s, 0, reference_readouts(chip, how), how)


def compensated_matrices(protocol, read):
    """Return {name: weights (R, K)} of a read, divided by the GDC factors if the protocol's compensation has GDC."""
    return read[1] if protocol.compensations[0] in WITH_GDC else read[0]


def count(inputs, task, causes, read, layers):
    """Return how many test images the network recognises with those layers on the chip, the others being digital."""
    parameters, engine = on_chip(inputs, task, causes, read, layers)
    engine.next_image = 0
    return inputs.count_correct(parameters, task.protocol.images, 0, engine)


def on_chip(inputs, task, causes, read, layers):
    """Return parameters and engine of the network with those layers on the chip, after the protocol's compensation."""
    protocol, (name,) = protocol_with(causes, task.protocol), task.protocol.compensations
    raw, _, alphas = ({layer: part[layer] for layer in layers} for part in read)
    matrices = {layer: compensated_matrices(protocol, read)[layer] for layer in layers}
    parameters, engine = with_matrices(inputs.file.network, inputs.file.parameters, matrices), inputs.engine
    if protocol.needs_tiles():
        chip = programmed(inputs, task.protocol, task.chip)[0]
        engine = engine_on_tiles(inputs, protocol, chip, 0, raw, alphas if name in WITH_GDC else {}, {})
    if name in WITH_ADABS:
        engine.next_image = CALIBRATION_START
        parameters = calibrate(engine, parameters, adabs_images(inputs, Task(protocol, task.chip, task.t_s, 0, (name,))))
    return parameters, engine


def whole_chip(inputs, protocol, chip, t_s):
    """Return parameters and engine of the network on one chip at one time, with everything on."""
    task, causes = LossTask(with_ranges(inputs, protocol), WHOLE, chip, t_s, ("all",)), causes_of(protocol)
    return on_chip(inputs, task, causes, read_with(inputs, task, causes), layers_on_chip(inputs, protocol))


def layer_measures(inputs, task, matrices):
    """Return {"mvm_error LAYER": ..., "estimate LAYER": ...} as far as the task asks for them."""
    wanted = [part for part in task.parts if part.startswith(("mvm_error ", "estimate "))]
    if not wanted:
        return {}
    network, trained, protocol = inputs.file.network, inputs.file.parameters, task.protocol
    images = inputs.normalised(inputs.calibration_images(protocol.calibration)[:IMAGES])
    measures = {"mvm_error": layer_errors(network, trained, matrices, images),
                "estimate": second_order(inputs, protocol.on_chip, matrices, squared_gradients(inputs, protocol))}
    return {part: measures[part.split(" ", 1)[0]][part.split(" ", 1)[1]] for part in wanted}
