"""refpcm.evaluation.additive_noise: which noise each inference run has, and that no noise is one run."""

from refpcm.evaluation.additive_noise import NoiseProtocol, run_noise
from refpcm.evaluation.inputs import load_inputs
from refpcm.spec.random import Purpose
from refpcm.spec.training.weight_noise import noisy_parameters


def test_every_run_has_noise_of_its_own_and_no_noise_is_one_run(small, tmp_path):
    protocol = NoiseProtocol(small.network, small.data, (0.0, 0.1), runs=3, seed=7, kernels="direct")
    inputs = load_inputs(protocol)

    def share_right(run, purpose=Purpose.INFERENCE_NOISE):
        parameters = noisy_parameters(inputs.file.network, inputs.file.parameters, 0.1, 7, run, purpose)
        return inputs.count_correct(parameters) / 20
    expected = [share_right(run) for run in range(3)]
    assert len({*expected}) > 1 and expected != [share_right(run, Purpose.WEIGHT_NOISE) for run in range(3)]
    assert run_noise(protocol, tmp_path) == {0.0: [1.0], 0.1: expected}
