"""refpcm.files.torch_file: PyTorch checkpoints of both forms, read without torch."""

import struct
import zipfile

import numpy as np
import pytest
from torch_writer import FORMS, STORAGES, VALUES, Tensor, emit, matrix, named, ordered_dict, read, zipped

from refpcm.errors import RefpcmError
from refpcm.files.torch_file import read_torch


@pytest.mark.parametrize("form", FORMS)
def test_plain_containers_come_back(tmp_path, form):
    value = {"none": None, "yes": True, "no": False, "int": -5, "float": 0.1, "text": "é", "list": [1, [2]],
             "tuple": (1, (), "a"), "dict": {1: {"a": 2}, 2.5: 3, None: 4, False: 5}}
    assert read(tmp_path, FORMS[form](value)) == value


@pytest.mark.parametrize("form", FORMS)
def test_strides_offsets_and_shared_storages(tmp_path, form):
    tensors = read(tmp_path, FORMS[form]({
        "whole": matrix(), "transposed": matrix(shape=(4, 3), strides=(1, 4)), "corner": matrix(shape=(2, 2), offset=5),
        "every second": matrix(shape=(6,), strides=(2,)), "scalar": matrix(shape=(), strides=(), offset=7),
        "expanded": matrix(shape=(5, 2), strides=(0, 1), offset=3), "nothing": matrix(shape=(0, 4)),
        "nothing at the end": matrix(shape=(0,), strides=(1,), offset=12)}, STORAGES))
    whole = VALUES.reshape(3, 4)
    expected = {"whole": whole, "transposed": whole.T, "corner": whole[1:, 1:3], "every second": VALUES[::2],
                "scalar": VALUES[7], "expanded": np.stack([VALUES[3:5]] * 5), "nothing": whole[:0],
                "nothing at the end": VALUES[12:]}
    for name, array in expected.items():
        found = np.asarray(tensors[name])
        assert found.shape == tensors[name].shape == array.shape and found.dtype == np.float32, name
        assert np.array_equal(found, array), name
        assert not found.flags.writeable


KINDS = {"Double": "f8", "Float": "f4", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1",
         "Byte": "u1", "Bool": "?"}


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_dtype_in_both_byte_orders(tmp_path, kind, order):
    values = np.array([0, 1, 1, 0, 1, 100]).astype(KINDS[kind])
    stored = values.astype(values.dtype.newbyteorder(order)).tobytes()
    for storage in (f"torch {kind}Storage", f"torch.cuda {kind}Storage"):
        tensor = Tensor("a/b", 6, (6,), (1,), storage=storage)
        found = np.asarray(read(tmp_path, zipped([tensor], {"a/b": (6, stored)}, order.encode()))[0])
        assert found.dtype == values.dtype and np.array_equal(found, values)


def test_without_a_byteorder_entry_data_are_little_endian(tmp_path):
    tensor, = read(tmp_path, zipped([matrix()], STORAGES, byteorder=None))
    assert np.array_equal(tensor, VALUES.reshape(3, 4))


@pytest.mark.parametrize("form", FORMS)
def test_bfloat16_becomes_float32(tmp_path, form):
    bits = np.array([0x3F80, 0xC000, 0x7F80, 0x0001, 0x8000, 0x4049], "<u2")
    tensor = Tensor("0", 6, (3, 2), (1, 3), storage="torch BFloat16Storage")
    found = np.asarray(read(tmp_path, FORMS[form]([tensor], {"0": (6, bits.tobytes())}))[0])
    expected = (bits.astype("u4") << 16).view("f4").reshape(2, 3).T
    assert found.dtype == np.float32 and np.array_equal(found, expected)


