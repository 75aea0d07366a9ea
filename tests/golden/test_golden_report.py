"""Reports point at the stage: outputs of training in the order of the signal, places of probes in words."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.golden import reference, runner
from refpcm.golden.compare import compare
from refpcm.golden.kit import Kit
from refpcm.golden.report import case_record, failure_text
from refpcm.spec import nn
from refpcm.spec.training import step
from tests.golden.mutants import mutants
from tests.golden.mutants.replacing import in_place, replaced

CASES = {case.id: case for case in Kit("1").cases}
CHANGES = {name: change for name, _, change in mutants()}


def record_of(id, change):
    """The record of a case that the reference answers with a mistake."""
    with in_place(change):
        return case_record(CASES[id], *runner.run_case(CASES[id], runner.adapter_asker(reference.__name__)))


def first_wrong(id, change):
    found = record_of(id, change)
    return next(output for output in found["outputs"] if not output["ok"])


def scaled(function, factor):
    """A function of which the second result is scaled: of the loss, its gradient."""
    def changed(*arguments):
        first, second = function(*arguments)
        return first, second * factor
    return changed


@pytest.mark.parametrize("name", ["no-weight-decay", "nesterov-old-velocity", "momentum-damped", "decay-weights-only"])
def test_a_mistake_of_the_update_shows_first_in_the_loss_of_the_next_step(name):
    found = record_of("L5-plain-64", CHANGES[name])
    names = [output["name"] for output in found["outputs"]]
    assert found["first_diverging"] == "loss" and names[6] == "loss"
    assert all(output["ok"] and output["name"].startswith("gradient.0.") for output in found["outputs"][:6])


@pytest.mark.parametrize("id, change", [
    ("L5-noisy-64", CHANGES["backward-clean-for-noisy"]), ("L5-clean-64", CHANGES["backward-noisy-for-clean"]),
    ("L5-plain-64", replaced(step, "cross_entropy", scaled(step.cross_entropy, 1.01)))])
def test_a_mistake_of_the_backward_pass_shows_first_in_a_gradient_of_the_first_step(id, change):
    assert first_wrong(id, change)["name"].startswith("gradient.0.")


def test_a_gradient_that_is_wrong_from_the_last_layer_on_shows_first_there():
    change = replaced(step, "cross_entropy", scaled(step.cross_entropy, 1.01))
    assert first_wrong("L5-plain-64", change)["name"] == "gradient.0.fc.bias"


def test_a_mistake_of_the_forward_pass_shows_first_in_the_loss_of_the_first_step():
    def shifted(x, w, bias, original=nn.linear_forward):
        return original(x, w, bias) * 1.01
    found = record_of("L5-plain-64", replaced(nn, "linear_forward", shifted))
    assert found["first_diverging"] == "loss" and found["outputs"][0]["name"] == "loss"


def test_a_mistake_in_the_running_statistics_shows_only_in_these():
    assert ".running_var" in first_wrong("L5-plain-64", CHANGES["biased-statistics"])["name"]


def test_a_right_answer_has_the_losses_first_and_all_outputs_once():
    found = record_of("L5-plain-64", [])
    assert found["status"] == "passed" and found["outputs"][0]["name"] == "loss"
    assert sorted(o["name"] for o in found["outputs"]) == sorted(o.name for o in CASES["L5-plain-64"].outputs)


def probed(change):
    """The Verdict on a tensor of a probe, changed, and the tensor's shape."""
    case = CASES["L4-resnet32-batch-64"]
    output = next(o for o in case.outputs if o.name == "layer1.0.relu2")
    values = reference.network_forward(case.input_arrays(), case.values())[output.name]
    change(values)
    return compare(output, values)


def test_a_single_element_of_a_probe_is_named_by_its_index_in_the_tensor():
    def change(values):
        values[-1, -1, -1, -1] += 1
    verdict = probed(change)
    assert not verdict.ok and verdict.place == f"element {list(verdict.index)}"
    assert verdict.index == tuple(n - 1 for n in CASES["L4-resnet32-batch-64"].outputs[9].shape)


@pytest.mark.parametrize("change, place", [
    (lambda v: v.reshape(-1).__setitem__(1, v.reshape(-1)[1] + 1e-3), ("sum", "weighted sum", "sum of magnitudes")),
    (lambda v: v.reshape(-1).__setitem__([1, 2], v.reshape(-1)[[2, 1]] + [5, -5]), ("weighted sum", "sum of magnitudes"))])
def test_a_mistake_between_the_elements_of_a_probe_is_named_by_the_sum(change, place):
    verdict = probed(change)
    assert not verdict.ok and verdict.place in place and verdict.index == ()


def test_the_text_names_the_place_both_values_and_the_first_wrong_element():
    case = CASES["L5-plain-64"]
    losses = reference.train_steps(case.input_arrays(), case.values())["loss"] * [1, 1 + 1e-6, 1 + 1e-3]
    text = failure_text(case_record(case, "failed", "", [(case.outputs[0], compare(case.outputs[0], losses))]))
    for part in ("element [2], by 0.00", " ULP; allowed is ", "yours", "expected",
                 "the first one beyond its tolerance is [1]: yours", f"golden explain {case.id}", "the case finds: "):
        assert part in text, part


def test_the_text_counts_ulp_and_says_what_a_few_of_them_may_come_from():
    output = replace(CASES["L0-normals-plain"].outputs[0], shape=(2,), expected={"value": np.array([1.0, 3.0])})
    verdict = compare(output, np.array([1.0, 3.0 + 9 * 2.0 ** -51]))
    text = failure_text(case_record(CASES["L0-normals-plain"], "failed", "", [(output, verdict)]))
    limit = output.tolerance.value
    assert f"element [1], by 3.997e-15 = 9 ULP; allowed is {limit * 2.0 ** -51:.4g} = {limit:g} ULP" in text
    assert "in it 1 of 2 numbers" in text and "fused multiply-add" in text


def test_numbers_that_must_be_equal_are_counted_and_have_no_ulp():
    output = replace(CASES["L0-words-plain"].outputs[0], shape=(4,), expected={"value": np.array([1, 2, 3, 4], np.uint32)})
    verdict = compare(output, np.array([2, 3, 4, 9], np.uint32))
    text = failure_text(case_record(CASES["L0-words-plain"], "failed", "", [(output, verdict)]))
    assert "in it 4 of 4 numbers" in text and "the first one that is not equal: element [0], by 1" in text and "one place too early" in text


def test_an_expected_zero_has_no_ulp_and_a_scalar_no_index():
    output = replace(CASES["L0-normals-plain"].outputs[0], shape=(), expected={"value": np.array(0.0)})
    verdict = compare(output, np.array(1.0))
    text = failure_text(case_record(CASES["L0-normals-plain"], "failed", "", [(output, verdict)]))
    assert "its only number, by 1; allowed is " in text


def test_a_sum_that_is_not_a_number_is_shown_too():
    case = CASES["L5-plain-64"]
    output = next(o for o in case.outputs if o.name == "after.fc.weight")
    values = np.zeros(output.shape)
    values.reshape(-1)[1] = np.nan
    record = case_record(replace(case, outputs=(output,)), "failed", "", [(output, compare(output, values))])
    text = failure_text(record)
    assert ", by inf; allowed is " in text and "                       nan  nan" in text
