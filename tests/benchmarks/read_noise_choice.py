"""What fresh read noise costs (I-9):
`python -m tests.benchmarks.read_noise_choice --network FILE --data DIR --out DIR`.

The same chips and drift with read noise frozen for the test set and drawn afresh for every product; differences are
paired by chip, with Student's 95 % interval over chips. Interrupted, the same command goes on where it was.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import stats

CHOICES = ("frozen", "per_product")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--network", required=True, metavar="FILE")
    parser.add_argument("--data", metavar="DIR", help="prepared data set; the built-in one if left out")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="keeps what is finished")
    parser.add_argument("--chips", type=int, default=8)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--calibration", default="train-augmented", help="images of AdaBS (default train-augmented)")
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def evaluation(options, read_noise):
    from refpcm.evaluation.protocol import Protocol
    from refpcm.evaluation.run import run
    from refpcm.evaluation.workers import executor
    protocol = Protocol(network=options.network, data=options.data, chips=options.chips, times_s=(86400.0, 31536000.0),
                        compensations=("gdc", "adabs"), images=options.images, calibration=options.calibration,
                        read_noise=read_noise)
    with executor(options.workers) as pool:
        return run(protocol, str(options.out / read_noise), pool)


def main():
    from refpcm.times import time_text
    options = arguments()
    frozen, fresh = (evaluation(options, choice) for choice in CHOICES)
    print(f"{options.network}, digital {100 * frozen['digital_accuracy']:.2f} %, {options.chips} chips, "
          f"{options.images} test images, AdaBS with {options.calibration} images\n"
          "                 frozen   per_product   difference, points")
    for one, other in zip(frozen["rows"], fresh["rows"]):
        differences = 100 * (np.mean(other["accuracies"], axis=1) - np.mean(one["accuracies"], axis=1))
        half = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
        print(f"{time_text(one['t_s']):>8} {one['compensation']:>6}  {100 * one['mean']:6.2f} %      "
              f"{100 * other['mean']:6.2f} %   {differences.mean():+.2f} +- {half:.2f}")


if __name__ == "__main__":
    main()
