"""Deliberate mistakes are found, and the unchanged reference passes. The slow test asks every level of the matrix."""

from contextlib import closing
from pathlib import Path

import pytest

from refpcm.golden import reference, runner
from refpcm.golden.kit import Kit
from refpcm.golden.report import case_record
from tests.golden.mutants import (
    chip_compensation,
    chip_programming,
    killing_cases,
    levels_of,
    matrix,
    matrix_text,
    mutants,
    training_steps,
)
from tests.golden.mutants.replacing import in_place

CASES = [case for case in Kit().cases if case.level in (0, 1, 2, 3, 5)]
QUICK = [case for case in CASES if case.level < 4]
CHIPS = [case for case in Kit().cases if case.level == 8 and case.id.endswith("-64")]
STAGES = {**chip_programming.STAGES, **chip_compensation.STAGES}


def test_an_unchanged_implementation_passes():
    ask = runner.adapter_asker(reference.__name__)
    assert [case.id for case in CASES + CHIPS if runner.run_case(case, ask)[0] != "passed"] == []


def test_there_are_more_than_150_mutants_and_levels_0_to_3_and_5_kill_all_but_samplers_and_chips():
    found = mutants()
    assert len({name for name, _, _ in found}) == len(found) > 150
    survivors = []
    for name, _, change in found:
        if levels_of(name) in ((6,), (8,)):
            continue
        asked = [case for case in CASES if case.level in levels_of(name)]
        with closing(killing_cases(change, asked)) as killers:
            if next(killers, None) is None:
                survivors.append(name)
    assert survivors == []


@pytest.mark.parametrize("name", STAGES)
def test_a_mistake_in_the_wiring_of_a_chip_is_reported_at_its_stage(name):
    change, = (change for other, _, change in chip_programming.MUTANTS + chip_compensation.MUTANTS if other == name)
    with in_place(change):
        ask, first = runner.adapter_asker(reference.__name__), []
        for case in CHIPS:  # some mistakes need the one with a factor a column, or with the first layer digital
            record = case_record(case, *runner.run_case(case, ask))
            assert record["reason"] == ""
            first.append(record["first_diverging"] or "")
            if first[-1].startswith(STAGES[name]):
                return
    raise AssertionError(first)


def test_mistakes_in_training_that_float64_finds_float32_finds_too():
    """Else an implementation that has only float32 would pass with them."""
    cases = [case for case in CASES if case.level == 5]
    for name, _, change in mutants():
        if name in {row[0] for row in training_steps.MUTANTS} | {"biased-statistics"}:
            found = set(killing_cases(change, cases))
            for kind in ("plain", "noisy", "paper", "other"):
                assert (f"L5-steps-{kind}-64" in found) == (f"L5-steps-{kind}-32" in found), (name, kind)


def test_mutants_answer_wrongly_rather_than_not_at_all():
    crashed = []
    for name, _, change in mutants():
        if levels_of(name) in ((6,), (8,)):
            continue
        with in_place(change):
            ask = runner.adapter_asker(reference.__name__)
            asked = [case for case in QUICK if case.level in levels_of(name)]
            crashed += [(name, case.id, reason) for case in asked if (reason := runner.run_case(case, ask)[1])]
    assert crashed == []


def test_mutants_that_are_not_asked_have_no_row_and_do_not_survive():
    by_id = {case.id: case for case in Kit().cases}
    names = {name for name, _, _ in mutants()}
    samplers = {name for name in names if name.startswith("samples-")}
    assert {name for name, _, _ in matrix([by_id["L6-joint-steps"]])} == samplers and len(samplers) == 17
    assert {name for name, _, _ in matrix([by_id["L1-map"]])} == {name for name in names if 1 in levels_of(name)}
    assert matrix([case for case in by_id.values() if case.level in (4, 7)]) == []


def test_joint_samples_find_numbers_that_depend_on_one_another():
    """The same for G+ and G-, layers, chips, purposes, steps and times."""
    cases = [case for case in Kit().cases if case.id.startswith("L6-joint")]
    shared = [(name, change) for name, _, change in mutants() if name.startswith("samples-same-") and name != "samples-same-bins"]
    assert len(shared) == 7
    for name, change in shared:
        with closing(killing_cases(change, cases)) as killers:
            assert next(killers, None), name


@pytest.mark.slow
def test_every_mutant_is_killed_as_the_page_says():
    rows = matrix(Kit().cases)
    assert [name for name, _, kills in rows if not any(kills.values())] == []
    assert (Path(__file__).parents[2] / "docs" / "golden-mutants.md").read_text() == matrix_text(rows)
