"""Get CIFAR-10, check it, and write it in the prepared form.

    python -m data_tools.cifar10 --out DIR                  downloads the official archive (170 MB)
    python -m data_tools.cifar10 --from SOURCE --out DIR    an official archive, or a folder in an official layout

Krizhevsky, "Learning multiple layers of features from tiny images", 2009: 50,000 training and 10,000 test images of
32 x 32 pixels, 5,000 and 1,000 of each of ten classes.
"""

import argparse
import sys

from data_tools import commands
from data_tools.errors import DataError
from data_tools.foreign_text import shown

NAME = "cifar10"
ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
LONGEST_DOWNLOAD = 1 << 28  # bytes; the archive has 170 million


def prepare(source_path, folder):
    """Read, verify and write the set in `source_path` (archive or folder) to `folder`; returns its description.

    Raises DataError if anything is missing or differs, or if nothing vouches for the images.
    """
    from data_tools import writing
    from data_tools.cifar10_batches import CLASSES, assemble
    from data_tools.cifar10_checks import are_cifar10, checksum_evidence, md5_of
    from data_tools.cifar10_source import read_source
    source = read_source(source_path)
    evidence = checksum_evidence(source)
    arrays = assemble(source.layout, source.files)
    if are_cifar10(arrays):
        evidence = evidence or "the SHA-256 of the images and labels"
    elif evidence is None:
        raise DataError(f"{source_path}: nothing vouches for these images: neither their files nor the images and labels "
                        "themselves have the checksums of CIFAR-10, and there is no md5sums.txt; get another copy")
    else:
        commands.note(f"warning: {source_path} agrees with {evidence}, but its images and labels are not those of CIFAR-10")
    origin = {"made_by": "data_tools.cifar10", "layout": source.layout.name, "vouched_for_by": evidence,
              "md5": {name: md5_of(source.files[name]) for name in source.layout.batches}}
    return writing.write(folder, NAME, CLASSES, arrays, origin)


def _report(folder, description, what):
    counts = description["counts"]
    commands.note(f"{folder}: CIFAR-10, {counts['train']} training and {counts['test']} test images {what} "
                  f"(checked by {shown(description['origin'].get('vouched_for_by'))})")


def _work(arguments):
    from data_tools import prepared
    there = prepared.find(arguments.out)
    if there is not None:
        if there["name"] != NAME:
            raise DataError(f"{arguments.out} holds another set ({shown(there['name'])}); name another folder")
        _report(arguments.out, there, "are there; nothing to do")
        return
    if arguments.source is not None:
        _report(arguments.out, prepare(arguments.source, arguments.out), "written")
        return
    from data_tools.cifar10_checks import ARCHIVE_MD5
    from data_tools.download import fetch
    out = arguments.out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    archive = out.with_name(out.name + ".download.tar.gz")
    fetch(ADDRESS, archive, ARCHIVE_MD5["python"], LONGEST_DOWNLOAD)
    description = prepare(archive, arguments.out)
    archive.unlink(missing_ok=True)  # of two commands the other may have finished first
    _report(arguments.out, description, "written")


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m data_tools.cifar10", description="Get CIFAR-10, check it, and write it in the prepared form.",
        epilog="A download that was interrupted is kept beside DIR and continued by the same command. Without a "
               f"network, fetch {ADDRESS} elsewhere and give it to --from.")
    parser.add_argument("--from", dest="source", type=commands.path, metavar="SOURCE",
                        help="python or binary archive (tar or zip), or a folder with cifar-10-batches-py or "
                             "cifar-10-batches-bin, or such a folder itself; default: download it")
    parser.add_argument("--out", type=commands.path, required=True, metavar="DIR",
                        help="folder to make; a complete one is left alone")
    return commands.run(parser.prog, _work, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
