"""Every reader of files gets 1,000 damaged ones: none crashes, hangs, takes gigabytes or answers with a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files.fuzzing_targets import TARGETS

ROOT = Path(__file__).parents[2]
MUTANTS = 1000
REFUSED_AT_LEAST = 100  # else the mutants are too tame


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_thousand_mutants_are_read_or_refused(name, capsys):
    done = subprocess.run([sys.executable, "-m", "tests.files.fuzzing", name, str(MUTANTS)], cwd=ROOT, capture_output=True,
                          text=True, timeout=1800)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    outcomes = found.pop("outcomes")
    with capsys.disabled():
        print(f"\n{name}: {outcomes.get('read', 0)} read, {outcomes.get('refused', 0)} refused, slowest "
              f"{found['slowest_s']} s, peak {found['peak_mib']} MiB", end=" ")
    assert set(outcomes) <= {"read", "refused"}, "\n".join(outcomes)
    assert outcomes.get("refused", 0) >= REFUSED_AT_LEAST
