"""--precision float32: what has only float32 passes, and mistakes are still found. --arithmetic: how much it widens."""

import json
from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from refpcm.golden import __main__ as command_line
from refpcm.golden import precision, reference, runner
from refpcm.golden.case import in_float64, made
from refpcm.golden.pin import find_kit
from refpcm.golden.precision import answers_in_float32, judged_as
from refpcm.spec import nn
from tests.commands import command
from tests.golden import float32_adapter
from tests.golden.mutants import OWN, levels_of, mutants
from tests.golden.mutants.replacing import in_place
from tests.golden.reduced_products import F2, F4, cut_off, winograd

KIT = find_kit("1.0")
CASES = {case.id: case for case in KIT.cases}


def asked(module, id, precision="float32", arithmetic=None):
    """(status, reason, verdicts) of a case that a module answers."""
    ask = answers_in_float32(runner.adapter_asker(module.__name__))
    return runner.run_case(judged_as(CASES[id], precision, arithmetic), ask)


@pytest.mark.parametrize("level, passed", [(1, 28), (2, 22), (3, 11)])
def test_an_implementation_in_float32_passes_all_that_it_answers(level, passed):
    ask = runner.adapter_asker(float32_adapter.__name__)  # its answers are float32 as they come
    statuses = [runner.run_case(judged_as(case, "float32"), ask)[0] for case in KIT.chosen([level])]
    assert statuses.count("passed") == passed and "failed" not in statuses


def test_the_same_implementation_is_shut_out_where_it_is_judged_in_float64():
    """It gets float32, and its answers in float32 are widened to float64. Only those that are all zero are exact."""
    ask = runner.adapter_asker(float32_adapter.__name__)
    cases = [case for case in KIT.chosen([1]) if not case.id.endswith("-32")]
    found = {case.id: runner.run_case(case, lambda case: in_float64(ask(judged_as(case, "float32")))) for case in cases}
    assert [id for id, (status, _, _) in found.items() if status != "failed"] == ["L1-map-zero"]
    assert not any(verdict.reason for _, _, verdicts in found.values() for _, verdict in verdicts)


@pytest.mark.parametrize("form, unsupported", [("fast", 4), ("spec", 0)])
def test_refpcm_itself_passes_in_float32(form, unsupported):
    done = command("refpcm.golden", "check", "--kit", "1.0", "--self", form, "--precision", "float32", "--level",
                   *range(4))
    assert done.returncode == 0 and f"{99 - unsupported} passed, 0 failed" in done.stdout, done.stdout
    assert "released, f14cf22ef964, float32)" in done.stdout


def test_cases_without_float64_stay_as_they_are():
    for id in ("L0-words-plain", "L2-linear-32", "L5-noisy-32"):
        assert judged_as(CASES[id], "float32") == CASES[id]
    assert all(judged_as(case) == case for case in CASES.values())


def levels_that_may_see(name):
    """Return those of levels 1 to 3: all for mistakes of their themes, equations and codes for a chip's, none for the others.

    Where L8 alone is asked, a mistake may be one of an equation: of the 62, four fail at L1 or L3. Of random numbers, samples
    and steps of training, one fails: nine-rounds, by the inputs of L2 that recipes make.
    """
    levels = {*levels_of(name)}
    return {1, 2, 3} if levels & {1, 2, 3} else {1, 3} if 8 in levels else set()


def test_mistakes_of_equations_layers_and_codes_are_found_in_float32_too():
    """Those that the same cases find in float64."""
    cases = [case for case in CASES.values() if case.level in (1, 2, 3) and not case.id.endswith("-32")]
    narrow, wide = [judged_as(case, "float32") for case in cases], runner.adapter_asker(reference.__name__)
    found, missed = [], []
    for name, _, change in mutants(OWN):
        levels = levels_that_may_see(name)
        with in_place(change):
            if any(runner.run_case(case, wide)[0] == "failed" for case in cases if case.level in levels):
                kills = any(runner.run_case(case, answers_in_float32(wide))[0] == "failed" for case in narrow
                            if case.level in levels)
                (found if kills else missed).append(name)
    assert len(found) >= 75 and missed == []