def test_parameters_old_rebuild_functions_sizes_and_dtypes(tmp_path):
    identity = emit(("storage", named("torch FloatStorage"), "0", "cpu", 12)) + b"Q"
    old = named("torch._utils _rebuild_tensor") + emit((identity, 0, (2,), (3,))) + b"R"
    parameter = named("torch._utils _rebuild_parameter") + emit((old, True, ordered_dict())) + b"R"
    raw = emit(("storage", named("torch.storage UntypedStorage"), "1", "cpu", 7)) + b"Q"
    unsigned = named("torch._utils _rebuild_tensor_v3") + emit(
        (raw, 1, (2,), (1,), False, ordered_dict(), named("torch uint16"))) + b"R"
    size = named("torch Size") + emit(((3, 4),)) + b"R"
    device = named("torch device") + emit(("cuda", 1)) + b"R"
    counter = named("collections Counter") + emit(({30: 1, 60: 2},)) + b"R"
    pairs = named("collections OrderedDict") + emit(([["a", 1], ["b", 2]],)) + b"R"
    with_metadata = ordered_dict() + b"(" + emit("weight") + old + b"u" + emit({"_metadata": ordered_dict()}) + b"b"
    found = read(tmp_path, zipped(
        [parameter, unsigned, size, device, counter, pairs, with_metadata, named("torch float16")],
        {**STORAGES, "1": (7, struct.pack("<HHHB", 1, 2, 65535, 9))}))
    assert np.array_equal(found[0], [0, 3]) and np.array_equal(found[1], [2, 65535])
    assert found[2:6] == [(3, 4), "cuda:1", {30: 1, 60: 2}, {"a": 1, "b": 2}]
    assert list(found[6]) == ["weight"] and found[7].name == "float16"
    with pytest.raises(RefpcmError, match="big-endian bytes that are seen as"):
        read(tmp_path, zipped([unsigned], {"1": (7, bytes(7))}, byteorder=b"big"))


def test_a_compressed_copy_of_the_zip_form_is_read(tmp_path):
    tensor, = read(tmp_path, zipped([matrix()], STORAGES, method=zipfile.ZIP_DEFLATED))
    assert np.array_equal(tensor, VALUES.reshape(3, 4))


@pytest.mark.peers
@pytest.mark.parametrize("zip_form", [False, True])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_torch_saves_is_read_as_torch_reads_it(tmp_path, zip_form, protocol):
    from collections import Counter, OrderedDict

    import torch
    base = torch.randn(5, 7)
    dtypes = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
              torch.uint8, torch.bool, torch.uint16, torch.uint32, torch.uint64)
    tensors = {str(dtype): (base.abs() * 100).to(dtype) for dtype in dtypes}
    tensors |= {"base": base, "transposed": base.t(), "slice": base[1:, ::2], "empty": torch.zeros(0, 3),
                "scalar": torch.tensor(3.5), "expanded": torch.ones(1).expand(10),
                "parameter": torch.nn.Parameter(base.clone()), "channels last": torch.randn(2, 3, 4, 5).to(
                    memory_format=torch.channels_last)}
    plain = {"size": tuple(base.shape), "ordered": OrderedDict(x=1), "counter": Counter({3: 1}),
             "list": [1, 2.5, None, "é", (1, 2, 3, 4), 2 ** 70, -5, True]}
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).state_dict()
    torch.save({"tensors": tensors, "plain": plain, "model": model}, tmp_path / "c.pt",
               _use_new_zipfile_serialization=zip_form, pickle_protocol=protocol)
    found = read_torch(tmp_path / "c.pt")
    assert found["plain"] == plain and list(found["model"]) == list(model)
    for name, tensor in (tensors | dict(model)).items():
        array = np.asarray(found["tensors"].get(name, found["model"].get(name)))
        tensor = tensor.detach()
        expected = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        assert array.dtype == expected.dtype and array.shape == expected.shape, name
        assert np.array_equal(array, expected), name


@pytest.mark.peers
def test_what_torch_saves_of_training_is_read(tmp_path):
    import torch
    model = torch.nn.Linear(3, 2)
    optimiser = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [100, 150])
    model(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    torch.save({"state_dict": model.state_dict(), "optimizer": optimiser.state_dict(), "epoch": 3,
                "lr_scheduler": schedule.state_dict(), "best": 0.5}, tmp_path / "c.pt")
    found = read_torch(tmp_path / "c.pt")
    assert found["epoch"] == 3 and found["lr_scheduler"]["milestones"] == {100: 1, 150: 1}
    momentum = optimiser.state_dict()["state"][0]["momentum_buffer"]
    assert np.array_equal(found["optimizer"]["state"][0]["momentum_buffer"], momentum.numpy())


@pytest.mark.peers
def test_files_made_by_hand_for_these_tests_are_what_torch_reads(tmp_path):
    import torch
    for form in FORMS.values():
        (tmp_path / "c.pt").write_bytes(form([matrix(shape=(4, 3), strides=(1, 4))], STORAGES))
        tensor, = torch.load(tmp_path / "c.pt", weights_only=True)
        assert np.array_equal(tensor.numpy(), VALUES.reshape(3, 4).T)
