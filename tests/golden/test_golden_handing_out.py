"""A simulator with one mistake can be handed out: the kit finds the mistake, and the file does not name it."""

import pytest

from refpcm.errors import RefpcmError
from tests.commands import command
from tests.golden.mutants.handing_out import write_adapter


def test_the_kit_finds_the_mistake_of_a_written_adapter_which_does_not_name_it(tmp_path):
    done = command("tests.golden.mutants", "--write", tmp_path / "suspect.py", "gdc-inverse")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    text = (tmp_path / "suspect.py").read_text()
    assert "gdc" not in text and "inverse" not in text
    done = command("refpcm.golden", "check", "--adapter", "suspect", "--level", "1", cwd=tmp_path)
    assert done.returncode == 1 and "58 passed, 2 failed" in done.stdout and "FAILED L1-gdc-factor-both" in done.stdout


def test_what_cannot_be_written_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(RefpcmError, match="unknown mistake 'nonsense'; docs/golden-mutants.md lists .*gdc-inverse"):
        write_adapter(tmp_path / "suspect.py", "nonsense")
    with pytest.raises(RefpcmError, match="give a name like suspect1.py"):
        write_adapter(tmp_path / "my-suspect.py", "gdc-inverse")
    (tmp_path / "suspect.py").write_text("mine")
    with pytest.raises(RefpcmError, match="cannot write .*suspect.py: File exists"):
        write_adapter(tmp_path / "suspect.py", "gdc-inverse")
    assert (tmp_path / "suspect.py").read_text() == "mine"
