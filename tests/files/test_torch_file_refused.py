"""refpcm.files.torch_file: checkpoints that are damaged, impossible or of another kind are refused with the reason."""

import io
import struct
import tarfile

import numpy as np
import pytest
from torch_writer import (
    FORMS,
    MAGIC,
    PROTOCOL,
    STORAGES,
    SYSTEM,
    VALUES,
    emit,
    matrix,
    named,
    pickled,
    read,
    sequential,
    zipped,
)

from refpcm.errors import RefpcmError
from refpcm.files.torch_file import read_torch

BAD = {
    "shape beyond the storage": (matrix(shape=(4, 4)), "reaches beyond its storage of 12"),
    "offset beyond the storage": (matrix(offset=1), "reaches beyond"),
    "offset of nothing": (matrix(shape=(0,), strides=(1,), offset=13), "reaches beyond"),
    "stride beyond the storage": (matrix(strides=(5, 1)), "reaches beyond"),
    "negative stride": (matrix(strides=(4, -1)), "impossible offset, shape or stride"),
    "negative offset": (matrix(offset=-1), "impossible"),
    "negative shape": (matrix(shape=(-3, 4)), "impossible"),
    "fractional shape": (matrix(shape=(3.0, 4)), "impossible"),
    "true as shape": (matrix(shape=(True, 4)), "impossible"),
    "shape of text": (matrix(shape="ab"), "impossible"),
    "fewer strides": (matrix(strides=(1,)), "impossible"),
    "33 dimensions": (matrix(shape=(1,) * 33, strides=(1,) * 33), "impossible"),
    "huge by stride 0": (matrix(shape=(2 ** 30, 2 ** 30), strides=(0, 0)), "reaches beyond"),
    "huge and empty": (matrix(shape=(0, 2 ** 40, 2 ** 40), strides=(0, 0, 0)), "reaches beyond"),
    "huge storage": (matrix(count=2 ** 60), "claims 1152921504606846976 elements"),
    "negative storage": (matrix(count=-1), "claims -1 elements"),
    "count no number": (matrix(count="12"), "persistent id that is no storage"),
    "key no text": (matrix(key=0), "persistent id that is no storage"),
    "key of 1 MB": (matrix(key="0" * 1000000), "persistent id that is no storage"),
    "storage of complex": (matrix(storage="torch ComplexFloatStorage"), "'torch.ComplexFloatStorage'"),
    "quantized storage": (matrix(storage="torch QInt8Storage"), "'torch.QInt8Storage'"),
    "storage no class": (matrix(storage="collections OrderedDict"), "no storage"),
    "other count": ([matrix(shape=(2, 2)), matrix(shape=(2, 2), count=11)], "two types or sizes"),
    "other type": ([matrix(), matrix(storage="torch IntStorage")], "two types or sizes"),
    "whole model": (emit(("module", "class", "file.py", "source")) + b"Q", "whole model"),
    "persistent id of text": (emit("0") + b"Q", "persistent id that is no storage"),
    "empty persistent id": (b")Q", "persistent id that is no storage"),
    "view of a storage": (emit(("storage", named("torch FloatStorage"), "0", "cpu", 12, ("v", 0, 2))) + b"Q",
                          "view of"),
    "tensor of a number": (named("torch._utils _rebuild_tensor_v2") + emit((1, 0, (1,), (1,), False, None)) + b"R",
                           "damaged"),
    "tensor without arguments": (named("torch._utils _rebuild_tensor_v2") + b")R", "damaged"),
    "sparse tensor": (named("torch._utils _rebuild_sparse_tensor") + b")R", "'torch._utils._rebuild_sparse_tensor'"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["__main__ Net", "torch.nn.modules.linear Linear", "numpy.core.multiarray scalar"])
def test_an_object_of_another_class_in_place_of_the_weights_is_refused_by_name(tmp_path, form, name):
    with pytest.raises(RefpcmError, match=f"a whole model or another object of class {name.replace(' ', '.')}.*state_dict"):
        read(tmp_path, FORMS[form](named(name) + b")\x81" + emit({"state": SYSTEM[2:-1]}) + b"b"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", BAD)
def test_impossible_tensors_are_refused_with_the_reason(tmp_path, form, case):
    value, words = BAD[case]
    with pytest.raises(RefpcmError, match=f"cannot read .*c.pt: .*{words}"):
        read(tmp_path, FORMS[form]([value], STORAGES))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", ["whole model", "view of a storage"])
def test_what_is_sound_but_not_read_is_not_called_damaged(tmp_path, form, case):
    with pytest.raises(RefpcmError, match="save") as refusal:
        read(tmp_path, FORMS[form]([BAD[case][0]], STORAGES))
    assert "damaged" not in str(refusal.value)


def tar():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("sys_info", "pickle", "tensors", "storages"):
            archive.addfile(tarfile.TarInfo(name))
    return stream.getvalue()


GOOD = sequential([matrix()], STORAGES)
OBJECT = pickled([matrix()])
DATA = struct.pack("<q", 12) + VALUES.tobytes()
FILES = {
    "tar form": (tar(), "tar form of PyTorch before 0.1.10"),
    "plain pickle": (pickled({"a": 1}), "its magic number is missing"),
    "other magic number": (sequential([], magic=pickled(12345)), "its magic number is missing"),
    "protocol 1002": (sequential([], protocol=pickled(1002)), "its protocol version is not 1001"),
    "protocol of text": (sequential([], protocol=pickled("1001")), "its protocol version is not 1001"),
    "trailing bytes": (GOOD + b"\0", "1 bytes follow its end"),
    "storage list too short": (MAGIC + PROTOCOL + SYSTEM + OBJECT + pickled([]), "list of storages"),
    "storage list too long": (MAGIC + PROTOCOL + SYSTEM + OBJECT + pickled(["0", "1"]) + DATA, "list of storages"),
    "storage twice": (MAGIC + PROTOCOL + SYSTEM + OBJECT + pickled(["0", "0"]) + DATA + DATA, "list of storages"),
    "storage list no list": (MAGIC + PROTOCOL + SYSTEM + OBJECT + pickled("0") + DATA, "list of storages"),
    "storage list of lists": (MAGIC + PROTOCOL + SYSTEM + OBJECT + pickled([["0"]]) + DATA, "list of storages"),
    "other element count": (GOOD[:-len(DATA)] + struct.pack("<q", 11) + DATA[8:], "before the data of storage '0'"),
    "count of 2^63": (GOOD[:-len(DATA)] + b"\xff" * 8 + VALUES.tobytes(), "before the data of storage"),
    "missing data.pkl": (zipped([], root="a").replace(b"data.pkl", b"dada.pkl"), "no single data.pkl"),
    "two data.pkl": (zipped([], extra={"b/data.pkl": pickled([])}), "no single data.pkl"),
    "missing storage": (zipped([matrix()]), "more than the file can hold|storage '0' are missing"),
    "short storage": (zipped([matrix()], {"0": (12, bytes(44)), "1": (1, bytes(100))}), "has 44 bytes instead of 48"),
    "long storage": (zipped([matrix()], {"0": (12, bytes(52))}), "has 52 bytes instead of 48"),
    "byteorder middle": (zipped([], byteorder=b"middle"), "'middle', neither little nor big"),
    "data.pkl goes on": (zipped(b"N.N"), "goes on after its end"),
    "TorchScript": (zipped([], extra={"constants.pkl": b"", "code/m.py": b""}), "TorchScript program"),
    "foreign zip": (zipped([]).replace(b"data.pkl", b"word.xml"), "not a PyTorch checkpoint"),
}


@pytest.mark.parametrize("case", FILES)
def test_malformed_files_are_refused_with_the_reason(tmp_path, case):
    content, words = FILES[case]
    with pytest.raises(RefpcmError, match=f"cannot read .*c.pt: .*({words})"):
        read(tmp_path, content)


@pytest.mark.parametrize("content", [GOOD, zipped([matrix()], STORAGES)], ids=FORMS)
def test_every_truncation_is_refused(tmp_path, content):
    for length in range(1, len(content)):
        with pytest.raises(RefpcmError):
            read(tmp_path, content[:length])


@pytest.mark.parametrize("content", [GOOD, zipped([matrix()], STORAGES)], ids=FORMS)
def test_random_damage_ends_in_a_refusal_or_a_reading(tmp_path, content):
    """800 random changes a form. The sequential form has no checksum, so that not all damage can be found."""
    draw, refused = np.random.default_rng(6), 0
    for _ in range(800):
        damaged = bytearray(content)
        for _ in range(draw.integers(1, 4)):
            position = draw.integers(len(damaged))
            kind = draw.integers(4)
            if kind == 0:
                damaged[position] ^= 1 << draw.integers(8)
            elif kind == 1:
                damaged[position] = draw.integers(256)
            elif kind == 2:
                del damaged[position:position + draw.integers(1, 9)]
            else:
                damaged[position:position] = draw.bytes(draw.integers(1, 9))
        try:
            value = read(tmp_path, bytes(damaged))
        except RefpcmError:
            refused += 1
        else:
            [np.asarray(part) for part in value] if isinstance(value, list) else None
    assert refused > 400


def test_flipped_bits_in_the_data_of_the_zip_form_are_refused(tmp_path):
    content = zipped([matrix()], STORAGES)
    begin = content.index(VALUES.tobytes())
    for bit in range(8 * 48):
        damaged = bytearray(content)
        damaged[begin + bit // 8] ^= 1 << bit % 8
        with pytest.raises(RefpcmError, match="CRC"):
            read(tmp_path, bytes(damaged))


@pytest.mark.peers
@pytest.mark.parametrize("zip_form", [False, True])
def test_a_whole_model_saved_by_torch_is_refused_by_name(tmp_path, zip_form):
    import torch
    torch.save(torch.nn.Linear(3, 2), tmp_path / "c.pt", _use_new_zipfile_serialization=zip_form)
    with pytest.raises(RefpcmError, match="torch.nn.modules.linear.Linear.*model.state_dict|whole model"):
        read_torch(tmp_path / "c.pt")
