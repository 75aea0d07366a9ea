"""The profile of a training step names its kernels: it once timed nothing, since the engine had renamed what it wraps."""

import time

import numpy as np

from refpcm import build, cross_entropy, initial_parameters, make_engine
from tests.benchmarks.step_profile import profile


def test_the_profile_names_the_kernels_of_a_step():
    network = build("tiny-resnet8")
    parameters, engine = initial_parameters(network, seed=0), make_engine(network)
    images = np.random.default_rng(0).standard_normal((4, 3, 32, 32)).astype(np.float32)

    def step():
        logits = engine.forward(parameters, images, training=True)
        engine.backward(parameters, cross_entropy(logits, np.arange(4))[1])
    step()
    seconds = profile(step, time.perf_counter)
    assert {"convolve_bands (forward)", "convolve_bands (input gradient)", "weight_gradient_parts", "pack weights",
            "normalise", "normalise_gradient", "collect_weight_gradient"} <= set(seconds)
    assert all(value >= 0 for value in seconds.values())
