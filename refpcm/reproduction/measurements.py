"""Accuracies of the trained networks: digital, with additive noise, and on chips; finished units are kept.

Noise and chips have the seed of the training run, for given networks that of their place (`seeded`): no two runs of a
network share a chip, and different networks of one seed meet the same chips.
"""

from dataclasses import replace

import numpy as np

from refpcm import cli
from refpcm.evaluation.additive_noise import NoiseProtocol, run_noise
from refpcm.evaluation.protocol import Protocol, tasks
from refpcm.evaluation.run import run
from refpcm.inspection.loss import run_loss
from refpcm.inspection.loss_task import loss_tasks
from refpcm.reproduction.spread import spread, spread_of_differences
from refpcm.reproduction.trainings import network_files


class Meter:
    """One progress line over the units of many evaluations, those that were stored already not counting as work."""

    def __init__(self, total):
        self.progress, self.finished = cli.Progress(total, "evaluation: unit", unit="units", decimals=2), 0
        cli.say(f"evaluation: {total} units")

    def of_next(self, note):
        """Return progress(done, total) for the next evaluation; its first call tells what was stored."""
        stored, before = None, self.finished

        def update(done, total):
            nonlocal stored
            if stored is None:
                stored = done
                self.progress.first += stored
            self.finished = before + done
            self.progress.update(self.finished, note)
        return update


def over_noise(setting, variants, etas, pool):
    """Return the accuracy with additive noise: [{network, eta_inf, mean, ...}], a row a variant and strength in etas."""
    scale, rows = setting.scale, []
    meter = Meter(sum(len(network_files(setting, variant)) for variant in variants) * scale.inference_runs)
    for variant in variants:
        found = {eta: [] for eta in etas}
        for seed, path in seeded(setting, variant):
            protocol = NoiseProtocol(str(path), setting.data, tuple(etas), scale.inference_runs, seed, scale.images,
                                     kernels(scale))
            for eta, values in run_noise(protocol, setting.units, pool, meter.of_next(variant)).items():
                found[eta].append(values)
        rows += [{"network": variant, "eta_inf": eta, **spread(np.array(values)[:, :, None])}
                 for eta, values in found.items()]
    meter.progress.clear()
    return rows


def losses_by_cause(setting, variant, times_s, compensation, pool):
    """Return the points lost on chips by physical cause, as shares: [{network, t_s, cause, case, mean, ...}].

    case: "only" this cause on, or "without" it (`refpcm.inspection.loss`); of "everything" only the whole loss.
    """
    several = [protocol_at(setting, path, seed, times_s, (compensation,)) for seed, path in seeded(setting, variant)]
    several = [replace(protocol, reads=1) for protocol in several]
    meter = Meter(sum(len(loss_tasks(protocol, "cause", ())) for protocol in several))
    found = [run_loss(protocol, "cause", setting.units, pool, meter.of_next("causes"))["times"] for protocol in several]
    meter.progress.clear()
    rows = []
    for at_time in zip(*found):
        def row(cause, case, parts, t_s=at_time[0]["t_s"]):
            shares = [[[lost / 100] for lost in part["chips"]] for part in parts]
            rows.append({"network": variant, "t_s": t_s, "cause": cause, "case": case, **spread_of_differences(shares)})
        row("everything", "only", [each["lost"] for each in at_time])
        for causes in zip(*(each["causes"] for each in at_time)):
            for case in ("only", "without"):
                row(causes[0]["name"], case, [each[case] for each in causes])
    return rows


def etas_inf(scale):
    """Return the eta_inf of the scale, with 0 and every eta_tr among them, ascending."""
    return tuple(sorted({0.0, *scale.etas_inf, *scale.etas_tr}))


def on_chips(setting, variants, times_s, compensations, pool):
    """Return the accuracy on chips: [{network, t_s, compensation, mean, ...}]; without a chip, t_s None, compensation digital."""
    rows = []
    protocols = {variant: [protocol_at(setting, path, seed, times_s, compensations)
                           for seed, path in seeded(setting, variant)] for variant in variants}
    meter = Meter(sum(len(tasks(protocol)) for several in protocols.values() for protocol in several))
    for variant, several in protocols.items():
        results = [run(protocol, setting.units, pool, meter.of_next(variant)) for protocol in several]
        digital = [[[result["digital_accuracy"]]] for result in results]
        rows.append({"network": variant, "t_s": None, "compensation": "digital", **spread(digital)})
        for i, row in enumerate(results[0]["rows"]):
            values = [result["rows"][i]["accuracies"] for result in results]
            rows.append({"network": variant, "t_s": row["t_s"], "compensation": row["compensation"], **spread(values)})
    meter.progress.clear()
    return rows


def protocol_at(setting, path, seed, times_s, compensations):
    """Return the Protocol of one network at the setting's numbers."""
    scale = setting.scale
    return Protocol(str(path), setting.data, scale.device, seed, scale.chips, scale.reads, times_s,
                    compensations, scale.on_chip, images=scale.images, kernels=kernels(scale),
                    calibration=scale.calibration, adabs_batches=scale.adabs_batches,
                    adabs_batch_size=scale.adabs_batch_size)


def seeded(setting, variant):
    """Return (seed, path) of each of the variant's networks; 0, 1, ... where the scale has not as many seeds."""
    files, seeds = network_files(setting, variant), setting.scale.seeds
    return list(zip(seeds if len(seeds) == len(files) else range(len(files)), files))


def kernels(scale):
    """Return the name of the kernels of everything that is measured."""
    return scale.fp32.kernels
