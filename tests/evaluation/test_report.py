"""What the table says beside its numbers."""

import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation.report import advice, refuse_foreign, table, write_report


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


def told(reads, gdc, adabs):
    """A result at 25 s whose numbers all differ; gdc, adabs: accuracies (chips, reads)."""
    def row(name, accuracies, mean):
        return {"t_s": 25.0, "compensation": name, "mean": mean, "std": 0.011, "sigma_chip": 0.012, "sigma_read": 0.013,
                "low": 0.81, "high": 0.83, "normalised": 0.97654, "chips": len(gdc), "reads": reads, "accuracies": accuracies}
    return {"digital_accuracy": 0.9, "test_images": 900, "rows": [row("gdc", gdc, 0.82), row("adabs", adabs, 0.84)],
            "protocol": {"device": "hermes", "chips": len(gdc), "reads": reads}}


def test_each_number_stands_in_its_column():
    """Of AdaBS over GDC: 1, 2 and 3 points, so 2.00 +- t(0.975, 2) / sqrt(3) = 2.48 points."""
    lines = table(told(1, [[0.81], [0.82], [0.83]], [[0.82], [0.84], [0.86]])).splitlines()
    assert lines[:2] == ["device hermes, 3 chips, 1 read of each",
                         "digital accuracy 90.00 % on 900 test images, whose choice alone has a standard error of 1.00"]
    assert lines[4:] == ["time  compensation  mean   95 % interval   std   one chip        A*",
                         "25 s  gdc           82.00  81.00 .. 83.00  1.10  77.03 .. 86.97  0.9765",
                         "25 s  adabs         84.00  81.00 .. 83.00  1.10  74.06 .. 93.94  0.9765",
                         "25 s  adabs - gdc   2.00   -0.48 .. 4.48"]


def test_the_parts_of_std_are_told_of_repeated_reads_and_no_interval_of_one_chip():
    lines = table(told(2, [[0.8, 0.82]], [[0.81, 0.83]])).splitlines()
    assert lines[4:] == ["time  compensation  mean   95 % interval   std   sigma chip  sigma read  one chip  A*",
                         "25 s  gdc           82.00  81.00 .. 83.00  1.10  1.20        1.30        -         0.9765",
                         "25 s  adabs         84.00  81.00 .. 83.00  1.10  1.20        1.30        -         0.9765",
                         "25 s  adabs - gdc   1.00   -"]


def test_each_number_of_the_csv_stands_in_its_column(tmp_path):
    write_report(tmp_path, told(1, [[0.81], [0.82], [0.83]], [[0.82], [0.84], [0.86]]))
    assert (tmp_path / "result.csv").read_text().splitlines()[:2] == [
        "t_s,compensation,mean,std,sigma_chip,sigma_read,low,high,normalised,chips,reads",
        "25.0,gdc,0.82,0.011,0.012,0.013,0.81,0.83,0.97654,3,1"]
