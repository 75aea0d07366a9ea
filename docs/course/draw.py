"""Draws the pictures of the course: `python -m docs.course.draw [NAME ...]` from the root of the source tree.

Needs matplotlib (`pip install ".[plots]"`). Each module in docs/course/drawings has a function `figure()` that returns one
picture; its file is docs/course/NAME.svg.
"""

import argparse
import importlib
import io
import re
from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = ("crossbar", "device_curves", "one_weight", "timeline", "convolution", "clipping", "adabs", "resnet32", "causes",
         "pairing")


def draw(name):
    """Return the picture of this name as a matplotlib figure, with text that stays text and ids that stay the same."""
    import matplotlib
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": f"refpcm {name}", "font.size": 10,
                                "axes.spines.top": False, "axes.spines.right": False})
    return importlib.import_module(f"docs.course.drawings.{name}").figure()


def svg_text(figure):
    """Return a figure as SVG with numbers of two decimals, which is finer than a pixel."""
    content = io.StringIO()
    figure.savefig(content, format="svg", metadata={"Date": None})
    return re.sub(r"(\d\.\d\d)\d+(?=[^<>]*>)", r"\1", content.getvalue())  # in attributes, not in text


def main():
    parser = argparse.ArgumentParser(prog="python -m docs.course.draw", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(NAMES)} (default: all)")
    for name in parser.parse_args().names or NAMES:
        path = FOLDER / f"{name}.svg"
        path.write_text(svg_text(draw(name)), encoding="utf-8")
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    main()
