"""Files of measurements: what is read, and what is refused with which words."""

import os

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.golden.lab import measurements
from refpcm.golden.lab.command import read_measurements
from refpcm.golden.lab.table_file import LONGEST_LINE
from refpcm.spec.pcm.device import DEVICES, JOSHI2020

HEAD = "device,target_us,time_s,g_us,read\n"
TABLE = HEAD + "7,5,60,4.5,1\n\n# a remark\n7,5,60,4.7,2\n3,0,30,0.1,1\n7,5,30,4.9,1\n"


def read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_measurements(path)


def same(a, b):
    names = ("number", "target_us", "owner", "t_s", "g_us")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names)


def test_a_table_is_ordered_by_device_and_time(tmp_path):
    m = read(tmp_path / "a.csv", TABLE)
    assert m.number.tolist() == [3, 7] and m.target_us.tolist() == [0, 5] and m.owner.tolist() == [0, 1, 1, 1]
    assert m.t_s.tolist() == [30, 30, 60, 60] and m.g_us.tolist() == [0.1, 4.9, 4.5, 4.7]
    assert m.place(1) == f"{tmp_path / 'a.csv'}, line 7" and m.place(2).endswith("line 2")


@pytest.mark.parametrize("content", [
    "\ufeff" + TABLE, TABLE.replace("\n", "\r\n"), TABLE.replace(",", " , "), TABLE.rstrip("\n"),
    "\n".join(",".join(line.split(",")[::-1]) if "," in line else line for line in TABLE.split("\n"))],
    ids=["byte-order-mark", "windows", "spaces", "no-last-line-break", "columns-reversed"])
def test_tables_may_be_written_in_several_ways(content, tmp_path):
    assert same(read(tmp_path / "a.csv", content), read(tmp_path / "b.csv", TABLE))


def test_columns_and_blocks_of_an_npz_file_are_the_table(tmp_path):
    g_us = np.arange(12.0).reshape(2, 3, 2)
    device, time, number = (index.ravel() for index in np.indices(g_us.shape))
    columns = {"device": device, "target_us": np.array([0.0, 5])[device], "time_s": np.array([30, 60, 90])[time],
               "g_us": g_us.ravel(), "read": number}
    np.savez(tmp_path / "columns", **columns)
    np.savez_compressed(tmp_path / "block", target_us=[0.0, 5], time_s=[30, 60, 90], g_us=g_us)
    np.savez(tmp_path / "single", target_us=[0.0, 5], time_s=[30, 60, 90], g_us=g_us[..., 0])
    lines = [",".join(f"{value:g}" for value in row) for row in zip(*columns.values())]
    table = read(tmp_path / "a.csv", ",".join(columns) + "\n" + "\n".join(lines))
    assert same(table, read_measurements(tmp_path / "columns.npz"))
    block = read_measurements(tmp_path / "block.npz")
    assert same(table, block) and block.place(3) == f"{tmp_path / 'block.npz'}, g_us[0, 1, 1]"
    assert read_measurements(tmp_path / "single.npz").g_us.tolist() == g_us[..., 0].ravel().tolist()


LINE = "1,5,30,4.5,1\n"
REFUSED = {
    "": "the file is empty",
    "# only a remark\n": "has no readings; the first line names the columns, with commas between: device,target_us,time_s,g_us, and",
    HEAD: "has no readings",
    LINE: "line 1: unknown column '1'; the first line names the columns",
    HEAD.replace("read", "current"): "line 1: unknown column 'current'",
    HEAD.replace(",", ";") + LINE: "unknown column 'device;target_us;time_s;g_us;read'",
    "device,target_us,g_us\n": "column time_s is missing",
    "device,target_us,time_s,g_us,g_us\n": "column g_us is there twice",
    HEAD + LINE + "1,5,60\n": "line 3: 3 fields where there are 5 columns",
    HEAD + LINE + "1,5,60,four,1\n": "line 3: 'four' is no number",
    HEAD + LINE + "1,5,60,\x1b[31m,1\n": r"line 3: '\\x1b[31m' is no number",
    HEAD + LINE + "1,5,60,-0.1,1\n": "line 3: g_us -0.1: a conductance is 0 uS or more; take the instrument's offset out, and give",
    HEAD + LINE + "1,5,60,nan,1\n": "line 3: g_us nan is no finite number; leave out that reading",
    HEAD + LINE + "1,5,60,nan,1\n1,5,70,inf,1\n": "line 3 (and 1 more): g_us nan",
    HEAD + "1,-5,60,1,1\n": "line 2: target_us -5: a target is 0 uS or more",
    HEAD + "1,5,0,1,1\n": "line 2: time_s 0: a time is above 0",
    HEAD + "1.5,5,30,1,1\n": "line 2: device 1.5 is no whole number",
    HEAD + "1e300,5,30,1,1\n": "line 2: device 1e+300 is no whole number",
    HEAD + "1,5,30,1,0.5\n": "line 2: read 0.5 is no whole number",
    HEAD + LINE + "1,6,60,4,1\n": "line 3: device 1 has another target (6 uS) than before",
    HEAD + LINE + "2,5,30,4,1\n" + LINE: "line 4: device 1 was read at 30 s before, by the same read number",
    "device,target_us,time_s,g_us\n1,5,30,4\n1,5,30,4\n": "number repeated reads in a column named read",
    HEAD + "1" * (LONGEST_LINE + 1): f"line 2 has more than {LONGEST_LINE} bytes",
    HEAD.encode() + b"\xff\xfe\n": "line 2 is not UTF-8 text",
    b"\x00" * 5000: "line 1 has more than"}


