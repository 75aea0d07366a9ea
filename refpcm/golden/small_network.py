"""The networks of the chip level: small, and with one layer of every kind that a chip and its compensation meet.

chip-block, a block with a 1x1 shortcut:

    image -> conv1 3x3 -> bn1 -> relu1 -> conv2 3x3, stride 2 -> bn2 -> + -> relu2 -> avgpool -> fc with bias
                                  |-> down 1x1, stride 2 -> bn3 ---------|

chip-identity (kit 2.1), a block that keeps its input; the order of the signal is not that of the names:

    image -> stem 3x3 -> norm1 -> relu1 -> first 3x3 -> norm2 -> relu2 -> second 3x3 -> norm3 -> + -> relu3 -> avgpool -> head
                                    |----------------------------------------------------------|
"""

from refpcm.spec.layers import IMAGE, Add, BatchNorm, Conv2d, GlobalAveragePool, Linear, Network, ReLU
from refpcm.spec.resnet import build

NAME, IDENTITY = "chip-block", "chip-identity"


def chip_block():
    """Return the network chip-block: images (2, 5, 5), crossbars of 18 x 4, 36 x 6, 4 x 6 and 7 x 5."""
    return Network(NAME, (
        Conv2d("conv1", (IMAGE,), 2, 4, 3, 1, 1), BatchNorm("bn1", ("conv1",), 4), ReLU("relu1", ("bn1",)),
        Conv2d("conv2", ("relu1",), 4, 6, 3, 2, 1), BatchNorm("bn2", ("conv2",), 6),
        Conv2d("down", ("relu1",), 4, 6, 1, 2, 0), BatchNorm("bn3", ("down",), 6),
        Add("add", ("bn2", "bn3")), ReLU("relu2", ("add",)), GlobalAveragePool("avgpool", ("relu2",)),
        Linear("fc", ("avgpool",), 6, 5)), (2, 5, 5))


def chip_identity():
    """Return the network chip-identity: images (2, 4, 4), crossbars of 18 x 3, 27 x 3, 27 x 3 and 4 x 4."""
    return Network(IDENTITY, (
        Conv2d("stem", (IMAGE,), 2, 3, 3, 1, 1), BatchNorm("norm1", ("stem",), 3), ReLU("relu1", ("norm1",)),
        Conv2d("first", ("relu1",), 3, 3, 3, 1, 1), BatchNorm("norm2", ("first",), 3), ReLU("relu2", ("norm2",)),
        Conv2d("second", ("relu2",), 3, 3, 3, 1, 1), BatchNorm("norm3", ("second",), 3),
        Add("add", ("norm3", "relu1")), ReLU("relu3", ("add",)), GlobalAveragePool("avgpool", ("relu3",)),
        Linear("head", ("avgpool",), 3, 4)), (2, 4, 4))


def network_named(name, classes=None):
    """Return the network that a case names. Raises RefpcmError for an unknown name."""
    small = {NAME: chip_block, IDENTITY: chip_identity}
    return small[name]() if name in small else build(name, classes)
