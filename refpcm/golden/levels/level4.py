"""L4 network: forward passes with every named intermediate, in signal order; probes of each tensor are stored."""

from refpcm.golden.build import case
from refpcm.golden.case import UNITLESS, made
from refpcm.golden.levels.network_inputs import parameter_inputs, tensor_tolerances
from refpcm.spec.resnet import build

RESNET32, RESNET34 = "joshi2020-resnet32", "imagenet-resnet34"
CASES = (  # id, architecture, dtype, image shape (N, C, H, W), batch-norm statistics, mistake
    ("L4-resnet32-64",       RESNET32, "float64", (2, 3, 32, 32), "running", "a shortcut taken after the ReLU"),
    ("L4-resnet32-32",       RESNET32, "float32", (2, 3, 32, 32), "running", "widths, strides or shortcuts of I-1"),
    ("L4-resnet32-batch-64", RESNET32, "float64", (4, 3, 16, 16), "batch", "unbiased variance to normalise"),
    ("L4-resnet34-32",       RESNET34, "float32", (1, 3, 64, 64), "running", "3 x 3 stem; max pooling without padding"))


def cases():
    """4 cases; every tensor of a forward pass is an output."""
    return [_case(400 + number, *choice) for number, choice in enumerate(CASES)]


def _case(seed, id, architecture, dtype, shape, statistics, catches):
    network = build(architecture)
    growth = 4.0 if statistics == "batch" else 1.0  # normalising by a batch's own statistics passes errors around
    tolerances = tensor_tolerances(network, dtype, growth)
    return case(id, "network_forward", "the layer list `explain` prints; tensors are named like their layer", catches,
                inputs=[made("image", shape, dtype, seed, 1000)] + parameter_inputs(network, dtype, 400),
                outputs={name: (dtype, UNITLESS, tolerance) for name, tolerance in tolerances.items()},
                parameters={"architecture": architecture, "classes": network.classes, "batch_norm": statistics},
                interpretation="I-1" if "32" in architecture else "")
