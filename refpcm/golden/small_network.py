"""The network of the chip level: small, and with one layer of every kind that a chip and its compensation meet.

    image -> conv1 3x3 -> bn1 -> relu1 -> conv2 3x3, stride 2 -> bn2 -> + -> relu2 -> avgpool -> fc with bias
                                  |-> down 1x1, stride 2 -> bn3 ---------|
"""

from refpcm.spec.layers import IMAGE, Add, BatchNorm, Conv2d, GlobalAveragePool, Linear, Network, ReLU
from refpcm.spec.resnet import build

NAME = "chip-block"


def chip_block():
    """Return the network: images (2, 5, 5), crossbars of 18 x 4, 36 x 6, 4 x 6 and 7 x 5."""
    return Network(NAME, (
        Conv2d("conv1", (IMAGE,), 2, 4, 3, 1, 1), BatchNorm("bn1", ("conv1",), 4), ReLU("relu1", ("bn1",)),
        Conv2d("conv2", ("relu1",), 4, 6, 3, 2, 1), BatchNorm("bn2", ("conv2",), 6),
        Conv2d("down", ("relu1",), 4, 6, 1, 2, 0), BatchNorm("bn3", ("down",), 6),
        Add("add", ("bn2", "bn3")), ReLU("relu2", ("add",)), GlobalAveragePool("avgpool", ("relu2",)),
        Linear("fc", ("avgpool",), 6, 5)), (2, 5, 5))


def network_named(name, classes=None):
    """Return the network that a case names. Raises RefpcmError for an unknown name."""
    return chip_block() if name == NAME else build(name, classes)
