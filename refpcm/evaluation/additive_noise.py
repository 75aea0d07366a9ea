"""Accuracy with additive noise on the weights at inference, without a device: the paper's eta_inf.

    W_inf = W + eta_inf W_max z          eta_inf = sigma(dG) / G_max (Joshi et al. 2020)

on every crossbar weight, z standard normal, drawn once for each inference run and layer. The same z serves every
eta_inf, so that curves over eta_inf are compared on common random numbers.
"""

import json
from dataclasses import dataclass, replace

from refpcm.errors import RefpcmError
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.protocol import RESULTS_VERSION
from refpcm.evaluation.run import run_units
from refpcm.evaluation.store import Store
from refpcm.spec import random


@dataclass(frozen=True)
class NoiseProtocol:
    """network, data, images, kernels: as in `refpcm.evaluation.protocol.Protocol`; runs: inference runs; seed: of z."""
    network: str
    data: str | None = None
    etas: tuple = (0.038,)
    runs: int = 1
    seed: int = 0
    images: int | None = None
    kernels: str = "winograd"

    def __post_init__(self):
        if not self.etas or min(self.etas) < 0 or self.runs < 1:
            raise RefpcmError(f"additive noise: etas {self.etas} must be zero or more, runs {self.runs} at least 1")


@dataclass(frozen=True)
class NoiseTask:
    """One inference run, with every strength in `etas`; a unit of `refpcm.evaluation.run.run_units`."""
    protocol: NoiseProtocol
    run: int
    etas: tuple

    @property
    def name(self):
        return f"noise-run{self.run}"

    @property
    def address(self):
        return {"run": self.run}

    @property
    def parts(self):
        return tuple(str(eta) for eta in self.etas)

    def only(self, parts):
        return replace(self, etas=tuple(eta for eta in self.etas if str(eta) in parts))


def noise_counts(inputs, task):
    """{eta as text: number of test images recognised}; addressed by (seed, INFERENCE_NOISE, layer, run, weight)."""
    protocol = task.protocol
    correct = {}
    for eta in task.etas:
        parameters = inputs.forms.rules.noisy_parameters(inputs.file.network, inputs.file.parameters, eta, protocol.seed,
                                                         task.run, random.Purpose.INFERENCE_NOISE)
        correct[str(eta)] = inputs.count_correct(parameters, protocol.images)
    return correct


def noise_fingerprint(inputs, protocol):
    """Return the SHA-256 of all that a unit's result depends on beside the strength and the run."""
    digest = inputs.digest(inputs.data.test_images, inputs.data.test_labels)
    choices = [RESULTS_VERSION, inputs.file.network.architecture, list(inputs.file.mean), list(inputs.file.std), protocol.seed,
               protocol.images, protocol.kernels]
    digest.update(json.dumps(choices).encode())
    return digest.hexdigest()


def run_noise(protocol, folder, executor=None, progress=lambda done, total: None):
    """{eta: [accuracy of each run]}; of eta = 0 the first run is all there is.

    Units are kept in `folder`; executor and progress are as in `refpcm.evaluation.run.run`.
    """
    inputs = load_inputs(protocol)
    images = inputs.image_count(protocol.images)
    every = [NoiseTask(protocol, run, tuple(float(eta) for eta in protocol.etas if eta or run == 0))
             for run in range(protocol.runs)]
    correct = run_units(inputs, every, noise_counts, noise_fingerprint,
                        Store(folder, noise_fingerprint(inputs, protocol)), executor, progress)
    return {eta: [found[str(float(eta))] / images for found in correct.values() if str(float(eta)) in found]
            for eta in protocol.etas}
