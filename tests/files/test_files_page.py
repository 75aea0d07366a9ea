"""docs/files.md says what is so."""

import re
from pathlib import Path

from data_tools import npy, pickle_machine, pickle_values, reading
from refpcm.convert import CIFAR10
from refpcm.datasets import imagenet
from refpcm.files import holders, tensors, torch_names
from refpcm.files import reading as refpcm_reading
from refpcm.golden import kit

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_examples_print_the_numbers_in_their_comments(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for block in blocks:
        exec(block, {})
    expected = [re.search(r"print\(.*\)  # (.*)", block).group(1) for block in blocks]
    assert capsys.readouterr().out.splitlines() == expected and len(blocks) == 2


def test_the_numbers_are_those_of_the_program():
    for mean, std in (CIFAR10, (imagenet.MEAN, imagenet.STD)):
        for values in (mean, std):
            assert " ".join(f"{value:.{4 if values in CIFAR10 else 3}f}" for value in values) in PAGE.replace("\n", " ")
    assert f"{len(pickle_values.INSTRUCTIONS) + 1} instructions" in PAGE  # and STOP
    assert f"list of {len(torch_names.NAMES)} names" in PAGE
    assert f"{pickle_machine.MOST_INSTRUCTIONS:,} instructions" in PAGE and pickle_machine.SPARE == 1000
    assert reading.unpacked_limit(0) == 2 ** 26 and reading.unpacked_limit(10) - reading.unpacked_limit(9) == 64
    assert reading.TEXT_LIMIT == 2 ** 24 and refpcm_reading.TOML_LIMIT == 2 ** 16 and "16 MiB" in PAGE and "64 KiB" in PAGE
    assert f"{refpcm_reading.TOML_LINE_LIMIT:,} characters" in PAGE and f"{npy.HEADER_LIMIT:,} bytes" in PAGE
    assert f"at most {reading.DEEPEST} levels deep" in PAGE and kit.LARGEST_MANIFEST == kit.LARGEST_RECIPE == 2 ** 24
    assert tensors.HEADER_LIMIT == 100_000_000 and "100 MB" in PAGE
    assert all(f"`{holder}`" in PAGE for holder in holders.HOLDERS)
