"""refpcm.datasets.dataset: whether class names that two sets share mean the same labels."""

import pytest

from refpcm.datasets.dataset import in_another_order


@pytest.mark.parametrize("known, classes, moved", [
    ("abc", "abc", False), ("abc", "acb", True), ("abc", "xbc", False), ("abc", "bxc", True), ("abc", "xyz", False),
    ("aba", "axa", False), ("aba", "xab", True)])
def test_a_shared_class_at_another_place_only_is_another_order(known, classes, moved):
    assert in_another_order(tuple(known), tuple(classes)) == moved
