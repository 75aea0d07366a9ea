"""Every program of this folder loads under today's code and prints its help."""

import importlib
from pathlib import Path

import pytest

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("test_"))
PEERS = {"torch_network": "torch"}  # what modules need beside refpcm's own requirements


@pytest.mark.parametrize("name", MODULES)
def test_the_module_loads_and_its_program_prints_its_help(name, monkeypatch, capsys):
    if name in PEERS:
        pytest.importorskip(PEERS[name])
    module = importlib.import_module(f"tests.benchmarks.{name}")
    if "main" in vars(module):
        monkeypatch.setattr("sys.argv", [name, "--help"])
        with pytest.raises(SystemExit) as ended:
            module.main()
        assert ended.value.code == 0 and "usage:" in capsys.readouterr().out
