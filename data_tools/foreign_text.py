"""Show text that comes from a file of anybody's: it cannot command a terminal, forge a line, or fill the screen."""

import os
import reprlib

_REPR = reprlib.Repr()
_REPR.maxother = _REPR.maxstring = _REPR.maxlong = 80


def shown(value, most=200):
    """Return `value` as text of one line and at most `most` characters that is safe to print.

    Of text and of paths every character that is not printable (control characters, line breaks, marks that turn the
    direction of writing, broken Unicode) becomes an escape such as \\x1b. Other values are shown as Python writes them,
    shortened: nested ones too, whose full text could be endless.
    """
    if isinstance(value, (str, os.PathLike)):
        text = os.fspath(value)
        text = os.fsdecode(text) if isinstance(text, bytes) else text
    else:
        text = _shortened(value)
    text = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode()
                   for letter in text[:most + 1])
    return text if len(text) <= most else text[:most - 4] + " ..."


def shown_lines(text):
    """Return a whole message, line breaks kept, with everything else that is not printable as escapes."""
    return "\n".join(shown(line, len(line) * 10 + 10) for line in text.split("\n"))


def _shortened(value):
    try:
        return _REPR.repr(value)
    except ValueError:  # Python prints no whole number of more than 4,300 digits
        return f"a {type(value).__name__} with a number of thousands of digits"
