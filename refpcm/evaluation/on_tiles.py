"""A chip's network on tiles, as a protocol asks for it."""

from functools import lru_cache

from refpcm.analog import to_matrices
from refpcm.analog_engine import AnalogEngine
from refpcm.analog_forward import Analog, calibrate_ranges
from refpcm.compensation.adabs import calibration_images
from refpcm.evaluation.inputs import load_inputs
from refpcm.pcm.tile import Ranges

RANGE_DRAW = 2 ** 32 - 1  # draw of the calibration images that set the converters' ranges
RANGE_IMAGES = 64  # calibration images that set the converters' ranges


def engine_on_tiles(protocol, chip, draw, matrices, alphas, variances):
    """AnalogEngine for a `refpcm.evaluation.protocol.Protocol`.

    matrices, alphas, variances: as in `refpcm.analog_forward.Analog`; draw: number of the read.
    """
    w_max = {crossbar.name: crossbar.w_max for crossbar in chip.crossbars}
    inputs = load_inputs(protocol.network, protocol.data, protocol.kernels)
    ranges = _ranges(protocol, inputs) if protocol.needs_ranges() else dict.fromkeys(matrices, Ranges(1.0, 1.0))
    analog = Analog(protocol.tiles(), matrices, w_max, ranges, alphas, (protocol.seed, chip.chip, draw), variances)
    return AnalogEngine(inputs.file.network, analog)


@lru_cache(maxsize=1)
def _ranges(protocol, inputs):
    """Converter ranges, from the trained weights and calibration images; the same for all chips."""
    network, parameters = inputs.file.network, inputs.file.parameters
    images = inputs.calibration_images(protocol.calibration)
    chosen = calibration_images(protocol.seed, 0, RANGE_DRAW, len(images), 1, min(RANGE_IMAGES, len(images)))[0]
    return calibrate_ranges(network, parameters, to_matrices(network, parameters, protocol.on_chip),
                            inputs.normalised(images[chosen]), protocol.tiles())
