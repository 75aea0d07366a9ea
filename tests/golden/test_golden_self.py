"""`check --self` asks the fast forms, `--self spec` the specification; both answer what is counted here, and rightly."""

import json

import pytest

from refpcm.golden import fast_adapter, reference
from refpcm.golden.kit import Kit
from tests.commands import command

CASES = {"L0": 24, "L1": 60, "L2": 76, "L3": 17, "L4": 4, "L5": 8, "L6": 13, "L7": 1, "L8": 8}
FLOAT64_ONLY = {"L1": 5, "L2": 31, "L3": 5, "L4": 2, "L5": 4, "L8": 5}  # cases in float64, where kernels compute in float32
WITHOUT_KERNEL = {"L2": 4}  # in float32: average pooling with a window, and the gradient of the image


def counts_of(tmp_path, *arguments):
    """Return {level: counts} of a check of the installed refpcm that must pass, and the report."""
    done = command("refpcm.golden", "check", "--report", tmp_path / "report.json", *arguments, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    return report["counts"], report


def test_the_fast_forms_answer_every_level(tmp_path):
    counts, report = counts_of(tmp_path, "--self")
    unsupported = {level: FLOAT64_ONLY.get(level, 0) + WITHOUT_KERNEL.get(level, 0) for level in CASES}
    assert counts == {level: {"passed": CASES[level] - unsupported[level], "failed": 0, "unsupported": unsupported[level]}
                      for level in CASES}
    left_out = {c["id"] for c in report["cases"] if c["status"] == "unsupported" and not c["id"].endswith("-64")}
    assert left_out == {"L2-average-pool-32", "L2-average-pool-3x3-32", "L2-average-pool-overlap-32", "L2-conv-7x7-stride2-32", "L3-product-one",
                        "L3-product-rows", "L3-product-noise", "L3-product-other",
                        "L3-product-w-max"}
    assert report["implementation"] == "refpcm, fast" and len(report["kit_sha256"]) == 64
    assert report["platform"] and report["versions"]["numpy"]


def test_the_specification_answers_every_case_but_samples_and_the_protocol(tmp_path):
    """Samples (L6) are the device equations and random numbers of L1 and L0, which have the same bits in both forms."""
    counts, report = counts_of(tmp_path, "--self", "spec", "--level", *range(6), 8)
    assert counts == {level: {"passed": CASES[level], "failed": 0, "unsupported": 0} for level in CASES
                      if level not in ("L6", "L7")}
    assert report["implementation"] == "refpcm, spec"


@pytest.mark.slow
def test_the_specification_answers_samples_and_the_protocol(tmp_path):
    assert counts_of(tmp_path, "--self", "spec", "--level", 6, 7)[0] == {
        level: {"passed": CASES[level], "failed": 0, "unsupported": 0} for level in ("L6", "L7")}


@pytest.mark.parametrize("level", [0, 1, 3])
def test_random_numbers_device_equations_and_codes_have_the_same_bits_in_both_forms(level):
    compared = 0
    for case in Kit().chosen([level]):
        inputs = case.input_arrays()
        try:
            found = getattr(fast_adapter, case.operation)(inputs, case.values())
        except NotImplementedError:
            continue
        expected = getattr(reference, case.operation)(inputs, case.values())
        assert all(found[name].tobytes() == expected[name].tobytes() for name in expected), case.id
        compared += 1
    assert compared == CASES[f"L{level}"] - FLOAT64_ONLY.get(f"L{level}", 0)
