"""The kit in the tests of another repository: `cases` to parametrise a test, `check` to be its body.

    from refpcm.golden.pytest_cases import cases, check

    @pytest.mark.parametrize("case", cases("golden.toml"))
    def test_golden(case):
        check(case, "golden.toml", adapter="my_simulator.golden_adapter")

docs/examples/golden_repository is a whole repository of that kind.
"""

import functools

import pytest

from refpcm.errors import RefpcmError
from refpcm.golden import program, runner
from refpcm.golden.one_case import ask_case
from refpcm.golden.pin import find_kit
from refpcm.golden.profile import EXPECTED_TO_FAIL, Profile, read_profile
from refpcm.golden.report import failure_text


def cases(profile=None, levels=None, patterns=None):
    """Return a list of pytest's parameters, one a case, its id that of the case.

    profile: a file (see refpcm.golden.profile) or None; the kit is the one it names. levels: numbers; patterns: of ids.
    Raises RefpcmError for a kit that is older than the profile's, one that is not released, and as `read_profile`.
    """
    found = _profile(profile)
    kit = find_kit(found.kit)
    if not kit.released:
        raise RefpcmError(f"the kit in {kit.folder} is not a released one; take an intact copy of the kit")
    found.check(kit.cases)
    runner.set_kit_folder(kit)
    return [pytest.param(case, id=case.id) for case in kit.chosen(levels, patterns)]


def check(case, profile=None, adapter=None, command=None):
    """Ask an adapter's module or a program one case, and end the test as the profile wants it.

    Fails where the case falls short of the profile, with the text that `python -m refpcm.golden check` prints. Skips
    what the profile skips and what is unsupported but not required. A case that fails as expected is pytest's xfail.
    Raises RefpcmError for an implementation that cannot be asked.
    """
    record = ask_case(case, _asker(adapter, command), _profile(profile))
    if record["shortfall"]:
        pytest.fail(failure_text(record), pytrace=False)
    if record["wanted"] == EXPECTED_TO_FAIL:
        pytest.xfail(record["why"])
    if record["status"] != "passed":
        pytest.skip(record["why"] or record["reason"] or record["status"])


@functools.lru_cache
def _profile(path):
    return Profile() if path is None else read_profile(path)


@functools.lru_cache
def _asker(adapter, command):
    if (adapter is None) == (command is None):
        raise RefpcmError("check needs an adapter or a command, one of them")
    return program.command_asker(command) if adapter is None else runner.adapter_asker(adapter)
