"""Mistakes in AdaBS on a whole chip, invented without knowledge of the cases."""

from dataclasses import replace

import numpy as np

from refpcm.golden.reference import chip
from refpcm.spec import nn
from refpcm.spec.layers import BatchNorm
from refpcm.spec.network_on_tiles import EngineOnTiles, analog_forward
from refpcm.spec.pcm.converters import Converter
from tests.golden.mutants.replacing import replaced

CALIBRATED, RUN = chip.calibrated, chip.through_tiles


class _RunningMeanwhile:
    """An engine that normalises with the running statistics while those of the batch are taken."""
    def __init__(self, engine):
        self.engine, self.statistics = engine, {}

    def forward(self, parameters, images, training=False):
        tape = analog_forward(self.engine.network, parameters, self.engine.analog, images)
        for layer in self.engine.network.layers:
            if isinstance(layer, BatchNorm):
                ones = np.ones(layer.channels, images.dtype)
                self.statistics[layer.name] = nn.batch_norm_training(tape.values[layer.inputs[0]], ones, 0 * ones)[1]


def _calibrated(change):
    """Another calibration: change(engine, weights, batches) -> weights."""
    return replaced(chip, "calibrated", change)


def _adapted(change):
    """Another use of what AdaBS found: change(trained, adapted) -> parameters."""
    return _calibrated(lambda engine, weights, batches: change(weights, CALIBRATED(engine, weights, batches)))


def _kept(*norms):
    return _adapted(
        lambda trained, adapted: {
            name: trained[name] if name.partition(".")[0] in norms else value for name, value in adapted.items()
        }
    )


def _exchanged(trained, adapted):
    swapped = {
        f"{a}.{what}": adapted[f"{b}.{what}"]
        for a, b in (("bn2", "bn3"), ("bn3", "bn2"))
        for what in ("running_mean", "running_var")
    }
    return {**adapted, **swapped}


def _betas_reset(trained, adapted):
    """gamma and beta begin anew, as those of a new batch norm layer."""
    norms = {name.partition(".")[0] for name in trained if name.endswith("running_mean")}
    return {**adapted, **{f"{norm}.bias": 0 * trained[f"{norm}.bias"] for norm in norms}}


def _on_other(change):
    """Calibrated on another Analog: change(Analog) -> Analog."""
    return _calibrated(
        lambda engine, weights, batches: CALIBRATED(
            EngineOnTiles(engine.network, change(engine.analog)), weights, batches
        )
    )


def _ideal(analog):
    return replace(analog, tiles=replace(analog.tiles, dac=Converter(None), adc=Converter(None)))


def _test_images():
    """Calibrated with the images that are to be recognised."""
    seen = {}

    def through_tiles(net, weights, analog, images):
        seen["images"] = images
        return RUN(net, weights, analog, images)
    return replaced(chip, "through_tiles", through_tiles) + _calibrated(
        lambda engine, weights, batches: CALIBRATED(engine, weights, seen["images"][None])
    )


def _stays():
    """The next read's result with GDC alone has the statistics that AdaBS left."""
    left = {}

    def calibrated(engine, weights, batches):
        left.update(trained=weights, adapted=CALIBRATED(engine, weights, batches))
        return left["adapted"]

    def through_tiles(net, weights, analog, images):
        return RUN(net, left["adapted"] if left.get("trained") is weights else weights, analog, images)
    return _calibrated(calibrated) + replaced(chip, "through_tiles", through_tiles)


MUTANTS = [
    ("wire-adabs-running-meanwhile", "normalised with the running statistics meanwhile",
     _calibrated(lambda engine, weights, batches: CALIBRATED(_RunningMeanwhile(engine), weights, batches))),
    ("wire-adabs-no-shortcut", "the shortcut's batch norm is left as it is", _kept("bn3")),
    ("wire-adabs-last-only", "only the last batch norm is adapted", _kept("bn1", "bn2")),
    ("wire-adabs-not-first", "the first batch norm is left as it is", _kept("bn1")),
    ("wire-adabs-exchanged", "statistics of two batch norms exchanged", _adapted(_exchanged)),
    ("wire-adabs-betas-reset", "betas begin anew", _adapted(_betas_reset)),
    ("wire-adabs-test-images", "calibrated with the test images", _test_images()),
    ("wire-adabs-ideal", "calibrated without converters", _on_other(_ideal)),
    ("wire-adabs-drop-last", "the last mini-batch is dropped",
     _calibrated(lambda engine, weights, batches: CALIBRATED(engine, weights, batches[:-1]))),
    ("wire-adabs-drop-first", "the first mini-batch is dropped, p stays",
     _calibrated(
         lambda engine, weights, batches: CALIBRATED(engine, weights, np.concatenate([batches[1:], batches[-1:]]))
     )),
    ("wire-adabs-stays", "the next result with GDC alone has the adapted statistics", _stays()),
]
