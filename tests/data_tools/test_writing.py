"""data_tools.writing: what a set of one's own must be like."""

import numpy as np
import pytest

from data_tools.errors import DataError
from data_tools.writing import write


@pytest.mark.parametrize("name, kind", [("train_images", np.float32), ("test_labels", np.int64)])
def test_other_types_than_bytes_are_refused_by_name(tmp_path, name, kind):
    generator = np.random.default_rng(0)
    arrays = {f"{split}_{what}": generator.integers(0, 3, shape, np.uint8) for split in ("train", "test")
              for what, shape in (("images", (6, 3, 4, 4)), ("labels", 6))}
    arrays[name] = arrays[name].astype(kind)
    with pytest.raises(DataError, match=f"{name} are {np.dtype(kind)}; a prepared set holds uint8"):
        write(tmp_path / "set", "own", "abc", arrays, {})
    assert not (tmp_path / "set").exists()
