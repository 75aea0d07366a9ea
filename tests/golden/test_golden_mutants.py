"""Deliberate mistakes are found; that the unchanged reference passes: test_golden_self.py. The slow test asks every level."""

from contextlib import closing
from pathlib import Path

import pytest

from refpcm.golden import reference, runner
from refpcm.golden.kit import Kit
from refpcm.golden.report import case_record
from tests.golden.kit_versions import of_2_1, of_2_2
from tests.golden.mutants import (
    FOREIGN,
    OWN,
    chip_compensation,
    chip_programming,
    killing_cases,
    levels_of,
    matrix,
    matrix_page,
    matrix_text,
    mutants,
    survivors,
    training_steps,
)
from tests.golden.mutants.replacing import in_place

CASES = [case for case in Kit().cases if case.level in (0, 1, 2, 3, 5)]
QUICK, STEPS = ([case for case in CASES if (case.level < 4) == quick] for quick in (True, False))
CHIPS = [case for case in Kit().cases if case.level == 8 and case.id.endswith("-64")]
FEW = mutants(FOREIGN)[::20]  # the others are asked by the slow tests
STAGES = {**chip_programming.STAGES, **chip_compensation.STAGES}


def asked(found, cases, others=()):
    """Return the names of those that no case kills, and [(name, case, reason)] of those that give no answer to one of `cases`.

    All of `cases` are asked, `others` only until one kills where none of `cases` does. Mutants whose levels have no case
    are left out.
    """
    alive, crashed = [], []
    for name, _, change in found:
        first, then = ([case for case in part if case.level in levels_of(name)] for part in (cases, others))
        with in_place(change):
            ask = runner.adapter_asker(reference.__name__)
            answers = [(case.id, *runner.run_case(case, ask)[:2]) for case in first]
            killed = any(status == "failed" for _, status, _ in answers) or any(
                runner.run_case(case, ask)[0] == "failed" for case in then)
        crashed += [(name, id, reason) for id, _, reason in answers if reason]
        if (first or then) and not killed:
            alive.append(name)
    return alive, crashed


def test_levels_0_to_3_and_5_kill_all_but_samplers_and_chips_and_those_answer_wrongly_rather_than_not_at_all():
    assert asked(mutants(OWN), QUICK, STEPS) == ([], [])


def test_foreign_mutants_are_killed_by_these_levels_or_by_a_chip_and_answer_wrongly_rather_than_not_at_all():
    assert asked(FEW, QUICK, STEPS + CHIPS) == ([], [])


def test_there_are_more_than_150_mutants_at_least_half_of_them_foreign_and_no_two_of_one_name():
    names = [name for name, *_ in mutants() + survivors()]
    assert len(set(names)) == len(names) and len(mutants(OWN)) > 150
    assert len(mutants(FOREIGN)) >= max(110, len(mutants()) / 2)


def test_mistakes_that_no_case_finds_are_known_and_still_not_found():
    """Where a new case finds one, move it to the MUTANTS of its theme."""
    cases = [case for case in Kit().cases if case.level in (0, 1, 2, 3, 5, 8)]
    found = {name: list(killing_cases(change, [case for case in cases if case.level in levels_of(name)]))
             for name, _, change, _ in survivors()}
    assert found == {name: [] for name in found} and len(found) == 2
    assert all(why for *_, why in survivors())


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


@pytest.mark.slow
def test_all_foreign_mutants_are_killed_and_answer_wrongly_rather_than_not_at_all():
    whole, others = ([case for case in STEPS + CHIPS if (
        case.id in ("L5-steps-noisy-64", "L8-layer-64", "L8-identity-64")) == chosen] for chosen in (True, False))
    assert len(whole) == 3 and asked(mutants(FOREIGN), QUICK + whole, others) == ([], [])


def test_the_page_counts_the_foreign_ones_and_lists_what_is_not_found():
    none = {level: [] for level in matrix_page.FAST}
    text = matrix_text([("words-backwards", "what", {**none, 0: ["L0-words-plain"]}), ("gdc-inverse", "what", none)])
    assert "4 deliberate mistakes, 3 of them invented without knowledge of the cases, 1 found, " in text
    assert all(f"| {name} | {what} | {why} |" in text for name, what, _, why in survivors())


def test_mutants_that_are_not_asked_have_no_row_and_do_not_survive(monkeypatch):
    monkeypatch.setattr(matrix_page, "killing_cases", lambda change, cases: [])  # only the rows count
    by_id = {case.id: case for case in Kit().cases}
    names = {name for name, _, _ in mutants()}
    samplers = {name for name in names if name.startswith("samples-")}  # 17 of the kit's own, 14 foreign
    assert {name for name, _, _ in matrix([by_id["L6-joint-steps"]])} == samplers and len(samplers) == 31
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
def test_earlier_kits_let_pass_what_their_page_says():
    """docs/golden_versions.md: of 81 mistakes of strangers 23, of those before them 7, of 60 of a newcomer 4 by the draft."""
    def invented(by, less):
        found = [(name, what, change) for theme in FOREIGN if theme.__name__.split(".")[-1].startswith(by)
                 for name, what, change, *_ in (*theme.MUTANTS, *getattr(theme, "SURVIVORS", ()))]
        cases = [case for case in Kit().cases if case.id not in less and case.level not in (4, 7)]
        return len(found), len(asked(found, (), cases)[0])
    younger = of_2_1() | of_2_2()
    newest = of_2_2() | {"L8-identity-64", "L2-sgd-zero-gradient-64", "L2-sgd-zero-gradient-32"}
    assert (invented("stranger_", younger), invented("foreign_", younger), invented("newcomer_", newest)) == \
        ((81, 23), (312, 7), (60, 4))


@pytest.mark.slow
def test_every_mutant_is_killed_as_the_page_says():
    rows = matrix(Kit().cases)
    assert [name for name, _, kills in rows if not any(kills.values())] == []
    assert (Path(__file__).parents[2] / "docs" / "golden-mutants.md").read_text() == matrix_text(rows)
