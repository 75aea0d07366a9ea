"""A chip's network on tiles, as a protocol asks for it."""

from functools import lru_cache

from refpcm.spec.compensation.adabs import calibration_images
from refpcm.spec.crossbars import to_matrices
from refpcm.spec.network_on_tiles import Analog, calibrate_ranges
from refpcm.spec.pcm.tile import Ranges

RANGE_DRAW = 2 ** 32 - 1  # draw of the calibration images that set the converters' ranges
RANGE_IMAGES = 64  # calibration images that set the converters' ranges


def engine_on_tiles(inputs, protocol, chip, draw, matrices, alphas, variances):
    """Return an engine on tiles for a `refpcm.evaluation.protocol.Protocol`.

    matrices, alphas, variances: as in `refpcm.spec.network_on_tiles.Analog`; draw: number of the read.
    """
    w_max = {crossbar.name: crossbar.w_max for crossbar in chip.crossbars}
    ranges = _ranges(protocol, inputs) if protocol.needs_ranges() else dict.fromkeys(matrices, Ranges(1.0, 1.0))
    analog = Analog(protocol.tiles(), matrices, w_max, ranges, alphas, (protocol.seed, chip.chip, draw), variances,
                    inputs.forms.random)
    return inputs.forms.make_engine_on_tiles(inputs.file.network, analog)


@lru_cache(maxsize=1)
def _ranges(protocol, inputs):
    """Converter ranges, from the trained weights and calibration images; the same for all chips."""
    network, parameters = inputs.file.network, inputs.file.parameters
    images = inputs.calibration_images(protocol.calibration)
    chosen = calibration_images(protocol.seed, 0, RANGE_DRAW, len(images), 1, min(RANGE_IMAGES, len(images)),
                                inputs.forms.random)[0]
    return calibrate_ranges(network, parameters, to_matrices(network, parameters, protocol.on_chip),
                            inputs.normalised(images[chosen]), protocol.tiles())
