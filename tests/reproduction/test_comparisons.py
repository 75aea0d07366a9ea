"""What a figure finds, next to the paper's statements."""


import numpy as np
import pytest
from scipy.stats import t

from refpcm.reproduction import ablation, calibration, causes, fig2, fig3, fig4, fig5
from refpcm.reproduction.spread import spread, spread_of_differences


def test_fig2_finds_loss_shortfall_and_gain():
    accuracy = {(0.0, 0.0): 0.90, (0.04, 0.0): 0.90, (0.1, 0.0): 0.88,
                (0.0, 0.04): 0.85, (0.04, 0.04): 0.896, (0.1, 0.04): 0.899,
                (0.0, 0.1): 0.5, (0.04, 0.1): 0.7, (0.1, 0.1): 0.8}
    rows = [{"eta_tr": tr, "eta_inf": inf, **spread([[[value]]])} for (tr, inf), value in accuracy.items()]
    fp32, equal, small, large, above = fig2.compare(rows, "all")
    assert fp32["values"]["accuracy"] == 0.90
    assert equal["values"]["difference"] == pytest.approx(-0.004) and equal["ours"] == "-0.40 % at eta = 4 %"
    assert (small["values"]["difference"], small["values"]["eta_tr"]) == (0.0, 0.04)
    assert large["values"]["difference"] == pytest.approx(-0.02) and large["ours"] == "-2.00 % at eta_tr = 10 %"
    assert above["values"]["difference"] == pytest.approx(0.003) and above["values"]["pairs"] == 1
    assert above["ours"] == "+0.30 % (eta_tr = 10 %, eta_inf = 4 %)"


def test_fig2_takes_its_losses_run_by_run_and_looks_for_the_worst_eta():
    """Three inference runs, one training each; the FP32 network without noise has one accuracy for all of them."""
    runs = {(0.0, 0.0): [0.9], (0.03, 0.0): [0.895], (0.07, 0.0): [0.91], (0.03, 0.03): [0.88, 0.89, 0.90],
            (0.07, 0.07): [0.8, 0.8, 0.8], (0.0, 0.03): [0.8] * 3, (0.0, 0.07): [0.7] * 3, (0.07, 0.03): [0.8] * 3,
            (0.03, 0.07): [0.8] * 3}
    rows = [{"eta_tr": tr, "eta_inf": inf, **spread([[[x] for x in values]])} for (tr, inf), values in runs.items()]
    _, equal, small, large, _ = fig2.compare(rows, "all")
    half = t.ppf(0.975, 2) * 0.01 / 3 ** 0.5
    assert equal["values"] == pytest.approx({"eta": 0.03, "difference": -0.01, "low": -0.01 - half, "high": -0.01 + half})
    assert small["ours"] == "-0.50 % at eta_tr = 3 %" and large["ours"] is None


def test_what_a_scale_leaves_out_is_said_to_be_not_measured():
    rows = [{"eta_tr": 0.0, "eta_inf": 0.0, "mean": 0.9}]
    assert [line["ours"] for line in fig2.compare(rows, "all")] == ["90.00 %", None, None, None, None]


def row(network, t_s, compensation, mean):
    return {"network": network, "t_s": t_s, "compensation": compensation, **spread([[[mean]]])}


def test_fig3_has_the_papers_labels_and_takes_losses_against_fp32_and_the_control():
    rows = [row(name, t_s, kind, mean) for name, digital, chip in (
        ("fp32", 0.94, 0.90), ("control", 0.93, 0.93), ("noise", 0.935, 0.934), ("4-bit", 0.93, 0.915))
        for t_s, kind, mean in ((None, "digital", digital), (25.0, "none", chip))]
    fp32, noise, four_bit, ternary, lost = fig3.compare(rows, "all")
    assert (fp32["value"], fp32["ours"]) == ("93.87 % / 91.66 %", "94.00 % / 90.00 %")
    assert noise["values"] == {"digital": 0.935, "transferred": 0.934}
    assert four_bit["ours"] == "93.00 % / 91.50 %" and ternary["ours"] is None
    assert lost["ours"] == "-0.60 % against FP32; +0.40 % against the control after transfer"
    assert fig3.compare(rows[:2], "all")[-1]["ours"] is None


def test_fig3_on_imagenet_fills_the_lines_of_its_mapping():
    rows = [row(name, t_s, kind, mean) for name, digital, chip in (("fp32", 0.73, 0.65), ("noise", 0.72, 0.716))
            for t_s, kind, mean in ((None, "digital", digital), (25.0, "none", chip))]
    assert [line["ours"] for line in fig3.compare_imagenet(rows, "all")] == ["73.00 %", "72.00 %", "71.60 %", None, "65.00 %"]
    assert [line["values"].get("accuracy") for line in fig3.compare_imagenet(rows, "all")] == [0.73, 0.72, 0.716, None, 0.65]
    assert [line["ours"] for line in fig3.compare_imagenet(rows[2:], "inner")] == [None, "72.00 %", None, "71.60 %", None]


