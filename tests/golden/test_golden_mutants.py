"""Deliberate mistakes are found, and the unchanged reference passes. The slow test asks every level of the matrix."""

from contextlib import closing
from pathlib import Path

import pytest

from refpcm.golden import reference, runner
from refpcm.golden.kit import Kit
from tests.golden.mutants import killing_cases, matrix, matrix_text, mutants, training_steps
from tests.golden.mutants.replacing import in_place

CASES = [case for case in Kit().cases if case.level < 4 or case.level == 5]
QUICK = [case for case in CASES if case.level < 4]


def test_an_unchanged_implementation_passes():
    ask = runner.adapter_asker(reference.__name__)
    assert [case.id for case in CASES if runner.run_case(case, ask)[0] != "passed"] == []


def test_there_are_at_least_forty_mutants_and_levels_0_to_3_and_5_kill_all_but_the_samplers():
    found = mutants()
    assert len({name for name, _, _ in found}) == len(found) >= 40
    survivors = []
    for name, _, change in found:
        with closing(killing_cases(change, CASES)) as killers:
            if not name.startswith("samples-") and next(killers, None) is None:
                survivors.append(name)
    assert survivors == []


def test_mistakes_in_training_that_float64_finds_float32_finds_too():
    """Else an implementation that has only float32 would pass with them."""
    cases = [case for case in CASES if case.level == 5]
    for name, _, change in mutants():
        if name in {row[0] for row in training_steps.MUTANTS} | {"biased-statistics"}:
            found = set(killing_cases(change, cases))
            for kind in ("plain", "noisy", "clean"):
                assert (f"L5-{kind}-64" in found) == bool({f"L5-{kind}-32", f"L5-{kind}-32-tight"} & found), (name, kind)


def test_mutants_answer_wrongly_rather_than_not_at_all():
    crashed = []
    for name, _, change in mutants():
        with in_place(change):
            ask = runner.adapter_asker(reference.__name__)
            crashed += [(name, case.id, reason) for case in QUICK if (reason := runner.run_case(case, ask)[1])]
    assert crashed == []


def test_mutants_that_are_not_asked_have_no_row_and_do_not_survive():
    by_id = {case.id: case for case in Kit().cases}
    names = {name for name, _, _ in mutants()}
    samplers = {name for name in names if name.startswith("samples-")}
    assert len(samplers) == 4 and {name for name, _, _ in matrix([by_id["L6-weight-noise-moments"]])} == samplers
    assert {name for name, _, _ in matrix([by_id["L1-map"]])} == names - samplers
    assert matrix([case for case in by_id.values() if case.level in (4, 7)]) == []


@pytest.mark.slow
def test_every_mutant_is_killed_as_the_page_says():
    rows = matrix(Kit().cases)
    assert [name for name, _, kills in rows if not any(kills.values())] == []
    assert (Path(__file__).parents[2] / "docs" / "golden-mutants.md").read_text() == matrix_text(rows)
