"""What a subcommand of `python -m refpcm.inspect` found: a list of blocks, shown on the screen or as a page.

Facts, Table and Text hold text that is ready to be read, so that both forms show the same characters
(refpcm/inspection/tables.py makes them, refpcm/inspection/page.py turns them into HTML). Chart and Picture are left out
on the screen.
"""

from dataclasses import dataclass
from typing import Callable

from refpcm.cli import aligned, table


@dataclass(frozen=True)
class Facts:
    """Pairs (label, value), both text."""
    pairs: tuple


@dataclass(frozen=True)
class Table:
    """heads: texts of the columns; rows: as many texts each.

    caption, note: the lines above and below; title: the heading on a page if there is no caption.
    """
    heads: tuple
    rows: list
    caption: str = ""
    note: str = ""
    title: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph."""
    text: str


@dataclass(frozen=True)
class Chart:
    """title: what is drawn, in words; draw: function that draws into a figure of matplotlib; size: in inches."""
    title: str
    draw: Callable
    size: tuple


@dataclass(frozen=True)
class Picture:
    """title: what it shows, in words; png: function that returns the bytes of a PNG file."""
    title: str
    png: Callable


def as_text(blocks):
    """Return the blocks as text for the screen, a blank line between them."""
    return "\n\n".join(filter(None, map(block_text, blocks)))


def block_text(block):
    """Return one block as text, "" for what only a page shows."""
    if isinstance(block, Facts):
        return table(block.pairs)
    if isinstance(block, Table):
        return "\n".join(filter(None, (block.caption, aligned([block.heads, *block.rows]), block.note)))
    return block.text if isinstance(block, Text) else ""


def charts_of(blocks):
    """Return the charts among the blocks."""
    return [block for block in blocks if isinstance(block, Chart)]
