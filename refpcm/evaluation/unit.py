"""One unit of work: a read of a chip at a time, with all compensations asked for."""

import json
from dataclasses import asdict
from functools import lru_cache

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.calibration import augmentations, mini_batches
from refpcm.evaluation.compensations import WITH_ADABS, WITH_GDC
from refpcm.evaluation.evidence import unit_counts
from refpcm.evaluation.inputs import BATCH
from refpcm.evaluation.on_tiles import engine_on_tiles, with_ranges
from refpcm.evaluation.protocol import RESULTS_VERSION, tasks
from refpcm.files.devices import find_device
from refpcm.files.reading import sha256_of
from refpcm.spec.compensation.adabs import calibrate, calibration_images
from refpcm.spec.compensation.global_drift import Readout, check_targets, compensated_read, reference_readouts, time_of_first_read
from refpcm.spec.crossbars import program_network, with_matrices
from refpcm.spec.pcm.device import LARGEST_T_S
from refpcm.spec.pcm.device_data import device_to_dict
from refpcm.spec.pcm.product_noise import mean_conductances, weight_variances
from refpcm.times import time_text

CALIBRATION_START = 2 ** 24  # number of the first calibration image in the address of output and read noise
FINGERPRINTED = ("seed", "on_chip", "readout", "per_column", "adabs_batches", "adabs_batch_size", "images", "kernels",
                 "read_noise", "dac_bits", "adc_bits", "tile_rows", "output_noise", "calibration", "range_images")


def recognised(inputs, task):
    """Return `refpcm.evaluation.evidence.Counts`, {compensation: number of test images recognised}, with their evidence.

    inputs: those of the task's protocol.
    """
    protocol, network, trained = with_ranges(inputs, task.protocol), inputs.file.network, inputs.file.parameters
    chip, reference = programmed(inputs, protocol, task.chip)
    variances = weight_variances(chip, task.t_s) if protocol.read_noise == "per_product" else {}
    right, statistics = {name: [] for name in task.compensations}, {name: {} for name in task.compensations}
    gdc_factors = {}
    for draw, begin, end in _reads(protocol, task.draw, inputs.image_count(protocol.images)):
        raw, compensated, alphas = compensated_read(chip, task.t_s, draw, reference, readout_of(inputs, protocol))
        gdc_factors = gdc_factors or alphas
        for name in task.compensations:
            with_gdc = name in WITH_GDC
            parameters = {**with_matrices(network, trained, compensated if with_gdc else raw), **statistics[name]}
            engine = inputs.engine
            if protocol.needs_tiles():
                engine = engine_on_tiles(inputs, protocol, chip, draw, raw, alphas if with_gdc else {}, variances)
            if name in WITH_ADABS and begin == 0:
                engine.next_image = CALIBRATION_START
                parameters = calibrate(engine, parameters, adabs_images(inputs, task))
                statistics[name] = {key: value for key, value in parameters.items() if ".running_" in key}
            engine.next_image = begin
            right[name].append(inputs.recognised(parameters, end, begin, engine))
    right = {name: np.concatenate(parts) for name, parts in right.items()}
    return unit_counts(chip, gdc_factors, right, trained, statistics)


def readout_of(inputs, protocol):
    """Return the Readout of GDC; what is measured is one read, or with read noise per product its mean."""
    conductances = mean_conductances if protocol.read_noise == "per_product" else inputs.forms.chip.read_conductances
    return Readout(protocol.readout, protocol.per_column, conductances, protocol.gdc_reference)


def _reads(protocol, draw, images):
    """Return (read number, first image, end): one for all images, or one a batch (I-9)."""
    if protocol.read_noise != "per_batch":
        return [(draw, 0, images)]
    return [(draw * 2 ** 16 + i, begin, min(begin + BATCH, images)) for i, begin in enumerate(range(0, images, BATCH))]


def adabs_images(inputs, task):
    """Return the mini-batches that AdaBS sees in this unit."""
    protocol = task.protocol
    images = inputs.calibration_images(protocol.calibration)
    chosen = calibration_images(protocol.seed, task.chip, task.draw, len(images), protocol.adabs_batches,
                                protocol.adabs_batch_size, inputs.forms.random)
    return mini_batches(inputs, images, chosen, protocol, task)


def check_adabs(inputs, protocol):
    """Raises RefpcmError where AdaBS is asked for and the data have no images for it; a unit would do so late."""
    if not set(WITH_ADABS).isdisjoint(protocol.compensations):
        adabs_images(inputs, tasks(protocol)[0])


def check_times(protocol):
    """Raises RefpcmError where a time comes before t0 or after LARGEST_T_S.

    Also before the read that drift compensation takes as its reference, and for a device that cannot have the one asked for.
    """
    device = find_device(protocol.device)
    if protocol.gdc_reference == "targets":
        check_targets(device)
    if protocol.gdc_reference == "first-read" and not set(WITH_GDC).isdisjoint(protocol.compensations):
        check_first_read("evaluation", protocol.times_s, device, "give later --times, or only compensations without GDC")
    if min(protocol.times_s) < device.t0_s:
        raise RefpcmError(f"evaluation: {time_text(min(protocol.times_s))} is before t0 = {time_text(device.t0_s)} of device "
                          f"{device.name}, from which drift counts; give later --times")
    if max(protocol.times_s) > LARGEST_T_S:
        raise RefpcmError(f"evaluation: {max(protocol.times_s):g} s is beyond {LARGEST_T_S:g} s, where the drift law has no "
                          "meaning; give earlier --times")


def check_first_read(what, times_s, device, remedy):
    """Raises RefpcmError, which begins with `what` and ends with `remedy`, for a time before the first read of a chip."""
    first_s, earliest_s = time_of_first_read(device), min(times_s)
    if earliest_s < first_s:
        raise RefpcmError(f"{what}: at {time_text(earliest_s)} the read that GDC takes as its reference, at "
                          f"{time_text(first_s)}, has not been made; {remedy}")


def programmed(inputs, protocol, number):
    """Return the chip and its reference readouts, kept between units of the same chip, network and device."""
    return _programmed(inputs, protocol, number, find_device(protocol.device))


@lru_cache(maxsize=4)
def _programmed(inputs, protocol, number, device):
    chip = program_network(inputs.file.network, inputs.file.parameters, device, protocol.seed, number, protocol.on_chip,
                           inputs.forms.chip.program)
    return chip, reference_readouts(chip, readout_of(inputs, protocol))


def fingerprint(inputs, protocol):
    """Return the SHA-256 of all that a unit's result depends on beside chip, time and read.

    That is code, network, data, device and choices.
    """
    digest = inputs.digest(inputs.data.train_images, inputs.data.test_images, inputs.data.test_labels)
    network = [inputs.file.network.architecture, list(inputs.file.mean), list(inputs.file.std)]
    if protocol.calibration == "train-augmented":
        asked, own, used = augmentations(inputs, protocol, inputs.data.train_images)
        network.append(asdict(used) if asked or own else None)
        if asked and not own:
            network.append("black border")  # of `refpcm.evaluation.calibration.WithBlackBorder`
    choices = {name: getattr(protocol, name) for name in FINGERPRINTED}
    if protocol.gdc_reference != "first-read":  # options that are younger than many units
        choices["gdc_reference"] = protocol.gdc_reference
    if protocol.range_network is not None and protocol.needs_ranges():
        choices["range_network"] = sha256_of(protocol.range_network)
    digest.update(json.dumps([RESULTS_VERSION, network, device_to_dict(find_device(protocol.device)), choices],
                             sort_keys=True).encode())
    return digest.hexdigest()
