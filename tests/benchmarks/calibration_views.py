"""What AdaBS alone costs: `python -m tests.benchmarks.calibration_views --network FILE [FILE ...] --data DIR`.

Test accuracy of the digital network, exact weights, no drift, before and after AdaBS with training images as they are
(I-11), with images as the training showed them (I-20), and with test images as they are. Any change is the
calibration's. Mean and range over three choices of calibration images.
"""

import argparse
from types import SimpleNamespace

from refpcm.evaluation.calibration import mini_batches
from refpcm.evaluation.inputs import Inputs
from refpcm.evaluation.protocol import CALIBRATION
from refpcm.spec.compensation.adabs import calibrate, calibration_images

CHOICES = 3


def accuracy_after(inputs, source, path, chip):
    """Test accuracy after AdaBS with the calibration images that `chip` would have."""
    images = inputs.calibration_images(source)
    chosen = calibration_images(0, chip, 0, len(images))
    protocol = SimpleNamespace(calibration=source, augmentation=None, seed=0, network=path)
    batches = mini_batches(inputs, images, chosen, protocol, SimpleNamespace(chip=chip, draw=0))
    return inputs.count_correct(calibrate(inputs.engine, inputs.file.parameters, batches)) / inputs.image_count()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--network", nargs="+", required=True, metavar="FILE")
    parser.add_argument("--data", required=True, metavar="DIR", help="prepared data set with 2,600 test images or more")
    parser.add_argument("--kernels", default="winograd")
    options = parser.parse_args()
    for path in options.network:
        inputs = Inputs(path, options.data, options.kernels)
        print(f"{path}\n  trained statistics             "
              f"{100 * inputs.count_correct(inputs.file.parameters) / inputs.image_count():.2f} %")
        for source in CALIBRATION:
            found = [100 * accuracy_after(inputs, source, path, chip) for chip in range(CHOICES)]
            print(f"  after AdaBS, {source:<16}  {sum(found) / CHOICES:.2f} % ({min(found):.2f} .. {max(found):.2f})")


if __name__ == "__main__":
    main()
