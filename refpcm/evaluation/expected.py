"""I-21: batch norm's running statistics as the device model expects them on a chip that is yet to be made.

On PCM the layers' outputs are smaller than in software even right after programming: conductances are never below 0,
so the idle device of a pair only takes away, and drift begins before the first read. Training noise of mean 0 does not
show that, and the trained statistics are a little too wide for every chip. Here they are taken anew, on chips that the
device model makes for the purpose, and averaged. No real chip is measured, so this is no compensation of one: what is
common to all chips goes into the network, what is each chip's own is left to AdaBS.
"""

from refpcm.analog import program_network, with_matrices
from refpcm.compensation.adabs import calibration_images
from refpcm.errors import RefpcmError
from refpcm.evaluation.calibration import mini_batches
from refpcm.evaluation.protocol import Task
from refpcm.nn.batch_norm import mean_statistics
from refpcm.pcm.device import find_device

FIRST_CHIP = 2 ** 24  # number of the first chip made for this, beyond all that are evaluated


def expected_statistics(inputs, protocol, t_s, images_per_chip, progress=lambda done: None):
    """{running statistic: (C,)}: means over protocol.chips chips at t_s seconds after programming, raw reads.

    Every chip sees images_per_chip training images of its own choice, as protocol.calibration says (I-11, I-20), in
    training mode: a layer's input is normalised by the statistics of its own chip. inputs:
    `refpcm.evaluation.inputs.Inputs` of protocol.network. Raises RefpcmError for times or sizes that cannot be.
    """
    network, trained, device = inputs.file.network, inputs.file.parameters, find_device(protocol.device)
    images = inputs.calibration_images(protocol.calibration)
    if not 2 <= images_per_chip <= len(images):
        raise RefpcmError(f"images for each chip (--images): {images_per_chip} is not between 2 and the "
                          f"{len(images)} of {inputs.data.name}")

    def statistics():
        for number in range(protocol.chips):
            task = Task(protocol, FIRST_CHIP + number, t_s, 0, ())
            chip = program_network(network, trained, device, protocol.seed, task.chip, protocol.on_chip)
            chosen = calibration_images(protocol.seed, task.chip, task.draw, len(images), 1, images_per_chip)
            batch, = mini_batches(inputs, images, chosen, protocol, task)
            inputs.engine.forward(with_matrices(network, trained, chip.read(t_s)), batch, training=True)
            progress(number + 1)
            yield inputs.engine.statistics
    return {name: mean.astype(trained[name].dtype) for name, mean in mean_statistics(statistics()).items()}
