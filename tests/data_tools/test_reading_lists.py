"""Lists that users bring: other encodings are refused, byte order marks passed over."""

import pytest

from data_tools.errors import DataError
from data_tools.imagenet_ground_truth import read_ground_truth
from data_tools.imagenet_tree import read_class_list

LINES = "n01440764 tench\nn01682714 anole\n", "a.JPEG n01440764\nb.JPEG n01682714\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_passed_over(encoding, tmp_path):
    for name, text in zip(("classes", "truth"), LINES):
        (tmp_path / name).write_text(text, encoding=encoding)
    assert read_class_list(tmp_path / "classes") == ("n01440764", "n01682714")
    assert read_ground_truth(tmp_path / "truth") == {"a": "n01440764", "b": "n01682714"}


@pytest.mark.parametrize("read, text", list(zip((read_class_list, read_ground_truth), LINES)))
def test_other_encodings_are_refused_by_name(read, text, tmp_path):
    (tmp_path / "list").write_text(text, encoding="utf-16")
    with pytest.raises(DataError, match="list: it is not UTF-8 text"):
        read(tmp_path / "list")
