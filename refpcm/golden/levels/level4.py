"""L4 network: forward passes with every named intermediate, in signal order; probes of each tensor are stored."""

from refpcm.golden.build import case
from refpcm.golden.case import made
from refpcm.golden.levels.networks import parameter_inputs, tensor_tolerances
from refpcm.resnet import build

CASES = (  # id, architecture, dtype, image shape, batch-norm statistics, mistake
    ("L4-resnet32-64", "joshi2020-resnet32", "float64", (2, 3, 32, 32), "running", "a shortcut taken after the ReLU"),
    ("L4-resnet32-32", "joshi2020-resnet32", "float32", (2, 3, 32, 32), "running", "widths, strides or shortcuts of I-1"),
    ("L4-resnet32-batch-64", "joshi2020-resnet32", "float64", (4, 3, 16, 16), "batch", "unbiased variance to normalise"),
    ("L4-resnet34-32", "imagenet-resnet34", "float32", (1, 3, 64, 64), "running", "3 x 3 stem; max pooling without padding"))


def cases():
    found = []
    for number, (id, architecture, dtype, shape, statistics, catches) in enumerate(CASES):
        network = build(architecture)
        inputs = [made("image", shape, dtype, 400 + number, 1000)] + parameter_inputs(network, dtype, 400)
        growth = 4.0 if statistics == "batch" else 1.0  # normalising by a batch's own statistics passes errors around
        outputs = {name: (dtype, "1", tolerance)
                   for name, tolerance in tensor_tolerances(network, dtype, growth).items()}
        found.append(case(id, 4, "network_forward", "the layer list `explain` prints; tensors are named like their layer",
                          catches, inputs, outputs, {"architecture": architecture, "classes": network.classes,
                                                     "batch_norm": statistics}, "I-1" if "32" in architecture else ""))
    return found
