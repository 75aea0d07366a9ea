"""docs/files.md says what is so."""

import re
from pathlib import Path

from refpcm.convert import CIFAR10, IMAGENET
from refpcm.files import archive, names, tensors, torch_names, torch_pickle

PAGE = (Path(__file__).parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_examples_print_the_numbers_in_their_comments(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for block in blocks:
        exec(block, {})
    expected = [re.search(r"print\(.*\)  # (.*)", block).group(1) for block in blocks]
    assert capsys.readouterr().out.splitlines() == expected and len(blocks) == 2


def test_the_numbers_are_those_of_the_program():
    from test_torch_pickle import ALLOWED
    for mean, std in (CIFAR10, IMAGENET):
        for values in (mean, std):
            assert " ".join(f"{value:.{4 if values in CIFAR10 else 3}f}" for value in values) in PAGE.replace("\n", " ")
    assert f"the {len(ALLOWED)} instructions" in PAGE and f"of {len(torch_names.NAMES)} names" in PAGE
    assert f"{torch_pickle._MOST_INSTRUCTIONS:,}" in PAGE
    assert archive.UNPACKED_LIMIT == 2 ** 30 and "1 GiB" in PAGE
    assert tensors.HEADER_LIMIT == 100_000_000 and "100 MB" in PAGE
    assert all(f"`{holder}`" in PAGE for holder in names.HOLDERS)
