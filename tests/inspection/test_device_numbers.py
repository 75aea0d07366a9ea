"""refpcm.inspection.device_numbers: a device in numbers, and the line that shows a wrong unit."""

import sys

import numpy as np
import pytest

from refpcm.inspection.contents import describe
from refpcm.inspection.device_numbers import COLUMNS, device_line
from refpcm.inspection.report import as_text
from refpcm.inspection.tables import contents_blocks
from refpcm.spec.pcm.device import DEVICES

CELL = """\
name = "my-cell"
based_on = "joshi2020"
g_max_us = 20.0
stuck_fraction = 0.009
programming_us = [0.2, 1.0]
[drift]
nu_mean = 0.06
nu_sigma = 0.01
[read_noise]
factor = 0.02
exponent = 0.0
high = 0.02
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is part of Python from 3.11 on")
def test_the_numbers_of_a_file_are_those_of_its_curves(tmp_path):
    """One read: 0.02 sqrt(ln((t + 250 ns) / 500 ns)) = 8.4 % at 25 s and 10.2 % at a day."""
    (tmp_path / "my_cell.toml").write_text(CELL)
    found = describe(str(tmp_path / "my_cell.toml"))
    columns = dict(zip(COLUMNS, np.array(found["rows"]).T))
    np.testing.assert_allclose(columns["target_us"], [0, 1, 2, 5, 10, 15, 20])
    np.testing.assert_allclose(columns["sigma_prog_us"], 0.2 + columns["target_us"] / 20)
    np.testing.assert_allclose(columns["sigma_prog"], columns["sigma_prog_us"] / 20)
    for name, value in (("nu_mean", 0.06), ("nu_sigma", 0.01), ("q_s", 0.02),
                        ("read_noise_first", 0.02 * np.sqrt(np.log((25 + 2.5e-7) / 5e-7))),
                        ("read_noise_late", 0.02 * np.sqrt(np.log((86400 + 2.5e-7) / 5e-7)))):
        np.testing.assert_allclose(columns[name], value, err_msg=name)
    assert device_line(found) == (
        f"device my-cell of {tmp_path}/my_cell.toml: G_max 20 uS; programming error 1 to 6 % of G_max; mean nu 0.06 to 0.06; "
        "one read 8.42 to 8.42 % of the conductance at the first read; 0.9 % of devices stuck")
    assert any(line.split() == ["5", "0.45", "2.25", "0.06", "0.01", "0.02", "8.42", "10.17"]
               for line in as_text(contents_blocks(found)).splitlines())


@pytest.mark.parametrize("name", DEVICES)
def test_every_built_in_device_is_shown_by_its_name(name):
    found = describe(name)
    assert found["kind"] == "device" and found["facts"]["device"] == name and np.isfinite(found["rows"]).all()
    assert name in as_text(contents_blocks(found))
