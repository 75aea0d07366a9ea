"""`python -m tests.golden.operations` writes the section of FORMAT.md that says what every operation takes and gives."""

from inspect import getdoc
from pathlib import Path
from textwrap import fill

from refpcm.golden import reference
from refpcm.golden.kit import Kit

FORMAT = Path(__file__).parents[2] / "refpcm" / "golden" / "v2" / "FORMAT.md"
OTHERS = ("train_steps", "accuracies")  # no operations of this kit, to which others refer
HEAD = """## Operations

What an operation takes (inputs, then parameters) and gives, with axes: N images, C channels, R inputs and K outputs of a crossbar.
"""


def section():
    """Return the section: a line for each operation of the kit in the order of its cases, from the reference's docstrings."""
    names = list(dict.fromkeys(case.operation for case in Kit().cases))
    texts = {name: " ".join(getdoc(getattr(reference, name)).split()) for name in [*names, *OTHERS]}
    lines = [fill(f"- `{name}`: {text}", 130, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
             for name, text in texts.items()]
    return HEAD + "\n" + "\n".join(lines) + "\n"


def with_section(text):
    """Return the page with its last section written anew."""
    return text.split("## Operations\n")[0].rstrip("\n") + "\n\n" + section()


if __name__ == "__main__":
    FORMAT.write_text(with_section(FORMAT.read_text()))
