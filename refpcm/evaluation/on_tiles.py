"""A chip's network on tiles, as a protocol asks for it."""

from dataclasses import replace

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.calibration import random_rows
from refpcm.files.network_file import load_network
from refpcm.spec.network_on_tiles import Analog, calibrate_ranges
from refpcm.spec.pcm.tile import Ranges

RANGE_DRAW = 2 ** 32 - 1  # draw of the calibration images that set the converters' ranges
RANGE_BATCH = 50  # images at a time; 200 batches for the paper's 10,000


def engine_on_tiles(inputs, protocol, chip, draw, matrices, alphas, variances):
    """Return an engine on tiles for a `refpcm.evaluation.protocol.Protocol` that has its ranges, if it needs some.

    matrices, alphas, variances: as in `refpcm.spec.network_on_tiles.Analog`; draw: number of the read.
    """
    w_max = {crossbar.name: crossbar.w_max for crossbar in chip.crossbars}
    ranges = {name: Ranges(of_inputs, of_outputs) for name, of_inputs, of_outputs in protocol.ranges}
    ranges = ranges or dict.fromkeys(matrices, Ranges(1.0, 1.0))  # ideal converters have none
    analog = Analog(protocol.tiles(), matrices, w_max, ranges, alphas, (protocol.seed, chip.chip, draw), variances,
                    inputs.forms.random)
    return inputs.forms.make_engine_on_tiles(inputs.file.network, analog)


def range_file(inputs, protocol):
    """Return the NetworkFile whose activations set the converters' ranges (I-29). Raises as `with_ranges`."""
    if protocol.range_network is None:
        return inputs.file
    file = load_network(protocol.range_network)
    if file.network.layers != inputs.file.network.layers:
        raise RefpcmError(f"{protocol.range_network} cannot set the converters' ranges (--range-network): it is a "
                          f"{file.network.architecture}, not a {inputs.file.network.architecture} as the network evaluated")
    return file


def with_ranges(inputs, protocol, progress=lambda done, total: None):
    """Return the protocol with its converters' ranges, if it needs some: from trained weights, the same for all chips.

    The weights are those of the network, or of `range_network`, another of the same layers (I-29). The images are training
    images, with calibration "test" test images, as many as the protocol says or as there are, without augmentation.
    progress(done, total) is called before every RANGE_BATCH images, and after the last. Raises RefpcmError for a
    range_network of other layers.
    """
    if not protocol.needs_ranges() or protocol.ranges:
        return protocol
    file, network = range_file(inputs, protocol), inputs.file.network
    images = inputs.calibration_images(protocol.calibration)
    count = min(protocol.range_images, len(images))
    chosen = random_rows(images, count, protocol.seed, RANGE_DRAW, inputs.forms.random)

    def batches():
        for begin in range(0, count, RANGE_BATCH):
            progress(begin, count)
            yield inputs.forms.normalised(images[chosen[begin:begin + RANGE_BATCH]], file.mean, file.std)
        progress(count, count)
    parameters = file.parameters if protocol.kernels == "numpy" else {  # of the fast forms, which have float32 alone
        name: value.astype(np.float32, copy=False) for name, value in file.parameters.items()}
    ranges = calibrate_ranges(network, parameters, protocol.on_chip, batches(), count, protocol.tiles(),
                              convolve=inputs.forms.convolve)
    return replace(protocol, ranges=tuple((name, found.inputs, found.outputs) for name, found in ranges.items()))
