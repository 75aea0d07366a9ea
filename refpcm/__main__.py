"""`python -m refpcm`: what there is to run."""

import sys

from refpcm import __version__, cli
from refpcm.errors import RefpcmError

COMMANDS = {
    "python -m refpcm.train": "train a ResNet; without arguments a small one on built-in data, then tried on chips",
    "python -m refpcm.evaluate": "accuracy of a network file, digital or on simulated PCM chips over time",
    "python -m refpcm.inspect": "why accuracy is lost on a chip, by physical cause and by layer; what is in a file",
    "python -m refpcm.expect": "batch norm statistics as the device model expects them on a chip",
    "python -m refpcm.reproduce": "the figures of Joshi et al. 2020, our numbers next to the paper's",
    "python -m refpcm.golden": "check another implementation against golden values, stage by stage",
    "python -m refpcm.convert": "import networks from PyTorch, safetensors or npz files, and export them",
    "python -m data_tools.cifar10": "download or unpack CIFAR-10 and check it",
    "python -m data_tools.synthetic": "make the built-in ten-class data set, in any size",
    "python -m data_tools.imagenet": "index an ImageNet folder tree, and preprocess it",
}


def main():
    if sys.argv[1:] not in ([], ["-h"], ["--help"]):
        raise RefpcmError(f"{sys.argv[1]!r} is no argument of python -m refpcm, which lists the commands; "
                          "each is a module of its own, as in python -m refpcm.train")
    print(f"refpcm {__version__}: reference implementation of neural-network inference on phase-change memory\n")
    width = max(map(len, COMMANDS))
    for command, what in COMMANDS.items():
        print(f"  {command:<{width}}  {what}")
    print("\nEach takes --help.")


if __name__ == "__main__":
    cli.run(main)
