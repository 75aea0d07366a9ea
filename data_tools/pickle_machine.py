"""A pickle machine that builds plain values and calls nothing but the functions of a given table.

A pickle is a program for a small machine with a stack and a memo, which may import and call anything. This machine
interprets the instructions itself, without Python's `pickle` module. Names that the pickle asks for are looked up in a
table; an object of a class that is not in it can at most become `Inert`.

Time and memory stay proportional to the size of the pickle: every value takes at least one byte of it; all calls
together are given no more elements and bytes than the pickle had up to there (a list that is remembered can be handed
to a call again and again); keys of dictionaries are plain and have different hashes.
"""

import codecs
import struct
from types import FunctionType

from data_tools.foreign_text import shown
from data_tools.pickle_values import INSTRUCTIONS, Inert, Refused, instruction_name

MOST_INSTRUCTIONS = 2_000_000  # a checkpoint has some thousands, a batch of CIFAR-10 some ten thousand
SPARE = 1000  # elements that calls may be given beyond the bytes that were read
_LARGEST_MEMO = 2 ** 32
_SIZED = (str, bytes, list, tuple, dict)


def unpickle(data, find_name, find_storage=None, old_text=bytes, position=0):
    """(value, position after it) of the pickle that begins at `position` of `data` (bytes).

    find_name("module.name") returns a function of ours, a constant or an Inert; find_storage(persistent id) an object;
    both raise Refused. old_text(bytes) returns what a text of Python 2 becomes. An object with a method
    `set_state` is given its state. Raises Refused with the reason and the place.
    """
    machine = _Machine(data, find_name, find_storage, old_text, position)
    try:
        return machine.run(), machine.position
    except Refused as error:
        raise Refused(f"at byte {machine.begin} of the pickle: {error}") from error
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError, struct.error) as error:
        raise Refused(f"at byte {machine.begin} of the pickle: damaged ({shown(str(error))})") from error


class _Machine:
    """One pass over one pickle. `begin` is where the current instruction stands."""

    def __init__(self, data, find_name, find_storage, old_text, position):
        self.data, self.find_name, self.find_storage, self.old_text = data, find_name, find_storage, old_text
        self.first = self.begin = self.position = position
        self.stack, self.marks, self.memo, self.handled = [], [], {}, 0

    def run(self):
        for _ in range(MOST_INSTRUCTIONS):
            self.begin = self.position
            code = self.take(1)
            if code == b".":
                if len(self.stack) != 1 or self.marks:
                    raise Refused("it ends with an untidy stack")
                return self.stack[0]
            if code not in INSTRUCTIONS:
                raise Refused(f"instruction {instruction_name(code)} is not allowed")
            method, *operands = INSTRUCTIONS[code]
            getattr(self, method)(*operands)
        raise Refused(f"more than {MOST_INSTRUCTIONS} instructions")

    def take(self, count):
        if count > len(self.data) - self.position:
            raise Refused("truncated")
        self.position += count
        return self.data[self.position - count:self.position]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def line(self, longest=None):
        end = self.data.index(b"\n", self.position, longest and self.position + longest)
        return self.take(end + 1 - self.position)[:-1]

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
        """The value on top, which is to be filled: of type `kind`, or an Inert."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0) or type(self.stack[-1]) not in (kind, Inert):
            raise Refused(f"a {kind.__name__} is expected where there is none")
        return self.stack[-1]

    # Instructions that push a value.

    def push(self, value):
        self.stack.append(value)

    def push_new(self, kind):
        self.push(kind())

    def push_unpacked(self, form):
        self.push(*struct.unpack(form, self.take(struct.calcsize(form))))

    def push_long(self):
        self.push(int.from_bytes(self.take(self.number(1)), "little", signed=True))

    def push_line(self, convert):
        self.push(convert(self.line()))

    def push_raw(self, size, convert):
        self.push(convert(bytes(self.take(self.number(size)))))

    def push_old(self, size):
        self.push_raw(size, self.old_text)

    def push_old_line(self):
        text = self.line()
        if len(text) < 2 or text[0] != text[-1] or text[:1] not in b"'\"":
            raise Refused("a text without quotation marks")
        self.push(self.old_text(codecs.escape_decode(text[1:-1])[0]))

    def push_tuple(self, size):
        self.push(tuple([self.pop() for _ in range(size)][::-1]))

    def push_marked(self, convert):
        self.push(convert(self.pop_mark()))

    def push_again(self):
        self.push(self.stack[-1])

    def push_memo(self, size):
        index = self.number(size) if size else int(self.line())
        if index not in self.memo:
            raise Refused(f"memo {index} was never filled")
        self.push(self.memo[index])

    def push_global(self):
        module, name = (str(self.line(1000), "utf-8") for _ in range(2))
        self.push(self.find_name(f"{module}.{name}"))

    def push_named(self):
        name, module = self.pop(), self.pop()
        if type(module) is not str or type(name) is not str:
            raise Refused("a name that is no text")
        self.push(self.find_name(f"{module}.{name}"))

    def push_storage(self):
        if self.find_storage is None:
            raise Refused("a persistent id where none belongs")
        self.push(self.find_storage(self.pop()))

    def call(self):
        arguments, function = self.pop(), self.pop()
        if type(function) is Inert:
            self.push(Inert(function.name))
            return
        if type(function) is not FunctionType or type(arguments) is not tuple:
            raise Refused("a call of something that is no function")
        self.handled += len(arguments) + sum(len(value) for value in arguments if type(value) in _SIZED)
        if self.handled > self.position - self.first + SPARE:
            raise Refused(f"its calls are given {self.handled} elements, more than the pickle has bytes up to there")
        self.push(function(*arguments))

    def make_inert(self, count):
        """Creation of an object of a class with `count` arguments: only for classes that are not read."""
        for _ in range(count):
            self.pop()
        if type(value := self.pop()) is not Inert:
            raise Refused("an object of something that is no class")
        self.push(Inert(value.name))

    # Instructions that push nothing.

    def check_protocol(self):
        if self.number(1) > 5:
            raise Refused("a pickle protocol above 5")

    def mark(self):
        self.marks.append(len(self.stack))

    def put(self, size):
        index = len(self.memo) if size is None else self.number(size) if size else int(self.line())
        if not 0 <= index < _LARGEST_MEMO:
            raise Refused(f"memo {shown(index)} is out of range")
        self.memo[index] = self.stack[-1]

    def add(self, kind, items, fill):
        """Add to the dict, list or set on top; items: what to take from the stack, None: all down to the mark."""
        items = self.pop_mark() if items is None else [self.pop() for _ in range(items)][::-1]
        target = self.top(kind)
        if type(target) is not Inert:
            fill(target, items)

    def build(self):
        state = self.pop()
        if hasattr(self.stack[-1], "set_state"):
            self.stack[-1].set_state(state)
        else:
            self.top(dict)  # attributes of an OrderedDict, as state_dict()._metadata: not needed
