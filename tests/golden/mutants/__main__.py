"""`python -m tests.golden.mutants`: ask the mutants every case they may fail, and print the matrix.

Run from the root of the source tree. Exits with status 1, naming them, if mutants survive. With --write FILE NAME an
adapter that makes one mistake is written instead, for others to find.
"""

import argparse
import sys
from pathlib import Path

from refpcm.errors import RefpcmError
from refpcm.golden.kit import Kit
from tests.golden.mutants import FAST, matrix, matrix_text
from tests.golden.mutants.handing_out import write_adapter


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.golden.mutants", description=__doc__.split("\n")[0])
    parser.add_argument("--level", type=int, nargs="+", choices=FAST, metavar="N", default=FAST,
                        help="only these levels (default: all at which mutants are asked)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the matrix here instead of printing it")
    parser.add_argument("--write", nargs=2, metavar=("FILE", "NAME"),
                        help="write FILE, a Python module: an adapter that makes the mistake NAME, and does not say so")
    options = parser.parse_args()
    if options.write:
        try:
            write_adapter(*options.write)
        except RefpcmError as error:
            parser.error(str(error))
        return 0
    rows = matrix([case for case in Kit().cases if case.level in options.level])
    if options.markdown:
        options.markdown.write_text(matrix_text(rows))
    else:
        sys.stdout.write(matrix_text(rows))
    survivors = [name for name, _, kills in rows if not any(kills.values())]
    if survivors:
        print(f"survived: {', '.join(survivors)}", file=sys.stderr)
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
