"""python -m refpcm.golden pack: one archive with everything that is needed to read the kit."""

import zipfile

import pytest

from refpcm.golden.kit import Kit
from tests.commands import command


@pytest.mark.parametrize("major", [1, 2])
def test_an_archive_unpacks_to_the_same_kit(major, tmp_path):
    done = command("refpcm.golden", "pack", "kit.zip", "--kit", major, cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "kit.zip").stat().st_size < 6_000_000, done.stderr
    zipfile.ZipFile(tmp_path / "kit.zip").extractall(tmp_path)
    folder, = tmp_path.glob("refpcm-golden-*")
    kit = Kit(folder)
    assert kit.released and kit.digest == Kit(str(major)).digest and folder.name.endswith(kit.manifest["version"])
    assert major == 1 or {"FORMAT.md", "LICENSE"} <= {file.name for file in folder.iterdir()}


def test_a_kit_may_be_named_by_the_version_that_is_wanted_at_least(tmp_path):
    done = command("refpcm.golden", "pack", "kit.zip", "--kit", "2.1", cwd=tmp_path)
    assert done.returncode == 0 and "files of kit 2." in done.stdout, done.stderr
    done = command("refpcm.golden", "pack", "other.zip", "--kit", "2.99", cwd=tmp_path)
    assert done.returncode == 2 and "which is older" in done.stderr


def test_the_same_kit_makes_the_same_bytes_and_overwrites_nothing(tmp_path):
    for name in ("a.zip", "b.zip"):
        assert command("refpcm.golden", "pack", name, cwd=tmp_path).returncode == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    done = command("refpcm.golden", "pack", "a.zip", cwd=tmp_path)
    assert done.returncode == 2 and "a.zip is already there" in done.stderr
