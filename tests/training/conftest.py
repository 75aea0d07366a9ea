"""What several files of these tests share: a few images, and a run on them that was never interrupted."""

import pytest

from tests.commands import command
from tests.training.small_runs import SMALL


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "few"
    made = command("data_tools.synthetic", "--train", 320, "--test", 60, "--out", folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def finished(data, tmp_path_factory):
    """A short run that was never interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    done = command("refpcm.train", "--data", data, "--out", folder, "--epochs", 8, *SMALL, "--json")
    assert done.returncode == 0, done.stderr
    return folder, done
