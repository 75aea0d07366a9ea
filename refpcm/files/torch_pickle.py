"""A pickle machine that can build tensors and plain containers and nothing else.

It interprets the pickle instructions itself (no `pickle` module) and knows a closed list of names; what it meets
beyond these it refuses before anything has happened. So no code of a file can run, memory stays proportional to
the file's size (each call makes something of bounded size, or of the size of what it is given), and dictionary keys are
plain, since hashing nested tuples from a file could take for ever.
Source: the list of instructions in Python's `pickletools`.
"""

import struct
from types import FunctionType

from refpcm.errors import RefpcmError
from refpcm.files.torch_names import NAMES, Refused, set_items

_MOST_INSTRUCTIONS = 2_000_000  # a checkpoint has some thousands; bounds time and memory


def load_pickle(path, data, position=0, find_storage=None):
    """(value, position after it) of the pickle that begins at `position` of `data` (bytes).

    `find_storage(persistent id)` returns a Storage or raises ValueError. Raises RefpcmError, naming `path` and the
    instruction or name that is not allowed, and where.
    """
    machine = _Machine(data, position, find_storage)
    try:
        return machine.run(), machine.position
    except Refused as error:
        raise RefpcmError(f"cannot read {path}: at byte {machine.begin} of the pickle: {error}") from error
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, struct.error) as error:
        raise RefpcmError(f"cannot read {path}: at byte {machine.begin} of the pickle: damaged ({error})") from error


_CONSTANTS = {b"N": None, b"\x88": True, b"\x89": False}
_EMPTY = {b"}": dict, b"]": list, b")": tuple}
_NUMBERS = {b"K": "<B", b"M": "<H", b"J": "<i", b"G": ">d"}
_TEXTS = {b"X": 4, b"\x8c": 1, b"\x8d": 8, b"U": 1, b"T": 4}  # bytes of the length; U, T: str of Python 2
_BYTES = {b"C": 1, b"B": 4, b"\x8e": 8}
_TUPLES = {b"\x85": 1, b"\x86": 2, b"\x87": 3}
_PUT, _GET = {b"q": 1, b"r": 4}, {b"h": 1, b"j": 4}  # bytes of the memo's index


class _Machine:
    """One pass over one pickle. `begin` is where the current instruction stands."""

    def __init__(self, data, position, find_storage):
        self.data, self.position, self.begin, self.find_storage = data, position, position, find_storage
        self.stack, self.marks, self.memo = [], [], {}

    def run(self):
        for _ in range(_MOST_INSTRUCTIONS):
            self.begin = self.position
            code = self.take(1)
            if code == b".":
                if len(self.stack) != 1 or self.marks:
                    raise Refused("it ends with an untidy stack")
                return self.stack[0]
            if not (self.make_value(code) or self.change_stack(code)):
                raise Refused(f"instruction {_opcode_name(code)} is not allowed in a file of tensors")
        raise Refused(f"more than {_MOST_INSTRUCTIONS} instructions")

    def take(self, count):
        if count > len(self.data) - self.position:
            raise Refused("truncated")
        self.position += count
        return self.data[self.position - count:self.position]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def pop(self):
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise Refused("it takes more from the stack than was put there")
        return self.stack.pop()

    def pop_mark(self):
        begin = self.marks.pop()
        items = self.stack[begin:]
        del self.stack[begin:]
        return items

    def top(self, kind):
        if len(self.stack) <= (self.marks[-1] if self.marks else 0) or type(self.stack[-1]) is not kind:
            raise Refused(f"a {kind.__name__} is expected where there is none")
        return self.stack[-1]

    def make_value(self, code):
        """Instructions that push one value; False if `code` is none of these."""
        if code in _CONSTANTS:
            value = _CONSTANTS[code]
        elif code in _EMPTY:
            value = _EMPTY[code]()
        elif code in _NUMBERS:
            value, = struct.unpack(_NUMBERS[code], self.take(struct.calcsize(_NUMBERS[code])))
        elif code == b"\x8a":
            value = int.from_bytes(self.take(self.number(1)), "little", signed=True)
        elif code in _TEXTS:
            value = str(self.take(self.number(_TEXTS[code])), "utf-8")
        elif code in _BYTES:
            value = bytes(self.take(self.number(_BYTES[code])))
        elif code in _TUPLES:
            value = tuple([self.pop() for _ in range(_TUPLES[code])][::-1])
        elif code == b"t":
            value = tuple(self.pop_mark())
        elif code in _GET:
            index = self.number(_GET[code])
            if index not in self.memo:
                raise Refused(f"memo {index} was never filled")
            value = self.memo[index]
        elif code == b"c":
            value = _named(self.line(), self.line())
        elif code == b"\x93":
            name, module = self.pop(), self.pop()
            value = _named(module, name)
        elif code == b"R":
            arguments, function = self.pop(), self.pop()
            if type(function) is not FunctionType or type(arguments) is not tuple:
                raise Refused("a call of something that is no function")
            value = function(*arguments)
        elif code == b"Q":
            if self.find_storage is None:
                raise Refused("a tensor where none belongs")
            value = self.find_storage(self.pop())
        else:
            return False
        self.stack.append(value)
        return True

    def change_stack(self, code):
        """Instructions that push nothing: framing, marks, memo, filling containers; False if `code` is none of them."""
        if code == b"\x80":
            if self.number(1) > 5:
                raise Refused("a pickle protocol above 5")
        elif code == b"\x95":
            self.take(8)
        elif code == b"(":
            self.marks.append(len(self.stack))
        elif code in _PUT:
            self.memo[self.number(_PUT[code])] = self.stack[-1]
        elif code == b"\x94":
            self.memo[len(self.memo)] = self.stack[-1]
        elif code == b"s":
            value, key = self.pop(), self.pop()
            set_items(self.top(dict), [key, value])
        elif code == b"u":
            items = self.pop_mark()
            set_items(self.top(dict), items)
        elif code == b"a":
            value = self.pop()
            self.top(list).append(value)
        elif code == b"e":
            items = self.pop_mark()
            self.top(list).extend(items)
        elif code == b"b":
            self.pop()  # attributes of an OrderedDict, as state_dict()._metadata: not needed
            self.top(dict)
        else:
            return False
        return True

    def line(self):
        end = self.data.index(b"\n", self.position, self.position + 1000)
        return str(self.take(end + 1 - self.position)[:-1], "utf-8")


def _named(module, name):
    if type(module) is not str or type(name) is not str:
        raise Refused("a name that is no text")
    full = f"{module}.{name}"
    if full not in NAMES:
        raise Refused(f"it asks for {full[:200]!r}, but only tensors and plain containers are read; in PyTorch, save "
                       "them alone: torch.save(model.state_dict(), FILE)")
    return NAMES[full]


def _opcode_name(code):
    from pickletools import code2op
    known = code2op.get(code.decode("latin-1"))
    return known.name if known else f"0x{code.hex()}"
