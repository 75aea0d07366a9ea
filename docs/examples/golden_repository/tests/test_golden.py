"""my_simulator against the golden kit of refpcm, one test a case."""

from pathlib import Path

import pytest

from refpcm.golden.pytest_cases import cases, check

PROFILE = Path(__file__).parents[1] / "golden.toml"


@pytest.mark.parametrize("case", cases(PROFILE, levels=[1, 2, 3]))
def test_golden(case):
    check(case, PROFILE, adapter="my_simulator.golden_adapter")
