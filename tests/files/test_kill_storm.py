"""A hundred and ten kills at random moments: nothing is lost, nothing is damaged, the end is the same."""

import pytest

from tests.files import kill_storm


@pytest.mark.slow
def test_a_storm_of_kills_changes_nothing(capsys):
    with capsys.disabled():
        assert kill_storm.main() == 0
