"""How many conversions of a chip on tiles lie beyond the converters' ranges, layer by layer."""

from refpcm.evaluation.on_tiles import engine_on_tiles, with_ranges
from refpcm.evaluation.unit import programmed, readout_of
from refpcm.spec.compensation.global_drift import compensated_read
from refpcm.spec.crossbars import with_matrices
from refpcm.spec.pcm.product_noise import weight_variances
from refpcm.spec.pcm.tile import Saturation

IMAGES = 256  # test images that conversions are counted over: one batch, and so one read with noise "per_batch"


def chip_saturation(inputs, protocol):
    """Return [{"t_s": time, "layers": {layer name: {"dac": share, "adc": share}}}] of chip 0, read 0, after GDC.

    Shares of the conversions that saturated, over the first test images; None for converters that are ideal. Of a
    layer's inputs every pixel counts once, padding not. For a `refpcm.evaluation.protocol.Protocol` with converters.
    """
    protocol = with_ranges(inputs, protocol)
    network, trained = inputs.file.network, inputs.file.parameters
    images = min(IMAGES, inputs.image_count(protocol.images))
    chip, reference = programmed(inputs, protocol, 0)
    found = []
    for t_s in protocol.times_s:
        raw, compensated, alphas = compensated_read(chip, t_s, 0, reference, readout_of(inputs, protocol))
        variances = weight_variances(chip, t_s) if protocol.read_noise == "per_product" else {}
        engine = engine_on_tiles(inputs, protocol, chip, 0, raw, alphas, variances)
        engine.saturation = {crossbar.name: Saturation() for crossbar in chip.crossbars}
        inputs.count_correct(with_matrices(network, trained, compensated), images, engine=engine)
        found.append({"t_s": t_s, "layers": {name: shares(counts) for name, counts in engine.saturation.items()}})
    return found


def shares(counts):
    """{"dac": share, "adc": share} of a Saturation; None where nothing was converted."""
    return {"dac": counts.dac_saturated / counts.dac_values if counts.dac_values else None,
            "adc": counts.adc_saturated / counts.adc_values if counts.adc_values else None}


def largest(saturation):
    """The largest share of each converter over layers and times: [(DAC or ADC, share, layer name, t_s)]."""
    every = [(row["t_s"], name, layer) for row in saturation for name, layer in row["layers"].items()]
    found = []
    for kind in ("dac", "adc"):
        known = [(layer[kind], name, t_s) for t_s, name, layer in every if layer[kind] is not None]
        if known:
            found.append((kind.upper(), *max(known, key=lambda entry: entry[0])))
    return found
