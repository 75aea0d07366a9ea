"""I-21: batch norm's running statistics as the device model expects them at the first read of a chip.

The weights on a chip are noisy, and on average a little smaller than those wanted: conductances are never below 0, so
the idle device of a pair, where it is programmed (I-5), only takes away; and drift has begun where the first read comes
after t0. Trained statistics do not know of that, nor, without noise in training, of the noise. Here they are taken
anew, on chips that the device model makes for the purpose, and averaged. No chip is measured, so this compensates none:
what all chips have in common goes into the network, what is each chip's own is left to AdaBS.
"""

import json

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.calibration import mini_batches
from refpcm.evaluation.protocol import Task
from refpcm.files.devices import find_device
from refpcm.spec.compensation.adabs import calibration_images
from refpcm.spec.crossbars import program_network, with_matrices
from refpcm.spec.nn.batch_norm import mean_statistics
from refpcm.spec.pcm.device_data import device_to_dict

FIRST_CHIP = 2 ** 24  # number of the first chip made for this; an evaluation has at most MOST_UNITS, fewer


def expected_statistics(inputs, protocol, progress=lambda done: None):
    """{running statistic: (C,)}: means over protocol.chips chips, raw reads at protocol.times_s[0].

    Every chip sees protocol.adabs_batch_size training images of its own choice, as protocol.calibration says (I-11,
    I-20), in training mode: a layer's input is normalised by the statistics of its own chip. inputs:
    `refpcm.evaluation.inputs.Inputs` of protocol.network. progress(done) is called after every chip. Raises RefpcmError
    for data without such images, for times before the device's t0, and for statistics that are not finite.
    """
    network, trained, device = inputs.file.network, inputs.file.parameters, find_device(protocol.device)
    each, t_s = protocol.adabs_batch_size, protocol.times_s[0]
    images = inputs.data.train_images
    if not 2 <= each <= len(images):
        raise RefpcmError(f"expected statistics need 2 or more training images for each chip (--images), not {each}, "
                          f"and no more than {inputs.data.name} has, {len(images)}")

    def statistics():
        for number in range(protocol.chips):
            task = Task(protocol, FIRST_CHIP + number, t_s, 0, ())
            chosen = calibration_images(protocol.seed, task.chip, task.draw, len(images), 1, each,
                                        inputs.forms.random)
            batch, = mini_batches(inputs, images, chosen, protocol, task)
            chip = program_network(network, trained, device, protocol.seed, task.chip, protocol.on_chip,
                                   inputs.forms.chip.program)
            inputs.engine.forward(with_matrices(network, trained, inputs.forms.chip.read(chip, t_s)), batch, training=True)
            progress(number + 1)
            yield inputs.engine.statistics
    with np.errstate(over="ignore"):  # said below
        found = {name: mean.astype(trained[name].dtype) for name, mean in mean_statistics(statistics()).items()}
    if not all(np.isfinite(value).all() for value in found.values()):
        raise RefpcmError(f"{protocol.network}: the outputs of its layers are not finite on a chip; its weights are "
                          "too large")
    return found


def made_for_another_device(notes, device):
    """Return a sentence if a network's notes say that its statistics are those expected on chips of another device; else ""."""
    note = notes.get("statistics")
    made_for = note.get("device") if isinstance(note, dict) else None
    if not isinstance(made_for, dict) or made_for == json.loads(json.dumps(device_to_dict(device))):
        return ""
    return (f"the network's batch norm statistics are those that refpcm.expect made for device {made_for.get('name')}, which "
            f"is not this {device.name}")


def changes(before, after):
    """How statistics {name: (C,)} differ, over all channels whose variance is above 0 in both.

    The relative change of the variance, geometric mean; the root mean square of the mean's change in standard
    deviations.
    """
    norms = [name.removesuffix(".running_var") for name in after if name.endswith(".running_var")]
    shift, log = np.concatenate([change(before, after, name) for name in norms], axis=1)
    used = ~np.isnan(shift)
    return (float(np.expm1(log[used].mean())), float(np.sqrt(np.square(shift[used]).mean()))) if used.any() else (0.0, 0.0)


def change(before, after, name):
    """Return two rows (2, C) of one batch norm: the mean's change in standard deviations, and ln of the variances' ratio.

    before, after {name: array}: parameters. NaN for channels of variance 0 in one of them.
    """
    old, new = (np.asarray(each[f"{name}.running_var"], np.float64) for each in (before, after))
    moved = np.asarray(after[f"{name}.running_mean"], np.float64) - before[f"{name}.running_mean"]
    used = (old > 0) & (new > 0)
    safe_old, safe_new = np.where(used, old, 1.0), np.where(used, new, 1.0)
    return np.where(used, [moved / np.sqrt(safe_old), np.log(safe_new / safe_old)], np.nan)
