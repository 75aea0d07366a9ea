"""L7 protocol: accuracy of a small trained network over chips, times and compensations, with own random numbers."""

import numpy as np

from refpcm.golden import reference
from refpcm.golden.case import UNITLESS, Case, Output, Tolerance, stored

TIMES_S = (25.0, 86400.0, 31536000.0)
CHIPS, REFERENCE_CHIPS, MARGIN = 16, 32, 0.05
CATCHES = ("GDC left out or turned round, statistics of AdaBS never updated or updated with drifted means: "
           "whatever costs 5 %")
EQUATION = ("program all layers on `chips` chips; read at each time; (time, compensation, chip): "
            "GDC by columns against the read at 25 s, then AdaBS on the calibration mini-batches with GDC beneath")


def cases():
    """1 case. Its inputs are those of the stored kit; the first kit got them from `inputs_from_training`."""
    from refpcm.golden.kit import KITS, Kit
    kit = Kit(next(folder for folder in KITS.values() if folder.exists()))
    inputs = next(case.inputs for case in kit.cases if case.level == 7)
    return [protocol_case(inputs)]


def inputs_from_training(path):
    """Inputs from a network file trained on the built-in data: 128 test images, 4 x 32 training images to calibrate."""
    from refpcm.datasets import load
    from refpcm.files.network_file import load_network
    file, data = load_network(path), load()
    rest = {"images": data.test_images[:128], "labels": data.test_labels[:128].astype(np.int64),
            "calibration_images": data.train_images[:128].reshape(4, 32, *data.train_images.shape[1:]),
            "mean": np.array(file.mean), "std": np.array(file.std)}
    return (*(stored(name, array) for name, array in {**file.parameters, **rest}.items()),
            stored("times_s", np.array(TIMES_S), "s"))


def protocol_case(inputs):
    """The case with these inputs; the expected accuracies (times, compensations) are of REFERENCE_CHIPS chips."""
    values = {"architecture": "tiny-resnet8", "classes": 10, "device": "joshi2020", "chips": CHIPS}
    found = reference.accuracies({i.name: i.array() for i in inputs}, {**values, "chips": REFERENCE_CHIPS}, seed=0)
    tolerance = Tolerance("equivalence", MARGIN, f"two one-sided tests at alpha = 1e-3 within +-{MARGIN:g}; "
                          f"{REFERENCE_CHIPS} chips of the reference against {CHIPS}")
    output = Output("accuracy", "float64", (len(TIMES_S), 2, CHIPS), "share of images", tolerance,
                    {"mean": found.mean(-1), "variance_of_mean": found.var(-1, ddof=1) / REFERENCE_CHIPS})
    return Case("L7-tiny-resnet8", 7, "protocol_accuracy", EQUATION, "I-5 to I-11, defaults", CATCHES,
                {name: (value, UNITLESS) for name, value in values.items()}, inputs, (output,))
