"""What I-21 gives, on training images: `python -m tests.benchmarks.expected_statistics --network FILE --expected FILE`.

FILE and what `refpcm.expect` made of it. First, how much the weights shrink on chips, at t0 and at the first read: the
slope of the weights read over those wanted, mean over layers and chips. Then accuracy on training images as they are,
on chips that no other measurement uses: trained statistics; the same with every layer's weights divided by its slope,
which undoes the shrinking alone; expected statistics; AdaBS (I-20). Differences are paired by chip. So the choice of
I-21 saw no test image.
"""

import argparse

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.calibration import mini_batches
from refpcm.evaluation.expected import changes
from refpcm.evaluation.inputs import BATCH, Inputs
from refpcm.evaluation.nested import summarise
from refpcm.evaluation.prediction import predict
from refpcm.evaluation.protocol import Protocol, Task
from refpcm.fast.chip import program, read
from refpcm.files.network_file import load_network
from refpcm.spec.compensation.adabs import calibrate, calibration_images
from refpcm.spec.crossbars import program_network, with_matrices
from refpcm.spec.pcm.chip import effective_weights
from refpcm.spec.pcm.device import JOSHI2020

SEED, T_S = 78, 25.0


def slopes(chip, weights):
    """Return {layer: slope} of the weights read over the target weights, least squares through 0."""
    found = {}
    for crossbar in chip.crossbars:
        target = effective_weights(chip, crossbar, crossbar.g_target_us).astype(float)
        found[crossbar.name] = (target * weights[crossbar.name]).sum() / np.square(target).sum()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--network", required=True, metavar="FILE")
    parser.add_argument("--expected", required=True, metavar="FILE", help="the same, after refpcm.expect")
    parser.add_argument("--data", metavar="DIR", help="prepared data set; the built-in one if left out")
    parser.add_argument("--chips", type=int, default=10)
    parser.add_argument("--images", type=int, default=4000)
    options = parser.parse_args()
    inputs = Inputs(options.network, options.data, "winograd")
    network, trained, expected = inputs.file.network, inputs.file.parameters, load_network(options.expected).parameters
    if any(not np.array_equal(expected[name], value) for name, value in trained.items() if ".running_" not in name):
        raise RefpcmError(f"{options.expected} has other weights than {options.network}")
    everything, labels = inputs.data.train_images, inputs.data.train_labels
    rows = calibration_images(SEED, 0, 1, len(everything), 1, options.images)[0]
    protocol = Protocol(options.network, options.data, seed=SEED, kernels="winograd", calibration="train-augmented")

    def accuracy(parameters):
        return 100 * np.mean(np.concatenate([
            predict(inputs.forms, inputs.engine, parameters, everything[part], inputs.file.mean, inputs.file.std) == labels[part]
            for part in np.split(rows, range(BATCH, len(rows), BATCH))]))

    shrinkage, found = {JOSHI2020.t0_s: [], T_S: []}, []
    for number in range(options.chips):
        chip = program_network(network, trained, JOSHI2020, SEED, number, program=program)
        weights = read(chip, T_S)
        slope = slopes(chip, weights)
        shrinkage[T_S].append(slope)
        shrinkage[JOSHI2020.t0_s].append(slopes(chip, read(chip, JOSHI2020.t0_s)))
        raw, task = with_matrices(network, trained, weights), Task(protocol, number, T_S, 0, ())
        unshrunk = {name: (w / slope[name]).astype(w.dtype) for name, w in weights.items()}
        chosen = calibration_images(SEED, number, 0, len(everything))
        batches = mini_batches(inputs, everything, chosen, protocol, task)
        found.append((accuracy(raw), accuracy(with_matrices(network, trained, unshrunk)),
                      accuracy(with_matrices(network, expected, weights)),
                      accuracy(calibrate(inputs.engine, raw, batches))))
    for t_s, per_chip in shrinkage.items():
        slope = np.array([list(layers.values()) for layers in per_chip]).mean(0)
        print(f"weights at {t_s:g} s over weights wanted: slope {slope.mean():.4f} (layers {slope.min():.4f} .. "
              f"{slope.max():.4f})")
    found, statistics = np.array(found), {name: value for name, value in expected.items() if ".running_" in name}
    first = {name: value for name, value in statistics.items() if name.startswith("bn1.")}
    print(f"expected over trained variance: {100 * changes(trained, statistics)[0]:+.1f} %, geometric mean over "
          f"channels; of the first layer {100 * changes(trained, first)[0]:+.1f} %")
    print(f"{options.images} training images, digital: trained statistics {accuracy(trained):.2f} %, expected "
          f"{accuracy(expected):.2f} %")
    for name, values in zip(("trained", "weights over slope", "expected", "AdaBS, I-20"), found.T):
        difference = summarise((values - found[:, 0])[:, None])
        print(f"on {options.chips} chips, {name:<18} {values.mean():.2f} %   {difference.mean:+.2f} points "
              f"({difference.low:+.2f} .. {difference.high:+.2f})")


if __name__ == "__main__":
    main()
