import pickle
import struct
import time
import tracemalloc

import numpy as np
import pytest

from data_tools import cifar10_batches, cifar10_pickle
from data_tools.errors import DataError


def short(text):
    """A Python 2 str of less than 256 bytes in pickle protocol 2."""
    return b"U" + bytes([len(text)]) + text


def python2_batch(pixels, labels):
    """A batch as Python 2 and its NumPy wrote the official ones, opcode by opcode."""
    raw = pixels.tobytes()
    rows, columns = pixels.shape
    return b"".join([
        b"\x80\x02}(", short(b"batch_label"), short(b"training batch 1 of 5"),
        short(b"labels"), b"](", b"".join(b"K" + bytes([label]) for label in labels), b"e",
        short(b"data"), b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"K\x00\x85", short(b"b"),
        b"\x87R", b"(K\x01", b"M", struct.pack("<H", rows), b"M", struct.pack("<H", columns), b"\x86",
        b"cnumpy\ndtype\n", short(b"u1"), b"K\x00K\x01\x87R",
        b"(K\x03", short(b"|"), b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb",
        b"\x89T", struct.pack("<I", len(raw)), raw, b"tb", b"u."])


PIXELS = np.random.default_rng(0).integers(0, 256, (7, 3072), np.uint8)
LABELS = [3, 1, 4, 1, 5, 9, 2]


def test_the_official_python_2_form_is_read():
    data = python2_batch(PIXELS, LABELS)
    plain = pickle.loads(data, encoding="bytes")  # the form is right: the unrestricted reader agrees
    assert (plain[b"data"] == PIXELS).all() and plain[b"labels"] == LABELS
    content = cifar10_pickle.loads(data, "batch")
    assert (content["data"] == PIXELS).all() and content["data"].dtype == np.uint8
    assert content["labels"] == LABELS and content["batch_label"] == b"training batch 1 of 5"


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("key", ["data", b"data"])
def test_what_python_3_writes_is_read(protocol, key):
    content = cifar10_pickle.loads(pickle.dumps({key: PIXELS, "labels": LABELS}, protocol), "batch")
    assert (content["data"] == PIXELS).all() and content["labels"] == LABELS


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("labels", [np.array(LABELS), np.array(LABELS, ">i4"), np.array(LABELS, np.uint8),
                                    [np.int64(label) for label in LABELS], LABELS])
def test_labels_may_be_arrays_and_numpy_numbers(protocol, labels):
    for pixels in (PIXELS, PIXELS.reshape(7, 3, 32, 32), np.asfortranarray(PIXELS)):
        data = pickle.dumps({b"data": pixels, b"labels": labels}, protocol)
        images, found = cifar10_batches.decode_python(data, "batch", 7)
        assert (images.reshape(7, 3072) == PIXELS).all() and found.tolist() == LABELS and found.dtype == np.uint8


@pytest.mark.parametrize("content, words", [
    ({b"data": PIXELS, b"fine_labels": LABELS}, "CIFAR-100"), ({b"data": PIXELS.astype(np.int64)}, "is int64 .7, 3072."),
    ({b"data": PIXELS.T.copy()}, "is uint8 .3072, 7. where uint8 .7, 3072. belongs"), ({b"data": 5}, "is int where"),
    ({b"data": PIXELS, b"labels": np.array(LABELS, float)}, "an array of type f8")])
def test_other_contents_are_named(content, words):
    with pytest.raises(DataError, match=words):
        cifar10_batches.decode_python(pickle.dumps(content, 2), "batch", 7)


