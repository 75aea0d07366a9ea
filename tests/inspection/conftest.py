"""An attribution of the small evaluation's losses after a year with GDC, for the tests of its cases and of its whole."""

from dataclasses import replace

import pytest

from refpcm.evaluation.inputs import load_inputs
from tests.evaluation.conftest import small  # noqa: F401

YEAR_S = 3.1536e7


@pytest.fixture
def protocol(small):  # noqa: F811
    return replace(small, reads=1, times_s=(YEAR_S,), compensations=("gdc",))


@pytest.fixture
def inputs(protocol):
    return load_inputs(protocol)
