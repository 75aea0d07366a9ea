"""Every reader of files gets 1,000 damaged ones: none crashes, hangs, takes gigabytes or answers with a traceback."""

import pytest

pytest.importorskip("resource", reason="wants limits of memory and time")

from tests.files.fuzzing import in_own_process  # noqa: E402
from tests.files.fuzzing_all import TARGETS  # noqa: E402

MUTANTS = 1000
REFUSED_AT_LEAST = 100  # else the mutants are too tame


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_thousand_mutants_are_read_or_refused(name, capsys):
    found, crash = in_own_process(name, MUTANTS)
    assert found, crash
    outcomes = found.pop("outcomes")
    with capsys.disabled():
        print(f"\n{name}: {outcomes.get('read', 0)} read, {outcomes.get('refused', 0)} refused, slowest "
              f"{found['slowest_s']} s, peak {found['peak_mib']} MiB", end=" ")
    assert set(outcomes) <= {"read", "refused"}, "\n".join(outcomes)
    assert outcomes.get("refused", 0) >= REFUSED_AT_LEAST