BOMBS = {
    "texts encoded again and again": b"}U\1a(" + b"V" + b"a" * 500_000 + b"\nq\0c_codecs\nencode\nq\1V" + b"latin1\nq\2"
    + b"h\1h\0h\2\x86R" * 50_000 + b"ls.",
    "keys of one hash": b"}(" + b"".join(b"L%dL\nN" % ((2 ** 61 - 1) * i) for i in range(1, 30_000)) + b"u.",
    "places of the memo with one hash": b"N" + b"".join(b"p%d\n" % ((2 ** 61 - 1) * i) for i in range(1, 30_000)) + b".",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_small_pickles_cost_little(bomb):
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(DataError, match="more than the pickle has bytes|beyond 2.60|out of range"):
        cifar10_pickle.loads(BOMBS[bomb], "batch")
    assert time.process_time() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 50 * len(BOMBS[bomb])
    tracemalloc.stop()


class Call:
    """Pickles as a call of `function(*arguments)`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile_pickles(canary):
    import builtins
    import os
    import subprocess
    command = f"touch {canary}"
    yield "os.system", pickle.dumps({"data": Call(os.system, command)}, 2)
    for protocol in range(6):
        yield f"eval, protocol {protocol}", pickle.dumps(Call(builtins.eval, f"open({str(canary)!r}, 'w')"), protocol)
    yield "subprocess", pickle.dumps([Call(subprocess.call, ["touch", str(canary)])], 2)
    yield "exec by name", b"cbuiltins\nexec\n(S\"open(%s, 'w')\"\ntR." % repr(str(canary)).encode()
    yield "python 2 builtin", b"c__builtin__\neval\n(S\"open(%s, 'w')\"\ntR." % repr(str(canary)).encode()
    yield "INST", b"(S'%s'\nios\nsystem\n." % command.encode()
    yield "OBJ", b"(cos\nsystem\nS'%s'\no." % command.encode()
    yield "a path through numpy", b"\x80\x04\x8c\x05numpy\x8c\x0dos.system.call\x93\x8c\x01x\x85R."
    yield "another function of numpy", b"cnumpy\nload\n(S'/etc/passwd'\ntR."
    yield "numpy.testing", b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR."
    yield "another function of the codec", b"c_codecs\nlookup\n(S'x'\ntR."
    yield "another codec", b"c_codecs\nencode\n(Vx\nVzlib\ntR."
    yield "a claim of 40 GB", b"\x96" + struct.pack("<Q", 40 << 30) + b"."
    yield "a tuple of itself a hundred times as key", b"}(" + b")" + b"q\0h\0\x86" * 100 + b"Nu."
    yield "the same, item by item", b"}" + b")" + b"q\0h\0\x86" * 100 + b"Ns."
    yield "the same, from a mark", b"(" + b")" + b"q\0h\0\x86" * 100 + b"Nd."
    yield "a set of it", b"\x8f(" + b")" + b"q\0h\0\x86" * 100 + b"\x90."
    yield "a state of a function", b"c_codecs\nencode\n}S'__doc__'\nS'x'\nsb."
    yield "an array type past its check", b"cnumpy\ndtype\n)\x81."
    yield "persistent id", b"Pos.system\n."
    yield "extension registry", b"\x82\x01."
    yield "ndarray called", b"cnumpy\nndarray\n(K\x05tR."
    yield "reconstruct of another class", b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\ndtype\nK\x00S'b'\ntR."
    yield "array of objects", pickle.dumps({"data": np.array([Call(os.system, command)], object)}, 2)
    yield "array of floats", pickle.dumps({"data": np.zeros(3)}, 2)
    yield "array longer than its bytes", python2_batch(PIXELS, LABELS).replace(b"M\x07\x00", b"M\xff\xff")
    arrayless = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85S'b'\ntR."
    yield "no dict but an array without state", arrayless
    yield "no dict", pickle.dumps([1, 2, 3], 2)
    yield "empty", b""
    yield "text", b"hello world"
    yield "cut off", python2_batch(PIXELS, LABELS)[:-5000]


def test_an_array_without_content_is_none():
    data = b"}(S'data'\ncnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85S'b'\ntRu."
    assert cifar10_pickle.loads(data, "batch") == {"data": None}


def test_a_memo_of_gigabytes_is_not_made():
    assert cifar10_pickle.loads(b"}r\xff\xff\xff\xff.", "batch") == {}


def test_hostile_and_damaged_pickles_are_refused_and_nothing_runs(tmp_path):
    canary = tmp_path / "canary"
    refused = 0
    for name, data in hostile_pickles(canary):
        with pytest.raises(DataError, match="batch is no CIFAR-10 batch: ."):
            cifar10_pickle.loads(data, "batch")
            pytest.fail(name)
        assert not canary.exists(), name
        refused += 1
    assert refused == 36


def test_the_hostile_pickles_are_hostile(tmp_path):
    """The same bytes, read without restriction, do run."""
    canary = tmp_path / "canary"
    pickle.loads(dict(hostile_pickles(canary))["os.system"])
    assert canary.exists()


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_never_end_in_another_exception(seed):
    generator = np.random.default_rng(seed)
    data = np.frombuffer(python2_batch(PIXELS[:1], LABELS[:1]), np.uint8)
    head = np.flatnonzero(np.arange(len(data)) < 300)
    for _ in range(200):
        damaged = data.copy()
        damaged[generator.choice(head, 3)] ^= generator.integers(1, 256, 3, np.uint8)
        try:
            cifar10_pickle.loads(damaged.tobytes(), "batch")
        except DataError:
            pass