@pytest.mark.parametrize("content", REFUSED, ids=range(len(REFUSED)))
def test_a_table_that_is_refused_is_refused_with_line_and_reason(content, tmp_path):
    with pytest.raises(RefpcmError) as error:
        read(tmp_path / "a.csv", content)
    assert str(tmp_path / "a.csv") in str(error.value) and REFUSED[content] in str(error.value)


ARRAYS = {
    "unknown array 'time'": {"time": [1.0]},
    "g_us (2, 3) does not fit target_us (2,) and time_s (2,)": {
        "target_us": [1.0, 2], "time_s": [1.0, 2], "g_us": np.ones((2, 3))},
    "holds device (2,), target_us (2,), time_s (2,), g_us (3,)": {
        "device": [1, 2], "target_us": [1.0, 2], "time_s": [1.0, 2], "g_us": np.ones(3)},
    "holds target_us (1,); wanted is either device, target_us": {"target_us": [1.0]},
    "array 'g_us': pickled Python objects, which could run code": {"g_us": np.array([{}], object)},
    "g_us[0, 1]: g_us -1: a conductance is 0 uS or more": {"target_us": [1.0], "time_s": [30, 40], "g_us": [[1, -1]]},
    "row 1: g_us -1": {"device": [1, 2], "target_us": [1.0, 2], "time_s": [1.0, 2], "g_us": [1, -1]}}


@pytest.mark.parametrize("words", ARRAYS)
def test_an_npz_file_that_is_refused_is_refused_with_the_reason(words, tmp_path):
    np.savez(tmp_path / "a", **ARRAYS[words])
    with pytest.raises(RefpcmError) as error:
        read_measurements(tmp_path / "a.npz")
    assert words in str(error.value)


@pytest.mark.parametrize("form", ["csv", "npz"])
def test_damaged_files_are_read_or_refused(form, tmp_path):
    """400 files with bytes changed, removed or repeated."""
    path, rng = tmp_path / f"a.{form}", np.random.default_rng(4)
    if form == "csv":
        whole = TABLE.encode()
    else:
        np.savez(path, target_us=[0.0, 5], time_s=[30, 60], g_us=np.ones((2, 2)))
        whole = path.read_bytes()
    refused = 0
    for _ in range(400):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 4)):
            content[place:place + 1] = (b"", bytes([rng.integers(256)]), content[place:place + 9] * 2)[rng.integers(3)]
        try:
            read(path, bytes(content))
        except RefpcmError:
            refused += 1
    assert refused > 100


def test_folders_pipes_and_missing_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("", "is a folder"), ("pipe", "not a regular file"), ("none", "there is no such file")):
        with pytest.raises(RefpcmError, match=words):
            read_measurements(tmp_path / name)


@pytest.mark.parametrize("line, device, words", [
    ("1,25.1,30,4,1", "joshi2020", "line 2: target 25.1 uS is beyond G_max = 25 uS of joshi2020; choose the device"),
    ("1,5,19,4,1", "joshi2020", "line 2: time 19 s is before t0 = 20 s of joshi2020, where its law begins"),
    ("1,5,250,4,1", "hermes", "line 2: time 250 s is before t0 = 300 s of hermes"),
    ("1,5,30,4500,1", "joshi2020", "line 2: g_us 4500 is more than 10 times G_max = 25 uS of joshi2020; give"),
    ("1,5,1e11,4,1", "joshi2020", "line 2: time 1e+11 s is beyond 1e+10 s")])
def test_what_a_law_does_not_cover_is_refused(line, device, words, tmp_path):
    m = read(tmp_path / "a.csv", HEAD + line + "\n")
    with pytest.raises(RefpcmError) as error:
        measurements.check_within_law(m, DEVICES[device])
    assert words in str(error.value)


def test_siemens_are_not_taken_for_microsiemens(tmp_path):
    m = read(tmp_path / "a.csv", HEAD + "1,5e-6,30,4.9e-6,1\n2,2.5e-5,30,2.4e-5,1\n")
    with pytest.raises(RefpcmError, match="largest target is 2.5e-05 uS, .*are the conductances in siemens"):
        measurements.check_within_law(m, JOSHI2020)


def test_targets_at_g_max_up_to_rounding_and_times_at_t0_are_covered(tmp_path):
    measurements.check_within_law(read(tmp_path / "a.csv", HEAD + f"1,{25 * (1 + 1e-12)!r},20,4,1\n"), JOSHI2020)
