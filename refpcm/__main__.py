"""`python -m refpcm`: what there is to run."""

from refpcm import __version__

COMMANDS = {
    "python -m refpcm.train": "train a ResNet; without arguments a small one on built-in data, then tried on chips",
    "python -m refpcm.evaluate": "accuracy of a network file, digital or on simulated PCM chips over time",
    "python -m refpcm.golden": "check another implementation against golden values, stage by stage",
    "python -m refpcm.convert": "import networks from PyTorch, safetensors or npz files, and export them",
    "python -m data_tools.cifar10": "download or unpack CIFAR-10 and check it",
    "python -m data_tools.synthetic": "make the built-in ten-class data set, in any size",
    "python -m data_tools.imagenet": "index an ImageNet folder tree, and preprocess it",
}


def main():
    print(f"refpcm {__version__}: reference implementation of neural-network inference on phase-change memory\n")
    width = max(map(len, COMMANDS))
    for command, what in COMMANDS.items():
        print(f"  {command:<{width}}  {what}")
    print("\nEach takes --help.")


if __name__ == "__main__":
    main()
