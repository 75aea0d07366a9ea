"""Make the synthetic set: ten figures on cluttered 32 x 32 colour images, the built-in data of every command.

    python -m data_tools.synthetic --out DIR [--train N] [--test N] [--seed S]
    python -m data_tools.synthetic --contact-sheet FILE.png [--seed S]

Image i of a split depends on (seed, split, i) alone, so a smaller set is the beginning of a larger one. The bytes
are the same on every machine and with every version of NumPy.
"""

import argparse
import sys

from data_tools import commands
from data_tools.errors import DataError
from data_tools.foreign_text import shown

TRAIN, TEST, SEED = 10_000, 2_000, 0
NAME = "synthetic-figures"
GENERATOR_VERSION = 1  # changes when the images of a seed change
CHUNK = 250  # images drawn at a time: their planes stay in the processor's cache
SPLITS = {"train": 0, "test": 1}


def images(split, first, count, seed=SEED):
    """Images first .. first + count - 1 of a split: images (count, 3, 32, 32) uint8, labels (count,) uint8.

    split: "train" or "test"; seed: 0 .. 2^64 - 1. Labels run 0, 1, ... 9, 0, 1, ...: every stretch is balanced.
    """
    import numpy as np

    from data_tools.bitstream import octets, raw_words, uniforms
    from data_tools.figures import FIGURES
    from data_tools.rendering import NOISE_WORDS, SIZE, UNIFORM_WORDS, render
    labels = np.arange(first, first + count) % len(FIGURES)
    result = np.empty((count, 3, SIZE, SIZE), np.uint8)
    for start in range(0, count, CHUNK):
        part = labels[start:start + CHUNK]
        words = raw_words(seed, SPLITS[split], first + start, len(part), UNIFORM_WORDS + NOISE_WORDS)
        result[start:start + CHUNK] = render(part, uniforms(words[:, :UNIFORM_WORDS]),
                                             octets(words[:, UNIFORM_WORDS:]))
    return result, labels.astype(np.uint8)


def origin(seed):
    """What dataset.json says about where the images come from."""
    return {"made_by": "data_tools.synthetic", "generator_version": GENERATOR_VERSION, "seed": seed}


def make(folder, train=TRAIN, test=TEST, seed=SEED):
    """Write the set into `folder` unless it is there already; returns (description, whether it was made now).

    Raises DataError if `folder` holds anything else, also a synthetic set of other size or seed.
    """
    from data_tools import prepared, writing
    from data_tools.figures import FIGURES
    there = prepared.find(folder)
    if there is not None:
        wanted = (NAME, origin(seed), {"train": train, "test": test})
        if (there["name"], there["origin"], there["counts"]) != wanted:
            raise DataError(f"{folder} holds another set ({shown(there['name'])}, {there['counts']['train']} + "
                            f"{there['counts']['test']} images, {shown(there['origin'])}); name another folder")
        return there, False
    train_images, train_labels = images("train", 0, train, seed)
    test_images, test_labels = images("test", 0, test, seed)
    arrays = dict(train_images=train_images, train_labels=train_labels,
                  test_images=test_images, test_labels=test_labels)
    return writing.write(folder, NAME, [figure.__name__ for figure in FIGURES], arrays, origin(seed)), True


def _integer(low, high):
    """Argument type: an integer low .. high."""
    def parse(text):
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no integer") from None
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{value} is not in {low} .. {high}")
        return value
    return parse


def _work(arguments):
    if arguments.contact_sheet is not None:
        from data_tools.contact_sheet import write_contact_sheet
        write_contact_sheet(arguments.contact_sheet, arguments.seed)
        commands.note(f"{arguments.contact_sheet}: training images of every class")
    if arguments.out is not None:
        description, made = make(arguments.out, arguments.train, arguments.test, arguments.seed)
        counts = description["counts"]
        commands.note(f"{arguments.out}: {counts['train']} training and {counts['test']} test images of "
                      f"{len(description['classes'])} classes " + ("written" if made else "are there; nothing to do"))


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m data_tools.synthetic",
        description="Make the synthetic set: ten figures on cluttered 32 x 32 colour images.")
    parser.add_argument("--out", type=commands.path, metavar="DIR", help="folder to make; a complete one is left alone")
    parser.add_argument("--train", type=_integer(1, 10 ** 7), default=TRAIN, metavar="N",
                        help="training images (%(default)s)")
    parser.add_argument("--test", type=_integer(1, 10 ** 7), default=TEST, metavar="N",
                        help="test images (%(default)s)")
    parser.add_argument("--seed", type=_integer(0, 2 ** 64 - 1), default=SEED, metavar="S",
                        help="another seed, other images (%(default)s)")
    parser.add_argument("--contact-sheet", type=commands.path, metavar="FILE", help="write a PNG that shows every class")
    arguments = parser.parse_args(argv)
    if arguments.out is None and arguments.contact_sheet is None:
        parser.error("nothing to do: give --out DIR or --contact-sheet FILE")
    return commands.run(parser.prog, _work, arguments)


if __name__ == "__main__":
    sys.exit(main())
