"""Index an ImageNet folder tree, and optionally keep its evaluation images ready to read.

    python -m data_tools.imagenet --from TREE --out INDEX [--val-classes FILE] [--scaling NAME] [--cache] [--classes FILE]
                                [--split NAME]

TREE has train/ and val/ with one folder a class, named by its WordNet id, or such class folders directly; val's images
may lie in one folder if --val-classes names what says their classes. Every image is decoded once; those that cannot be
are left out and named. `data_tools.imagenet_index.read_index` reads the result.
"""

import argparse
import sys

from data_tools import commands
from data_tools.foreign_text import shown

SCALINGS = ("square", "shorter-side")  # those of imagenet_preprocessing, which needs NumPy
NAMES_SHOWN = 5  # of every kind of unusual image, on stderr; imagenet.json has them all


def _work(arguments):
    from data_tools.imagenet_building import build
    description, made = build(arguments.source, arguments.out, arguments.cache, arguments.classes, arguments.split,
                              arguments.val_classes, arguments.scaling)
    for kind, names in description["unusual"].items():
        if made and names:
            more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
            commands.note(f"{len(names)} {kind}: {', '.join(map(shown, names[:NAMES_SHOWN]))}{more}")
    counts = ", ".join(f"{count} images in {split}" for split, count in description["counts"].items())
    commands.note(f"{arguments.out}: {len(description['classes'])} classes, {counts} "
                  + ("indexed" if made else "are there; nothing to do"))


def main(argv=None):
    parser = argparse.ArgumentParser(prog="python -m data_tools.imagenet", description="Index an ImageNet folder tree.")
    parser.add_argument("--from", dest="source", type=commands.path, required=True, metavar="TREE",
                        help="folder with train/ and val/, or with the class folders (nXXXXXXXX) of one split")
    parser.add_argument("--out", type=commands.path, required=True, metavar="INDEX", help="folder to make")
    parser.add_argument("--val-classes", type=commands.path, metavar="FILE",
                        help="classes of images that lie in val/ itself: lines of image name and WordNet id, such as "
                             "LOC_val_solution.csv, or the folder of the official development kit")
    parser.add_argument("--scaling", choices=SCALINGS, default=SCALINGS[0],
                        help="what evaluation images are scaled to before the middle 224 x 224 is taken: square, 256 x 256, "
                             "as in Joshi et al. 2020; shorter-side, that to 256, as in torchvision (%(default)s)")
    parser.add_argument("--cache", action="store_true",
                        help="also keep the 224 x 224 evaluation images of val, 150 kB each, for memory-mapped reading")
    parser.add_argument("--classes", type=commands.path, metavar="FILE",
                        help="text file with the WordNet ids in the order of the labels, one a line; "
                             "default: the ids of the tree, sorted")
    parser.add_argument("--split", choices=("train", "val"), default="val",
                        help="what a tree without train/ and val/ is (%(default)s)")
    return commands.run(parser.prog, _work, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