# --- converter codes

@pytest.mark.parametrize("bits", [2, 4, 8, 12])
def test_what_stands_beside_a_tie_stays_beside_it_in_float32(bits):
    case = judged_as(CASES[f"L3-ties-{bits}bit"], "float32")
    x, step = case.input_arrays()["x"], 0.25
    ties = len(x) // 3
    on, above, below = (x[number * ties:(number + 1) * ties] for number in range(3))
    assert x.dtype == np.float32 and (np.abs(on / step) % 1 == 0.5).all()
    assert (above > on).all() and (below < on).all()
    assert (above == np.nextafter(on, np.float32(np.inf))).all()
    assert "other" not in case.outputs[0].expected


@pytest.mark.parametrize("rounding", [
    lambda steps: np.sign(steps) * np.floor(np.abs(steps) + np.float32(0.5)),
    lambda steps: np.floor(steps + np.float32(0.5)), np.trunc])
@pytest.mark.parametrize("bits", [2, 4, 8, 12])
def test_other_roundings_at_ties_fail_in_float32(bits, rounding, monkeypatch):
    monkeypatch.setattr(float32_adapter.np, "rint", rounding)
    assert asked(float32_adapter, f"L3-ties-{bits}bit")[0] == "failed"


@pytest.mark.parametrize("bits, close", [(8, 0), (12, 3)])
def test_where_rounding_decides_both_codes_are_right_and_elsewhere_only_one(bits, close):
    case = judged_as(with_close_calls(CASES[f"L3-codes-{bits}bit"], close), "float32")
    output, = case.outputs
    value, other = output.expected["value"], output.expected["other"]
    ambiguous = value != other
    assert ambiguous.sum() >= close and (np.abs(value - other)[ambiguous] == 1).all()
    for codes, verdict in ((value, "passed"), (other, "passed"), (other + (other == value), "failed")):
        assert runner.run_case(case, lambda _, codes=codes: {"codes": codes.astype(np.int32)})[0] == verdict


def with_close_calls(case, count):
    """The case, of its inputs the first `count` moved to within one rounding in float32 of a tie."""
    values, entry = case.values(), case.inputs[0]
    levels = 2 ** (values["bits"] - 1) - 1
    x = entry.content.copy()
    x[:count] = (np.arange(count) + 1000.5) / levels * values["full_scale"]
    expected = reference.converter_codes({"x": x}, values)["codes"]
    return replace(case, inputs=(replace(entry, content=x),),
                   outputs=(replace(case.outputs[0], expected={"value": expected}),))


def test_the_codes_of_the_specification_are_among_the_right_ones():
    for id in (id for id in CASES if CASES[id].operation == "converter_codes"):
        assert asked(reference, id)[0] == "passed"


# --- arithmetic

def product_cases(*levels):
    """The cases of conv2d and linear in float32."""
    return [case for case in CASES.values() if case.level in levels and case.id.endswith("-32")
            and case.operation in ("conv2d", "conv2d_clean_backward", "linear", "network_forward")]


def statuses(changes, cases, arithmetic):
    """Statuses of the reference with changed products, {function of refpcm.spec.nn: function}."""
    ask = runner.adapter_asker(reference.__name__)
    with ExitStack() as stack:
        for name, function in changes.items():
            stack.enter_context(patch.object(nn, name, function))
        return [runner.run_case(judged_as(case, "float64", arithmetic), ask)[0] for case in cases]


@pytest.mark.parametrize("arithmetic, changes, fails_unnamed", [
    ("tf32", cut_off(11), True), ("bf16", cut_off(8), True), ("winograd", winograd(F2), False),
    ("winograd", winograd(F4), True)])
