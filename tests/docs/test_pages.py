"""The numbers printed in the pages about chips and networks are those the code gives."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["networks", "device", "drift_and_read_noise", "chip", "compensation"])
def test_the_examples_of_the_page_print_what_it_says(page):
    result = doctest.testfile(str(DOCS / f"{page}.md"), module_relative=False)
    assert result.attempted > 0 and result.failed == 0
