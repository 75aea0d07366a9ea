"""What the table says beside its numbers."""

import pytest

from refpcm.evaluation.report import advice


def result(gdc, adabs, calibration="train", compensations=("gdc", "adabs")):
    mean = {"gdc": gdc, "adabs": adabs}
    return {"protocol": {"calibration": calibration},
            "rows": [{"t_s": t_s, "compensation": name, "mean": mean[name][number]}
                     for number, t_s in enumerate((25.0, 86400.0)) for name in compensations]}


def test_adabs_below_gdc_at_any_time_is_explained():
    words = advice(result([0.90, 0.80], [0.89, 0.85]))
    assert "I-11" in words and "--calibration train-augmented" in words


@pytest.mark.parametrize("fine", [
    result([0.90, 0.80], [0.90, 0.85]), result([0.90, 0.80], [0.89, 0.85], "train-augmented"),
    result([0.90, 0.80], [0.89, 0.85], "test"), result([0.9, 0.8], [0.1, 0.1], compensations=("adabs",))])
def test_otherwise_nothing_is_said(fine):
    assert advice(fine) == ""