def test_reduced_products_pass_when_named(arithmetic, changes, fails_unnamed):
    """F(2 x 2, 3 x 3) keeps within the tolerances of float32."""
    assert set(statuses(changes, product_cases(2), arithmetic)) == {"passed"}
    assert ("failed" in statuses(changes, product_cases(2), None)) == fails_unnamed


@pytest.mark.slow
@pytest.mark.parametrize("arithmetic, changes", [
    ("tf32", cut_off(11)), ("bf16", cut_off(8)), ("winograd", winograd(F2)), ("winograd", winograd(F4))])
def test_whole_networks_of_reduced_products_pass_when_named(arithmetic, changes):
    assert set(statuses(changes, product_cases(4), arithmetic)) == {"passed"}


def test_a_mistake_is_found_in_every_arithmetic():
    def transposed(x, w, stride=1, padding=0, original=nn.conv2d_forward):
        return original(x, w[:, :, ::-1, ::-1], stride, padding)
    for arithmetic in precision.WIDENED:
        assert statuses({"conv2d_forward": transposed}, [CASES["L2-conv-3x3-32"]], arithmetic) == ["failed"]
    assert statuses({"conv2d_forward": transposed}, [CASES["L4-resnet32-32"]], "bf16") == ["failed"]


def test_only_products_in_float32_are_widened():
    for case in CASES.values():
        judged = judged_as(case, "float64", "tf32")
        if judged is None:
            assert case.operation in precision.UNBOUNDED
        elif judged != case:
            assert case.operation in precision.WIDENED["tf32"] and case.id.endswith("-32")
            assert {o.tolerance.value / s.tolerance.value for o, s in zip(judged.outputs, case.outputs)} <= {4096, 1024}


def test_what_an_arithmetic_leaves_out_is_unsupported_with_the_reason_and_the_factors_are_in_the_report(tmp_path):
    done = command("refpcm.golden", "check", "--kit", "1.0", "--self", "--case", "L5-plain-32", "L2-linear-32",
                   "--arithmetic", "bf16", "--report", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert done.returncode == 0 and "1 not judged in bf16" in done.stdout
    assert report["precision"] == "float64" and report["arithmetic"] == "bf16"
    assert report["widened"] == precision.WIDENED["bf16"]
    assert {case["id"]: case["status"] for case in report["cases"]} == \
        {"L2-linear-32": "passed", "L5-plain-32": "unsupported"}


def test_the_command_knows_every_arithmetic():
    for arithmetic in precision.WIDENED:
        assert command_line.arguments(["check", "--self", "--arithmetic", arithmetic]).arithmetic == arithmetic


# --- files

def test_an_export_in_float32_is_answered_in_float32(tmp_path):
    from refpcm.files.tensors import read_tensors
    from refpcm.golden.exchange import write_plain
    options = "--kit", "1.0", "--case", "L1-drift-1h", "L1-map"
    done = command("refpcm.golden", "export", tmp_path / "cases", *options, "--precision", "float32")
    assert done.returncode == 0 and "--precision float32" in done.stdout
    folder = tmp_path / "cases" / "L1-drift-1h"
    inputs, _ = read_tensors(folder / "inputs.safetensors", accept_foreign=True)
    assert inputs["nu"].dtype == np.float32 and "output g_drift_us float32 144" in (folder / "case.txt").read_text()
    write_plain(folder / "outputs.safetensors", float32_adapter.drifted(inputs, CASES["L1-drift-1h"].values()))
    done = command("refpcm.golden", "check", "--outputs", tmp_path / "cases", *options, "--precision", "float32")
    assert done.returncode == 0 and "L1          1       0            1" in done.stdout


def test_inputs_made_by_recipes_are_rounded_once():
    case = replace(CASES["L1-drift-1h"], inputs=(made("x", (50,), "float64", 3, 1),))
    rounded, = judged_as(case, "float32").input_arrays().values()
    assert (rounded == case.input_arrays()["x"].astype(np.float32)).all()
