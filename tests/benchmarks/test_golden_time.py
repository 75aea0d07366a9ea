"""The golden kit answers in the time of a step of somebody's CI."""

import json

import pytest

from tests.commands import command

SECONDS = 20


@pytest.mark.benchmark
def test_levels_0_to_5_and_8_take_less_than_twenty_seconds(tmp_path):
    """With kernels in the cache, as CI systems keep it: the first call compiles them."""
    for name in ("cold", "warm"):
        done = command("refpcm.golden", "check", "--self", "--level", 0, 1, 2, 3, 4, 5, 8, "--report", tmp_path / name)
        assert done.returncode == 0
    assert json.loads((tmp_path / "warm").read_text())["seconds"] < SECONDS
