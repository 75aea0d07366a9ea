"""The protocol: chips x reads x times x compensations, cut into units of work.

A unit is one read of one chip at one time with all compensations asked for. It depends on nothing but its Task, which
is plain data: any `concurrent.futures.Executor` can run units, in this process, in others or on other machines that
see the same files.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache

from refpcm.compensation.adabs import BATCH_SIZE, BATCHES, calibrate, calibration_images
from refpcm.compensation.global_drift import READOUTS, compensated_read, reference_readouts
from refpcm.errors import RefpcmError
from refpcm.pcm.device import find_device
from refpcm.pcm.device_file import device_to_dict

COMPENSATIONS = ("none", "gdc", "adabs", "adabs-alone")  # adabs: with GDC beneath (I-11)


@dataclass(frozen=True)
class Protocol:
    """What to evaluate. Images and labels of the test split; calibration images are training images, never test images.

    network: path of a network file; data: prepared folder, or None for the built-in set; device: name or TOML file.
    readout, per_column: of GDC (I-10). images: only the first so many test images; None = all.
    """
    network: str
    data: str = None
    device: str = "joshi2020"
    seed: int = 0
    chips: int = 25
    reads: int = 1
    times_s: tuple = (25.0, 3600.0, 86400.0, 2592000.0, 31536000.0)
    compensations: tuple = ("none", "gdc", "adabs")
    on_chip: str = "all"
    readout: str = "columns"
    per_column: bool = False
    adabs_batches: int = BATCHES
    adabs_batch_size: int = BATCH_SIZE
    images: int = None
    kernels: str = "vector"

    def __post_init__(self):
        for field in ("chips", "reads", "adabs_batches"):
            _demand(getattr(self, field) >= 1, field, getattr(self, field), "at least 1")
        _demand(self.images is None or self.images >= 1, "images", self.images, "at least 1")
        for field, known in (("readout", READOUTS), *(("compensations", COMPENSATIONS) for _ in self.compensations)):
            for value in (getattr(self, field),) if field == "readout" else self.compensations:
                _demand(value in known, field, value, " or ".join(known))
        _demand(self.times_s and self.compensations, "times_s and compensations", "nothing", "something")


def _demand(ok, field, value, wanted):
    if not ok:
        raise RefpcmError(f"evaluation: {field} must be {wanted}, not {value!r}")


@dataclass(frozen=True)
class Task:
    """One unit: the protocol it belongs to, and which chip, time, read and compensations."""
    protocol: Protocol
    chip: int
    t_s: float
    draw: int
    compensations: tuple


def tasks(protocol):
    """All units, in the order in which they are best run: one chip after the other."""
    return [Task(protocol, chip, float(t_s), draw, protocol.compensations) for chip in range(protocol.chips)
            for t_s in protocol.times_s for draw in range(protocol.reads)]


def run_task(task):
    """Number of test images recognised, {compensation: int}."""
    from refpcm.analog import with_matrices
    protocol = task.protocol
    inputs = load_inputs(protocol.network, protocol.data, protocol.kernels)
    network, trained = inputs.file.network, inputs.file.parameters
    chip, reference = _programmed(protocol, task.chip)
    raw, rescued, _ = compensated_read(chip, task.t_s, task.draw, reference, protocol.readout, protocol.per_column)
    correct = {}
    for compensation in task.compensations:
        matrices = raw if compensation in ("none", "adabs-alone") else rescued
        parameters = with_matrices(network, trained, matrices)
        if compensation in ("adabs", "adabs-alone"):
            chosen = calibration_images(protocol.seed, task.chip, task.draw, len(inputs.data.train_images),
                                        protocol.adabs_batches, protocol.adabs_batch_size)
            parameters = calibrate(inputs.engine, parameters, MiniBatches(inputs, chosen))
        correct[compensation] = inputs.count_correct(parameters, protocol.images)
    return correct


@lru_cache(maxsize=1)
def _programmed(protocol, number):
    """The chip and its reference readouts, kept between units of the same chip."""
    from refpcm.analog import program_network
    inputs = load_inputs(protocol.network, protocol.data, protocol.kernels)
    chip = program_network(inputs.file.network, inputs.file.parameters, find_device(protocol.device), protocol.seed,
                           number, protocol.on_chip)
    return chip, reference_readouts(chip, protocol.readout, protocol.per_column)


class MiniBatches:
    """The calibration images, normalised when asked for: a sequence of (m, C, H, W) float32."""

    def __init__(self, inputs, chosen):
        self.inputs, self.chosen = inputs, chosen

    def __len__(self):
        return len(self.chosen)

    def __getitem__(self, i):
        return self.inputs.normalised(self.inputs.data.train_images[self.chosen[i]])


class Inputs:
    """Network, data and engine of this process."""

    def __init__(self, network_path, data_path, kernels):
        from refpcm.datasets import load
        from refpcm.files.network_file import load_network
        from refpcm.training.executor import make_engine
        self.file, self.data = load_network(network_path), load(data_path)
        shape, classes = self.file.network.input_shape, self.file.network.classes
        if self.data.test_images.shape[1:] != shape or len(self.data.classes) != classes:
            raise RefpcmError(f"{network_path} wants images {shape} in {classes} classes; {self.data.name} has images "
                              f"{self.data.test_images.shape[1:]} in {len(self.data.classes)}: choose other data")
        self.engine = make_engine(self.file.network, kernels)

    def normalised(self, images):
        from refpcm.training.augmentation import no_moves, prepare
        return prepare(images, no_moves(len(images)), 0, self.file.mean, self.file.std)

    def count_correct(self, parameters, images=None):
        """How many of the first `images` test images (None: all) the parameters recognise."""
        from refpcm.training.loop import predict
        predicted = predict(self.engine, parameters, self.data.test_images[:images], self.file.mean, self.file.std)
        return int((predicted == self.data.test_labels[:images]).sum())

    def image_count(self, images=None):
        return len(self.data.test_labels[:images])


@lru_cache(maxsize=1)
def load_inputs(network_path, data_path, kernels):
    return Inputs(network_path, data_path, kernels)


def fingerprint(protocol):
    """SHA-256 of all a unit's result depends on beside chip, time and read: network, data, device, choices."""
    inputs = load_inputs(protocol.network, protocol.data, protocol.kernels)
    digest = hashlib.sha256()
    for name in sorted(inputs.file.parameters):
        digest.update(name.encode() + inputs.file.parameters[name].tobytes())
    for array in (inputs.data.train_images, inputs.data.test_images, inputs.data.test_labels):
        digest.update(array.tobytes())
    device = device_to_dict(find_device(protocol.device))
    choices = {name: getattr(protocol, name) for name in ("seed", "on_chip", "readout", "per_column", "adabs_batches",
                                                          "adabs_batch_size", "images", "kernels")}
    network = [inputs.file.network.architecture, list(inputs.file.mean), list(inputs.file.std)]
    digest.update(json.dumps([network, device, choices], sort_keys=True).encode())
    return digest.hexdigest()
