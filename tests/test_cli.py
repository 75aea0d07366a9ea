"""What every command does with streams that are closed, full or narrow, and with what the system denies."""

import argparse
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refpcm import cli
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.spec.resnet import build, parameter_shapes

TRAINED = Path(__file__).parents[1] / "docs" / "course" / "tiny.safetensors"
LIST = f"-m refpcm.golden list --kit {Path(__file__).parents[1] / 'refpcm' / 'golden' / 'v1'}"  # is not installed


def shell(line, cwd, **environment):
    return subprocess.run(["sh", "-c", line.replace("-m ", f"{sys.executable} -m ", 1)], cwd=cwd, capture_output=True,
                          text=True, timeout=60, env={**os.environ, **environment})


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    path = tmp_path_factory.mktemp("network") / "ones.safetensors"
    net = build("tiny-resnet8")
    ones = {name: np.ones(shape, np.float32) for name, shape in parameter_shapes(net).items()}
    save_network(path, NetworkFile(net, ones, tuple("abcdefghij"), (0.5,) * 3, (0.25,) * 3))
    return path


@pytest.mark.parametrize("command", ["-m refpcm", LIST])
def test_a_reader_that_leaves_early_is_no_error(command, tmp_path):
    done = shell(f"{command} | head -1", tmp_path)
    assert done.stdout.count("\n") == 1 and done.stderr == ""


@pytest.mark.parametrize("command", ["-m refpcm", LIST])
def test_output_that_cannot_be_written_is_one_sentence(command, tmp_path):
    done = shell(f"{command} > /dev/full", tmp_path)
    assert done.returncode == 2 and done.stderr == "error: the output: No space left on device\n"


def test_a_log_that_cannot_be_written_does_not_end_the_work(tmp_path):
    done = shell(f"-m refpcm.evaluate --network {TRAINED} --chips 1 --times 25s --images 10 --compensation none --out out "
                 "2> /dev/full", tmp_path)
    assert done.returncode == 0 and (tmp_path / "out" / "result.json").exists()
    done = shell(f'{sys.executable} -c "from data_tools import commands; '
                 'exit(commands.run(str(), lambda _: commands.note(str(1)), 0))" 2> /dev/full', tmp_path)
    assert done.returncode == 0


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_do_not_keep_a_command_from_its_work(closed, network, tmp_path):
    assert shell(f"-m refpcm.convert {network} out.npz {closed}", tmp_path).returncode == 0
    assert (tmp_path / "out.npz").stat().st_size > 0


def test_names_that_the_output_cannot_show_are_escaped(network, tmp_path):
    done = shell(f"-m refpcm.convert {network} out.npz --classes \u00e4 b c d e f g h i j", tmp_path,
                 PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert done.returncode == 0 and "10: \\xe4, b" in done.stdout


@pytest.mark.parametrize("command", ["-m refpcm.train --out", "-m refpcm.train --data", "-m refpcm.golden export",
                                     "-m refpcm.golden check --outputs"])
def test_a_name_that_is_too_long_is_one_sentence(command, tmp_path):
    done = shell(f"{command} {'a' * 300}", tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_an_argument_of_the_list_of_commands_is_refused(tmp_path):
    done = shell("-m refpcm train", tmp_path)
    assert done.returncode == 2 and "python -m refpcm.train" in done.stderr


def test_help_shows_a_default_of_0_and_none_where_there_is_none(capsys):
    parser = cli.parser("refpcm.x", "What it does.")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers")
    parser.add_argument("--images", type=int, help="only so many")
    parser.add_argument("--json", action="store_true", help="as JSON")
    text = " ".join(parser.format_help().split())
    assert "of all random numbers (default: 0)" in text and text.count("default:") == 1


@pytest.mark.parametrize("text, seconds", [
    ("90s", 90.0), ("45m", 2700.0), ("1.5h", 5400.0), ("2d", 172800.0), ("7", 7.0), ("0.25", 0.25), ("1e3s", 1000.0)])
def test_a_duration_is_seconds_in_the_unit_behind_it(text, seconds):
    assert cli.duration(text) == seconds


@pytest.mark.parametrize("text", ["0", "0h", "-1", "-2d", "inf", "infs", "1e308d", "nan", "nand", "soon", "", "s", "90 sec", "1w",
                                  "5ms"])
def test_a_duration_that_is_none_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a time such as 90s, 45m or 1.5h"):
        cli.duration(text)


def test_a_log_whose_reader_has_gone_does_not_end_the_work(monkeypatch):
    class Gone(io.StringIO):
        def isatty(self):
            return True

        def write(self, text):
            raise BrokenPipeError
    monkeypatch.setattr(sys, "stderr", Gone())
    progress = cli.Progress(2, "step")
    progress.update(1)
    progress.clear()
    cli.say("half of it")
    assert cli.failed("a mistake") == 2


def test_a_command_without_a_reader_of_its_log_keeps_its_exit_status(tmp_path):
    shell("(sleep 0.2; -m refpcm.convert absent.pt n.npz; echo $? > status) 2>&1 | true", tmp_path)
    assert (tmp_path / "status").read_text() == "2\n"


def test_a_meter_shows_the_first_step_at_once_on_a_terminal(monkeypatch, capsys):
    """Before its first unit an evaluation may compute for minutes."""
    class Terminal(io.StringIO):
        def isatty(self):
            return True
    monkeypatch.setattr(sys, "stderr", Terminal())
    meter = cli.range_meter()
    meter.update(0, 200)
    assert sys.stderr.getvalue().startswith("\rranges of the converters: image 0/200")
    meter.clear()
    assert sys.stderr.getvalue().endswith("\r")
