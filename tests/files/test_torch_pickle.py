"""refpcm.files.torch_pickle: a malicious pickle does not run, and does not exhaust the machine."""

import os
import pickle
import pickletools
import struct
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from torch_writer import MAGIC, PROTOCOL, SYSTEM, Tensor, emit, named, ordered_dict, pickled, zipped

from refpcm.errors import RefpcmError
from refpcm.files import torch_names
from refpcm.files.torch_file import read_torch
from refpcm.files.torch_pickle import load_pickle

COMMAND, CODE = "echo run > MARKER", "open('MARKER', 'w')"  # MARKER in the current folder shows that code has run


class Calls:
    """Unpickles, by Python's own pickle, as function(*arguments)."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def called(name, *arguments):
    """GLOBAL name, arguments, REDUCE."""
    return named(name) + emit(arguments) + b"R"


SYSTEM_CALL, EVAL = called("os system", COMMAND), called("builtins eval", CODE)
EVAL_LIST = called("builtins eval", f"[{CODE}]")
NESTED = SYSTEM_CALL + b"."
ATTACKS = {
    "os.system": SYSTEM_CALL,
    "posix.system": called("posix system", COMMAND),
    "STACK_GLOBAL": emit("os") + emit("system") + b"\x93" + emit((COMMAND,)) + b"R",
    "STACK_GLOBAL of short texts": b"\x8c\x02os\x8c\x06system\x93" + emit((COMMAND,)) + b"R",
    "from the memo": named("os system") + b"q\x000h\x00" + emit((COMMAND,)) + b"R",
    "INST": b"(S'" + COMMAND.encode() + b"'\nios\nsystem\n",
    "OBJ": b"(" + named("os system") + emit(COMMAND) + b"o",
    "builtins.eval": EVAL,
    "builtins.exec": called("builtins exec", CODE),
    "eval of Python 2": called("__builtin__ eval", CODE),
    "builtins.open": called("builtins open", "MARKER", "w"),
    "io.open": called("io open", "MARKER", "w"),
    "nested getattr": called("builtins getattr", called("builtins __import__", "os"), "system")
    + emit((COMMAND,)) + b"R",
    "getattr of an allowed class": called("builtins getattr", named("collections OrderedDict"), "fromkeys") + b"("
    + EVAL_LIST + b"tR",
    "dotted name in an allowed class": b"\x80\x04" + emit("collections") + emit("OrderedDict.fromkeys") + b"\x93("
    + EVAL_LIST + b"tR",
    "list of a map": called("builtins list", called("builtins map", named("os system"), [COMMAND])),
    "functools.partial": called("functools partial", named("os system"), COMMAND) + b")R",
    "operator.methodcaller": called("operator methodcaller", "system", COMMAND) + b"("
    + called("builtins __import__", "os") + b"tR",
    "pickle in a pickle": called("pickle loads", b"B" + struct.pack("<I", len(NESTED)) + NESTED),
    "compiled code": called("builtins exec", called("builtins compile", CODE, "x", "exec")),
    "argument of NEWOBJ": named("collections UserList") + b"(" + EVAL_LIST + b"t\x81",
    "state of BUILD": ordered_dict() + emit({"x": EVAL}) + b"b",
    "in an allowed call": called("collections OrderedDict", [["a", EVAL]]),
    "key of a dictionary": b"}(" + EVAL + emit(1) + b"u",
    "dropped by POP": EVAL + b"0N",
    "dropped by POP_MARK": b"(" + EVAL + b"1N",
    "overwritten in a dictionary": b"}(" + emit(1) + EVAL + emit(1) + emit(2) + b"u",
    **{f"__reduce__ in protocol {protocol}": pickle.dumps(Calls(os.system, COMMAND), protocol)[:-1]
       for protocol in range(6)},
}
PLACES = {  # where the pickle stands in a checkpoint
    "first in the sequential form": lambda raw: b"\x80\x02" + raw + b".",
    "system facts": lambda raw: MAGIC + PROTOCOL + raw + b"." + pickled([]) + pickled([]),
    "object": lambda raw: MAGIC + PROTOCOL + SYSTEM + raw + b"." + pickled([]),
    "storage keys": lambda raw: MAGIC + PROTOCOL + SYSTEM + pickled([]) + raw + b".",
    "zip form": zipped,
    "persistent id": lambda raw: zipped(b"(" + emit("storage") + raw + emit("0") + emit("cpu") + emit(1) + b"tQ"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_runs_that_runs_in_pythons_own_pickle(tmp_path, monkeypatch, attack):
    monkeypatch.chdir(tmp_path)
    for place, wrap in PLACES.items():
        (tmp_path / "c.pt").write_bytes(wrap(ATTACKS[attack]))
        with pytest.raises(RefpcmError, match="cannot read c.pt: at byte"):
            read_torch("c.pt")
        assert os.listdir() == ["c.pt"], place
    with suppress(Exception):
        pickle.loads(ATTACKS[attack] + b".")
    assert "MARKER" in os.listdir(), "the attack is none"


ALLOWED = set("""
    PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT
    BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8
    EMPTY_DICT EMPTY_LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 SETITEM SETITEMS APPEND APPENDS
    BINPUT LONG_BINPUT BINGET LONG_BINGET MEMOIZE GLOBAL STACK_GLOBAL REDUCE BUILD BINPERSID
    PUT GET INT LONG FLOAT STRING UNICODE LIST DICT POP DUP BYTEARRAY8 NEWOBJ NEWOBJ_EX EMPTY_SET ADDITEMS FROZENSET
    """.split())


def test_all_other_instructions_are_refused_by_name():
    """Also those that no pickle has: all 256 bytes."""
    known = {opcode.code.encode("latin-1"): opcode.name for opcode in pickletools.opcodes}
    refused = 0
    for code in (bytes([value]) for value in range(256)):
        name = known.get(code, f"0x{code.hex()}")
        if name not in ALLOWED:
            with pytest.raises(RefpcmError, match=f"instruction {name} is not allowed"):
                load_pickle("c.pt", emit([]) + emit([]) + code + b"\0" * 20)
            refused += 1
    assert refused == 256 - len(ALLOWED)


@pytest.mark.parametrize("name", [
    "os system", "torch load", "torch.hub load", "torch.jit load", "torch nn", "torch._utils _rebuild_qtensor",
    "torch._utils _rebuild_tensor_v2.__globals__", "torch._utils _rebuild_tensor_v2 ", "torch  FloatStorage",
    "collections OrderedDict.__init__", "collections.OrderedDict fromkeys", "builtins set.__class__", "builtins getattr",
    "_codecs decode", "argparse FileType", "pathlib Path.open", "nt system", "copy_reg __newobj__", " ", "numpy ",
    "evil\x1b[2J name", "collections _sys"])
def test_other_names_are_refused_by_name_with_a_remedy(name):
    module, _, attribute = name.partition(" ")
    with pytest.raises(RefpcmError, match="it asks for '.*torch.save\\(model.state_dict"):
        load_pickle("c.pt", b"c" + module.encode() + b"\n" + attribute.encode() + b"\n.")


def test_the_names_that_are_allowed_are_these_and_stand_for_our_own():
    for name, value in torch_names.NAMES.items():
        assert name.split(".")[0] in ("torch", "collections")
        assert isinstance(value, torch_names.ElementType) or value.__module__ == torch_names.__name__
    assert len(torch_names.NAMES) == 10 + 13 + 20 + 2


@pytest.mark.parametrize("raw, words", [
    (named("torch Size") + emit({"__defaults__": (1,)}) + b"b", "a dict is expected"),
    (named("torch float32") + emit({"code": "O"}) + b"b", "a dict is expected"),
    (emit([]) + emit({}) + b"b", "a dict is expected"),
    (named("torch float32") + b")R", "a call of something that is no function"),
    (emit("text") + b")R", "a call of something that is no function"),
    (named("torch Size") + b"]R", "a call of something that is no function"),
    (named("torch Size") + emit((5,)) + b"R", "a torch.Size that is none"), (b"R", "takes more"), (b"(R", "takes more"),
    (b"t", "damaged"), (b"u", "damaged"), (b"(u", "a dict is expected"), (b"(e", "a list is expected"),
    (b"}(" + emit(1) + b"u", "damaged"), (b"N(a", "takes more"), (b"](" + emit(1) + b"a", "a list is expected"),
    (b"h\x05", "memo 5 was never filled"), (b"j\xff\xff\xff\xff", "memo 4294967295 was never"),
    (b"q\0", "damaged"),
    (b"N(", "untidy stack"), (b"NN", "untidy stack"), (b"", "untidy stack"), (b"\x80\x06N", "protocol above 5"),
    (named("torch Size") + emit(([1, "a"],)) + b"R", "a torch.Size that is none"),
    (named("torch device") + emit(("cuda" * 6,)) + b"R", "a torch.device that is none"),
    (named("torch device") + emit(("cuda", "0")) + b"R", "a torch.device that is none"),
    (named("collections OrderedDict") + emit(([["a", 1, "b"]],)) + b"R", "no pairs"),
    (named("collections OrderedDict") + emit(("text",)) + b"R", "neither pairs nor a dictionary"),
    (emit({2 ** 61 - 1: None}), "a number beyond 2.60"),
    (b"N\x93", "takes more"), (b"NN\x93", "a name that is no text"), (b"cos\n", "damaged"),
    (b"c" + b"a" * 2000 + b"\nb\n", "damaged"), (b"c\xff\n\xff\n", "damaged"), (b"X\1\0\0\0\xff", "damaged"),
    (b"X\xff\xff\xff\xffa", "truncated"), (b"\x8d" + b"\xff" * 8, "truncated"), (b"\x8e" + b"\xff" * 8, "truncated"),
    (b"B\xff\xff\xff\xff", "truncated"), (b"\x8a\xff", "truncated"), (b"G", "truncated"),
    (b"]Q", "where none belongs")])
def test_nonsense_is_refused_with_the_reason(raw, words):
    with pytest.raises(RefpcmError, match=f"at byte \\d+ of the pickle: .*{words}"):
        load_pickle("c.pt", raw + b".")


@pytest.mark.parametrize("key", [b")", b"]", b"}", emit((1, 2)), named("torch float32"), named("torch Size")])
def test_keys_of_dictionaries_are_plain(key):
    with pytest.raises(RefpcmError, match="as key of a dictionary"):
        load_pickle("c.pt", b"}(" + key + b"Nu.")


def test_a_tuple_doubled_a_hundred_times_costs_nothing(tmp_path):
    """Printing, comparing or hashing it would take 2^100 steps."""
    doubled = b")" + b"q\0h\0\x86" * 100
    assert len(load_pickle("c.pt", doubled + b".")[0]) == 2
    with pytest.raises(RefpcmError, match="a tuple as key"):
        load_pickle("c.pt", b"}(" + doubled + b"Nu.")
    (tmp_path / "c.pt").write_bytes(zipped(doubled + b"Q"))
    with pytest.raises(RefpcmError, match="persistent id"):
        read_torch(tmp_path / "c.pt")


BOMBS = {
    "a dictionary copied again and again": emit({f"k{number}": None for number in range(1000)}) + b"q\0" + (
        named("collections OrderedDict") + b"q\1") + b"h\1h\0\x85Rq\0" * 4000,
    "a call with a remembered tuple of 20,000": emit((1,) * 20_000) + b"q\0" + named("collections defaultdict") + (
        b"q\1" + b"h\1h\0R" * 100_000),
    "20,000 places of the memo with one hash": b"N" + b"".join(b"p%d\n" % ((2 ** 61 - 1) * (i + 1)) for i in range(20_000)),
    "a string doubled forty times": emit("a") + b"q\0" + (named("torch device") + b"h\0h\0\x86Rq\0") * 40,
    "20,000 sizes of one list": emit([1] * 20_000) + b"q\0" + (named("torch Size") + b"h\0\x85R") * 20_000,
    "a dictionary of one list 20,000 times": emit([1] * 20_000) + b"q\0" + named("collections OrderedDict") + (
        b"](" + b"h\0" * 20_000 + b"e\x85R"),
    "memo index of 2^32 - 1": emit([]) + b"r\xff\xff\xff\xff",
    "300,000 nested lists": b"]" * 300_000 + b"a" * 299_999,
    "300,000 nested tuples": b")" + b"\x85" * 300_000,
    "300,000 nested dictionaries": b"}" + b"N}" * 300_000 + b"s" * 300_000,
    "300,000 marks": b"(" * 300_000,
    "five million values": b"(" + b"N" * 5_000_000 + b"t",
    "a number of 255 bytes": b"\x8a\xff" + b"\x7f" * 255,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_stay_small(tmp_path, bomb):
    """In a process of its own that may have 1.5 GB and 10 s: read or refused, never a crash."""
    (tmp_path / "c.pt").write_bytes(zipped(BOMBS[bomb]))
    program = ("import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))\n"
               "resource.setrlimit(resource.RLIMIT_CPU, (10, 10))\n"
               "from refpcm.errors import RefpcmError\n"
               "from refpcm.files.torch_file import read_torch\n"
               "try: value = read_torch(sys.argv[1]); del value\n"
               "except RefpcmError as error: print(error)\n"
               "print('survived')")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", program, tmp_path / "c.pt"], capture_output=True, text=True, timeout=60,
                         env=environment)
    assert run.returncode == 0 and run.stdout.endswith("survived\n"), run.stderr


def test_an_expanded_tensor_of_an_exabyte_is_a_view(tmp_path):
    tensor = Tensor("0", 1, (2 ** 46,), (0,))
    (tmp_path / "c.pt").write_bytes(zipped([tensor], {"0": (1, b"\0\0\x80?")}))
    found = read_torch(tmp_path / "c.pt")[0]
    assert found.shape == (2 ** 46,) and np.asarray(found)[-1] == 1
