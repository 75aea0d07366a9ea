"""What the table says beside its numbers."""

import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.report import advice, refuse_foreign


def result(gdc, adabs, calibration="train", compensations=("gdc", "adabs")):
    mean = {"gdc": gdc, "adabs": adabs}
    return {"protocol": {"calibration": calibration},
            "rows": [{"t_s": t_s, "compensation": name, "mean": mean[name][number]}
                     for number, t_s in enumerate((25.0, 86400.0)) for name in compensations]}


def test_adabs_below_gdc_at_any_time_is_explained():
    words = advice(result([0.90, 0.80], [0.89, 0.85]))
    assert "I-11" in words and "leave --calibration out" in words


@pytest.mark.parametrize("fine", [
    result([0.90, 0.80], [0.90, 0.85]), result([0.90, 0.80], [0.89, 0.85], "train-augmented"),
    result([0.90, 0.80], [0.89, 0.85], "test"), result([0.9, 0.8], [0.1, 0.1], compensations=("adabs",))])
def test_otherwise_nothing_is_said(fine):
    assert advice(fine) == ""


@pytest.mark.parametrize("text", ['{"accuracy": 0.9}', "[]", '"fingerprint"', "no JSON", "[" * 200000,
                                  '{"fingerprint": "that of another network"}'])
def test_the_result_of_something_else_is_not_overwritten(tmp_path, text):
    refuse_foreign(tmp_path, "a")
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(RefpcmError, match="choose another --out"):
        refuse_foreign(tmp_path, "a")
    (tmp_path / "result.json").write_text('{"fingerprint": "a"}')
    refuse_foreign(tmp_path, "a")


def test_an_evaluation_keeps_out_of_the_folder_of_a_training(tmp_path):
    (tmp_path / "checkpoint.safetensors").touch()
    with pytest.raises(RefpcmError, match="checkpoint.safetensors, which an evaluation does not write"):
        refuse_foreign(tmp_path, "a")