def test_retention_compares_the_noise_trained_network_at_the_papers_times():
    times = (25.0, 1000.0, 2385.0, 86400.0, 100748.0)
    rows = [row(name, t_s, kind, mean) for name, adabs in (("fp32", 0.5), ("noise", 0.93)) for t_s in times
            for kind, mean in (("none", 25 / t_s), ("gdc", 0.92), ("adabs", adabs))]
    first, day, none = fig4.compare(rows, "all")
    assert first["ours"] == "100.00 % (model)"
    assert day["values"]["difference"] == pytest.approx(0.01) and day["values"]["t_s"] == 86400.0
    assert day["ours"] == "92.00 % / 93.00 % at 1 day; AdaBS +1.00 %"
    assert none["values"] == pytest.approx({"accuracy": 0.025, "t_s": 1000.0})
    assert none["ours"] == "2.50 % at 1000 s, 1.05 % at 2385 s"
    rows = [one for one in rows if one["t_s"] <= 86400.0]
    assert fig5.compare(rows, "all")[0]["ours"] == "+1.00 % at 1 day"
    assert [line["ours"] for line in fig5.compare_imagenet(rows, "all")] == ["+1.00 % at 1 day", None]
    assert [line["ours"] for line in fig5.compare_imagenet(rows, "inner")] == [None, "93.00 % at 1 day"]
    late = [one for one in rows if one["t_s"] == 1000.0]
    assert [line["ours"] is None for line in fig4.compare(late, "all")] == [True, False, False]


def test_the_ablation_compares_each_network_with_the_whole_retraining():
    means = {"noise": 0.9, "no-start": 0.8, "no-clipping": 0.89, "no-rates": 0.91}
    rows = [{"network": name, "eta_inf": eta, **spread([[[mean - eta]]])} for name, mean in means.items()
            for eta in (0.0, 0.04)]
    assert [line["ours"] for line in ablation.compare(rows, "all")] == [
        "-10.00 % at eta = 4 %", "-1.00 % at eta = 4 %", "+1.00 % at eta = 4 %"]


def test_causes_tell_growth_from_fluctuation():
    """Three chips: of one cause the loss grows by 2 points on each, of the other it varies by chip and time alone."""
    losses = {"spread of nu": ([0.01, 0.02, 0.03], [0.03, 0.04, 0.05]),
              "read noise": ([0.01, 0.02, 0.03], [0.02, 0.03, 0.01]), "mean drift": ([0.0] * 3, [-0.01] * 3)}
    rows = [{"t_s": t_s, "cause": cause, "case": "only", **spread_of_differences([[[x] for x in chips]])}
            for cause, both in losses.items() for t_s, chips in zip((25.0, 86400.0), both)]
    steady, over_g, noise = causes.compare(rows, "all")
    assert steady["values"]["difference"] == pytest.approx(0.02) and steady["values"]["fluctuation"] == pytest.approx(0)
    assert steady["ours"].startswith("alone 2.00 % lost at 25 s, +2.00 % (+2.00 .. +2.00) more at 1 day")
    assert noise["values"]["difference"] == pytest.approx(0, abs=1e-12)
    changes = np.array([0.01, 0.01, -0.02])
    assert noise["values"]["fluctuation"] == pytest.approx(np.sqrt(np.mean(changes ** 2 / 2) * 3 / 2))
    assert over_g["values"]["last"] == pytest.approx(-0.01)


def test_the_fluctuation_of_few_chips_is_not_smaller_than_that_of_many():
    rng = np.random.default_rng(0)
    found = [causes.fluctuation([{"accuracies": rng.standard_normal((1, chips, 1))} for _ in range(4000)]) for chips in (2, 20)]
    assert found == pytest.approx([1.0, 1.0], rel=0.03)


def test_one_chip_has_no_fluctuation_about_the_mean_of_all():
    rows = [{"t_s": t_s, "cause": cause, "case": "only", **spread_of_differences([[[0.01]]])} for cause in causes.PAPER
            for t_s in (25.0, 86400.0)]
    for line in causes.compare(rows, "all"):
        assert "fluctuation" not in line["values"] and "std over times" not in line["ours"]


def test_calibration_compares_the_papers_number_of_images_with_the_most():
    def adabs(images, mean):
        return {"network": "noise", "t_s": 31536000.0, "compensation": "adabs", "images": images, **spread([[[mean]]])}
    rows = [adabs(200, 0.90), adabs(2600, 0.92), adabs(5200, 0.921)]
    line, = calibration.compare(rows, "all")
    assert line["ours"] == "2,600: -0.10 % against 5,200 at 1 year; 200: -2.10 %" and line["values"]["images"] == 2600
    assert calibration.compare(rows[1:2], "all")[0]["ours"] is None
