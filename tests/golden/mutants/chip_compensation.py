"""Mistakes in what a whole chip does with the weights it reads: GDC, converters, AdaBS (L8).

STAGES says where the report must put the first difference: the beginning of a tensor's name.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden.reference import chip
from refpcm.spec.compensation import adabs
from refpcm.spec.engine import Engine
from refpcm.spec.network_on_tiles import EngineOnTiles
from refpcm.spec.pcm import converters, mapping
from tests.golden.mutants.replacing import changed_inputs, parameter, replaced

ORIGINAL_READ, ORIGINAL_MATRICES, ON_TILES = chip.read_chip, chip.to_matrices, chip.on_tiles
FACTORS, CALIBRATED, CODES, LAYER_INPUTS = chip.gdc_factors, chip.calibrated, converters.codes, chip.layer_inputs


# --- global drift compensation

def _readout_of_g_plus(g_us, weights, parameters, original=chip.readout):
    return original(np.stack([g_us[0], 0 * g_us[1]]), weights, parameters)


def _one_for_all(choose):
    """All layers get one factor: choose(list of factors)."""
    def gdc_factors(readouts, reference):
        factors = FACTORS(readouts, reference)
        common = choose([np.mean(alpha) for alpha in factors.values()])
        return {name: np.full_like(alpha, common) for name, alpha in factors.items()}
    return replaced(chip, "gdc_factors", gdc_factors)


def _no_factor(readouts, reference):
    return {name: np.ones_like(alpha) for name, alpha in FACTORS(readouts, reference).items()}


def _mean_of_columns(readouts, reference):
    """One factor for all columns of a layer."""
    return {name: np.full_like(alpha, np.mean(alpha)) for name, alpha in FACTORS(readouts, reference).items()}


def _reference_of(stage):
    """The reference of GDC from the targets or the programmed conductances."""
    def reference_readouts(state, read, parameters):
        found = {}
        for name, g_us in state[stage].items():
            weights = read["weights"][name]
            scale = np.abs(weights).max() / np.abs(read["g_us"][name][0] - read["g_us"][name][1]).max()
            found[name] = chip.readout(g_us, mapping.to_weights(g_us, scale, 1.0), parameters)
        return found
    return replaced(chip, "reference_readouts", reference_readouts)


def _reference_of_the_read_before():
    """Each read is compared with the one before it."""
    before = {}

    def gdc_factors(readouts, reference):
        first = before.get("reference") is not reference
        factors = FACTORS(readouts, reference if first else before["readouts"])
        before.update(reference=reference, readouts=readouts)
        return factors
    return replaced(chip, "gdc_factors", gdc_factors)


def _noise_on_its_own(scaled):
    """The noise of a read, in the weights: times alpha before the division by alpha, or divided once more."""
    first = {}

    def read_chip(state, w_max, number, inputs, parameters, equations):
        found = ORIGINAL_READ(state, w_max, number, inputs, parameters, equations)
        if number == 0:
            first.update(found["readout"])
            return found
        for name, alpha in FACTORS(found["readout"], first).items():
            w = found["weights"][name]
            scale = w_max[name] / chip.chosen.device(parameters).g_max_us
            drifted = mapping.to_weights(found["g_drift_us"][name], scale, 1.0)
            found["weights"][name] = (drifted + (w - drifted) * (1 / alpha if scaled else alpha)).astype(w.dtype)
        return found
    return replaced(chip, "read_chip", read_chip)


# --- products on tiles

def _changed_tiles(change):
    """What the tiles compute with, changed: change(Analog, parameters) -> Analog."""
    def on_tiles(parameters, weights, w_max, alpha):
        return change(ON_TILES(parameters, weights, w_max, alpha), parameters)
    return replaced(chip, "on_tiles", on_tiles)


def _compensated_before_conversion(analog, parameters):
    weights = {name: (w / analog.alphas[name]).astype(w.dtype) for name, w in analog.matrices.items()}
    return replace(analog, matrices=weights, alphas={name: 1.0 for name in weights})


def _compensated_twice(analog, parameters):
    return replace(analog, alphas={name: np.asarray(alpha) ** 2 for name, alpha in analog.alphas.items()})


def _not_compensated(analog, parameters):
    return replace(analog, alphas={name: 1.0 for name in analog.alphas})


def _first_read_for_all():
    """The network runs with the weights of the first read that has a factor."""
    seen = {}

    def change(analog, parameters):
        if seen.get("parameters") is not parameters:
            seen.update(parameters=parameters, matrices=analog.matrices)
        return replace(analog, matrices=seen["matrices"])
    return _changed_tiles(change)


def _whole_columns(analog, parameters):
    return replace(analog, tiles=replace(analog.tiles, rows=None))


def _ranges_exchanged(analog, parameters):
    exchanged = {name: replace(r, inputs=r.outputs, outputs=r.inputs) for name, r in analog.ranges.items()}
    return replace(analog, ranges=exchanged)


def _digital(layer, rows=slice(None)):
    """A layer (or rows of it) computes with the trained weights, although it was programmed and read."""
    seen = {}

    def to_matrices(net, weights, on_chip):
        seen.clear()
        seen.update(ORIGINAL_MATRICES(net, weights, on_chip))
        return dict(seen)

    def on_tiles(parameters, weights, w_max, alpha):
        used = dict(weights)
        if layer in used:
            used[layer] = used[layer].copy()
            used[layer][rows] = (seen[layer] * alpha[layer])[rows]
        return ON_TILES(parameters, used, w_max, alpha)
    return replaced(chip, "to_matrices", to_matrices) + replaced(chip, "on_tiles", on_tiles)


def _unsigned(x, converter, full_scale):
    return np.maximum(CODES(x, converter, full_scale), 0)


def _bias_driven_by_half(layer, values):
    found = LAYER_INPUTS(layer, values)
    return found if found is values else np.concatenate([found[:, :-1], 0.5 * found[:, -1:]], 1)


# --- AdaBS: calibrated(engine, weights, calibration) -> weights

class _Statistics:
    """An engine whose statistics are changed: change(Statistics of a batch norm) -> Statistics."""

    def __init__(self, engine, change):
        self.engine, self.change = engine, change

    def forward(self, *arguments, **options):
        return self.engine.forward(*arguments, **options)

    @property
    def statistics(self):
        return {name: self.change(statistics) for name, statistics in self.engine.statistics.items()}


def _unbiased(statistics):
    n = statistics.count
    return statistics._replace(variance=statistics.variance * n / (n - 1))


def _deviation(statistics):
    return statistics._replace(variance=np.sqrt(statistics.variance))


def _with(change):
    return replaced(chip, "calibrated", lambda engine, weights, batches: CALIBRATED(_Statistics(engine, change), weights, batches))


def _from_zero_and_one(engine, weights, batches):
    fresh = {name: np.zeros_like(w) if name.endswith("running_mean") else np.ones_like(w) if name.endswith("running_var") else w
             for name, w in weights.items()}
    return CALIBRATED(engine, fresh, batches)


def _continued():
    """The statistics start where those of the read before ended."""
    before = {}

    def calibrated(engine, weights, batches):
        start = before["after"] if before.get("weights") is weights else weights
        before.update(weights=weights, after=CALIBRATED(engine, start, batches))
        return before["after"]
    return replaced(chip, "calibrated", calibrated)


def _once():
    """The statistics of the first read serve all later ones."""
    before = {}

    def calibrated(engine, weights, batches):
        if before.get("weights") is not weights:
            before.update(weights=weights, after=CALIBRATED(engine, weights, batches))
        return before["after"]
    return replaced(chip, "calibrated", calibrated)


def _without_gdc(engine, weights, batches):
    analog = replace(engine.analog, alphas={})
    return CALIBRATED(EngineOnTiles(engine.network, analog), weights, batches)


def _on_the_digital_network(engine, weights, batches):
    return CALIBRATED(Engine(engine.network), weights, batches)


def _last_batch_first(engine, weights, batches):
    return CALIBRATED(engine, weights, batches[::-1])


def _one_large_batch(engine, weights, batches):
    return CALIBRATED(engine, weights, batches.reshape(1, -1, *batches.shape[2:]))


def _one_batch_only(engine, weights, batches):
    return CALIBRATED(engine, weights, batches[:1])


def _kept(part):
    """These statistics stay as they were."""
    def calibrated(engine, weights, batches):
        after = CALIBRATED(engine, weights, batches)
        return {name: weights[name] if name.endswith(part) else value for name, value in after.items()}
    return replaced(chip, "calibrated", calibrated)


def _calibrating(function):
    return replaced(chip, "calibrated", function)


CATALOGUE = [  # stage, name, what is wrong, replacements
    ("readout.0", "chip-readout-of-g-plus", "columns of G+ only", replaced(chip, "readout", _readout_of_g_plus)),
    ("readout.0", "chip-always-ones", "I-10 ones whatever is asked", changed_inputs("chip_inference", parameter("readout", "ones"))),
    ("readout.0", "chip-one-factor-a-layer", "one factor a layer whatever is asked",
     changed_inputs("chip_inference", parameter("gdc", "layer"))),
    ("weights.1", "chip-noise-after-gdc", "read noise added after the compensation", _noise_on_its_own(scaled=False)),
    ("weights.1", "chip-noise-scaled", "read noise divided by alpha once more", _noise_on_its_own(scaled=True)),
    ("alpha.1", "chip-alpha-mean", "alpha averaged over layers", _one_for_all(np.mean)),
    ("alpha.1", "chip-alpha-of-first-layer", "the first layer's alpha for all layers", _one_for_all(lambda alphas: alphas[0])),
    ("alpha.1", "chip-no-gdc", "alpha = 1", replaced(chip, "gdc_factors", _no_factor)),
    ("alpha.1", "chip-alpha-of-columns", "the mean alpha for all columns", replaced(chip, "gdc_factors", _mean_of_columns)),
    ("alpha.1", "chip-reference-programmed", "GDC's reference from the programmed conductances", _reference_of("g_prog_us")),
    ("alpha.1", "chip-reference-target", "GDC's reference from the targets", _reference_of("g_target_us")),
    ("alpha.2", "chip-reference-before", "GDC against the read before", _reference_of_the_read_before()),
    ("codes_out.1", "chip-gdc-before-adc", "compensation before the ADC", _changed_tiles(_compensated_before_conversion)),
    ("codes_out.1", "chip-one-adc", "one ADC for all row parts", _changed_tiles(_whole_columns)),
    ("codes", "chip-ranges-exchanged", "DAC and ADC ranges exchanged", _changed_tiles(_ranges_exchanged)),
    ("codes_in.1", "chip-unsigned-codes", "negative numbers converted to 0", replaced(converters, "codes", _unsigned)),
    ("codes_in.1.fc", "chip-bias-driven-by-half", "the bias row driven by half",
     replaced(chip, "layer_inputs", _bias_driven_by_half)),
    ("codes_out.1.fc", "chip-bias-digital", "biases digital", _digital("fc", slice(-1, None))),
    ("codes_out.1.conv1", "chip-first-digital", "first layer digital", _digital("conv1")),
    ("codes_out.1.down", "chip-downsample-digital", "1x1 shortcut digital", _digital("down")),
    ("codes_out.1.fc", "chip-last-digital", "last layer digital", _digital("fc")),
    ("codes", "chip-gdc-twice", "output divided by alpha twice", _changed_tiles(_compensated_twice)),
    ("codes", "chip-gdc-forgotten", "alpha measured, output not divided", _changed_tiles(_not_compensated)),
    ("codes_out.2.conv", "chip-first-read-kept", "weights of the first read at every time", _first_read_for_all()),
    ("running_var.1", "chip-adabs-unbiased", "AdaBS with the unbiased variance", _with(_unbiased)),
    ("running_var.1", "chip-adabs-deviation", "AdaBS with the standard deviation", _with(_deviation)),
    ("running_mean.1", "chip-adabs-from-0-1", "AdaBS from mean 0 and variance 1", _calibrating(_from_zero_and_one)),
    ("running_mean.2", "chip-adabs-continued", "AdaBS continued from the time before", _continued()),
    ("running_mean.2", "chip-adabs-once", "AdaBS at the first read only", _once()),
    ("running_mean.1", "chip-adabs-without-gdc", "AdaBS calibrated without GDC", _calibrating(_without_gdc)),
    ("running_mean.1", "chip-adabs-digital", "AdaBS calibrated on the digital network", _calibrating(_on_the_digital_network)),
    ("running_mean.1", "chip-adabs-p-per-batch", "p = 0.015 for every batch", replaced(adabs, "decay", lambda batches: 0.015)),
    ("running_mean.1", "chip-adabs-backwards", "the last mini-batch first", _calibrating(_last_batch_first)),
    ("running_mean.1", "chip-adabs-one-batch", "all mini-batches as one", _calibrating(_one_large_batch)),
    ("running_mean.1", "chip-adabs-first-batch", "the first mini-batch only", _calibrating(_one_batch_only)),
    ("running_var.1", "chip-adabs-means-only", "variances not adapted", _kept("running_var")),
    ("running_mean.1", "chip-adabs-variances-only", "means not adapted", _kept("running_mean")),
    ("logits_adabs.1", "chip-adabs-not-used", "adapted statistics not used",
     [(EngineOnTiles, "forward", lambda self, parameters, images, training=False, original=EngineOnTiles.forward:
       original(self, parameters if training else _trained(parameters, self), images, training))]),
]


def _trained(parameters, engine):
    """Return parameters with running statistics of 0 and 1, as an engine has them that was never told."""
    return {name: np.zeros_like(w) if name.endswith("running_mean") else np.ones_like(w) if name.endswith("running_var") else w
            for name, w in parameters.items()}


MUTANTS = [(name, what, replacements) for _, name, what, replacements in CATALOGUE]
STAGES = {name: stage for stage, name, _, _ in CATALOGUE}
