"""What the pickle machine works with: its instructions, the values they make, and what stands for unread objects.

Source of the instructions: Python's `pickletools`.
"""

from data_tools.foreign_text import shown


class Refused(Exception):
    """Why a pickle is not read."""


class Inert:
    """An object of a class that is not read. What the pickle says of its content is dropped."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"an object of {shown(self.name)}"


def set_items(target, items):
    """Put [key, value, key, value, ...] into the dict `target`; keys must be plain."""
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (str, int, float, bool, bytes, type(None)):
            raise Refused(f"a {type(key).__name__} as key of a dictionary")
        if type(key) is int and abs(key) >= 2 ** 60:  # multiples of 2^61 - 1 have one hash and make dictionaries slow
            raise Refused("a number beyond 2^60 as key of a dictionary")
        target[key] = value


def _decimal(text):
    return {b"00": False, b"01": True}[text] if text in (b"00", b"01") else int(text.rstrip(b"L"))


def _dictionary(items):
    result = {}
    set_items(result, items)
    return result


def _text(raw):
    return str(raw, "utf-8", "surrogatepass")


def _line_text(raw):
    return str(raw, "raw-unicode-escape")


def _inert_set(_):
    return Inert("builtins.set")


INSTRUCTIONS = {  # code: (method of the machine, its arguments)
    b"N": ("push", None), b"\x88": ("push", True), b"\x89": ("push", False),
    b"}": ("push_new", dict), b"]": ("push_new", list), b")": ("push_new", tuple),
    b"\x8f": ("push", Inert("builtins.set")),
    b"K": ("push_unpacked", "<B"), b"M": ("push_unpacked", "<H"), b"J": ("push_unpacked", "<i"),
    b"G": ("push_unpacked", ">d"), b"\x8a": ("push_long",),
    b"I": ("push_line", _decimal), b"L": ("push_line", _decimal), b"F": ("push_line", float),
    b"V": ("push_line", _line_text), b"S": ("push_old_line",),
    b"X": ("push_raw", 4, _text), b"\x8c": ("push_raw", 1, _text), b"\x8d": ("push_raw", 8, _text),
    b"T": ("push_old", 4), b"U": ("push_old", 1),
    b"B": ("push_raw", 4, bytes), b"C": ("push_raw", 1, bytes), b"\x8e": ("push_raw", 8, bytes),
    b"\x96": ("push_raw", 8, bytes),
    b"\x85": ("push_tuple", 1), b"\x86": ("push_tuple", 2), b"\x87": ("push_tuple", 3),
    b"t": ("push_marked", tuple), b"l": ("push_marked", list), b"d": ("push_marked", _dictionary),
    b"\x91": ("push_marked", _inert_set), b"2": ("push_again",),
    b"h": ("push_memo", 1), b"j": ("push_memo", 4), b"g": ("push_memo", 0),
    b"c": ("push_global",), b"\x93": ("push_named",), b"Q": ("push_storage",),
    b"R": ("call",), b"\x81": ("make_inert", 1), b"\x92": ("make_inert", 2),
    b"\x80": ("check_protocol",), b"\x95": ("take", 8), b"(": ("mark",), b"0": ("pop",),
    b"q": ("put", 1), b"r": ("put", 4), b"p": ("put", 0), b"\x94": ("put", None),
    b"s": ("add", dict, 2, set_items), b"u": ("add", dict, None, set_items),
    b"a": ("add", list, 1, list.extend), b"e": ("add", list, None, list.extend),
    b"\x90": ("add", Inert, None, list.extend), b"b": ("build",),
}


def instruction_name(code):
    """Name of the instruction `code` (one byte), also of one that the machine does not have, or its number."""
    from pickletools import code2op
    known = code2op.get(code.decode("latin-1"))
    return known.name if known else f"0x{code.hex()}"
