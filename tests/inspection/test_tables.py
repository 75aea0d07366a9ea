"""Tables and CSV lines of hand-made results whose numbers all differ: every number stands under its own heading."""

from refpcm.inspection.loss_report import loss_blocks, write_loss
from refpcm.inspection.report import as_text
from refpcm.inspection.tables import chip_blocks, errors_blocks, norms_blocks

DAY_S = 86400.0


def interval(mean, low, high):
    return {"mean": mean, "low": low, "high": high}


LOSS = {"digital_accuracy": 0.93, "test_images": 200, "protocol": {"compensations": ["gdc"], "chips": 3}, "times": [{
    "t_s": DAY_S, "accuracy": interval(0.91, 0.90, 0.92), "lost": interval(2.0, 1.0, 3.0),
    "causes": [{"name": "read noise", "only": interval(1.1, 1.2, 1.3), "without": interval(2.1, 2.2, 2.3)}],
    "causes_remainder": {"only": interval(3.1, 3.2, 3.3), "without": interval(4.1, 4.2, 4.3)},
    "layers": [{"name": "fc", "only": interval(5.1, 5.2, 5.3), "without": interval(6.1, 6.2, 6.3), "mvm_error": 0.71,
                "estimate": 0.82}],
    "layers_remainder": {"only": interval(7.1, 7.2, 7.3), "without": interval(8.1, 8.2, 8.3)},
    "rank_correlation": {"mvm_error": 0.25, "estimate": 0.35}}]}


def test_the_text_of_an_attribution():
    assert as_text(loss_blocks(LOSS)) == """\
digital accuracy 93.00 % on 200 test images; 3 chips, compensation gdc; all else in points of accuracy

1 day: 91.00 % on chips, 2.00 lost (1.00 .. 3.00)
cause            lost with only this  95 % interval  won back without it  95 % interval
read noise       1.10                 1.20 .. 1.30   2.10                 2.20 .. 2.30
does not add up  3.10                 3.20 .. 3.30   4.10                 4.20 .. 4.30

1 day, by layer
layer            lost with only this  95 % interval  won back without it  95 % interval  MVM error  estimate
fc               5.10                 5.20 .. 5.30   6.10                 6.20 .. 6.30   0.7100     0.82
does not add up  7.10                 7.20 .. 7.30   8.10                 8.20 .. 8.30
rank correlation with the points lost with only this layer: MVM error +0.25, second-order estimate +0.35"""


def test_the_csv_file_of_an_attribution(tmp_path):
    write_loss(tmp_path, LOSS)
    assert (tmp_path / "result.csv").read_text() == """\
t_s,by,name,only,only_low,only_high,without,without_low,without_high,mvm_error,estimate
86400.0,cause,read noise,1.1,1.2,1.3,2.1,2.2,2.3,,
86400.0,cause,does not add up,3.1,3.2,3.3,4.1,4.2,4.3,,
86400.0,layer,fc,5.1,5.2,5.3,6.1,6.2,6.3,0.71,0.82
86400.0,layer,does not add up,7.1,7.2,7.3,8.1,8.2,8.3,,
"""


def test_the_tables_of_a_chip():
    at = {"t_s": DAY_S, "error": 0.05, "error_gdc": 0.04, "alpha": 0.9}
    crossbar = {"layer": "fc", "rows": 3, "columns": 2, "devices": 12, "w_max": 0.5, "near_zero": 0.6,
                "programming_error_us": 0.7, "times": [at]}
    lines = as_text(chip_blocks({
        "device": "joshi2020", "seed": 5, "chip": 1, "draw": 8, "readout": "columns", "chip_sha256": "abc",
        "crossbars": [crossbar], "all": [{"t_s": DAY_S, "error": 0.03, "error_gdc": 0.02}]})).split("\n\n")
    assert lines[1:] == ["""\
crossbar  rows  columns  devices  W_max  near zero [%]  programming error [uS]
fc        3     2        12       0.5    60.00          0.7000""", """\
RMS error of the weights, % of W_max, without GDC (with GDC)
crossbar  1 day
fc        5.00 (4.00)
all       3.00 (2.00)""", """\
alpha of GDC
crossbar  1 day
fc        0.9000"""]


def test_the_table_of_mvm_errors():
    layer = {"name": "fc", "mean": 0.3, "std": 0.05, "low": 0.1, "high": 0.4, "snr_db": 10.5}
    assert as_text(errors_blocks([{"t_s": DAY_S, "layers": [layer]}], 2)) == """\
1 day, 2 chips:
layer  MVM error  std     smallest  largest  SNR [dB]
fc     0.3000     0.0500  0.1000    0.4000   10.5"""


def test_the_table_of_batch_norms():
    norm = {"name": "bn1", "channels": 16, "mean_shift_rms": 0.2, "variance_ratio": 0.9, "worst_channel": 7,
            "worst_shift": 0.6, "worst_variance_ratio": 0.8}
    assert as_text(norms_blocks([{"t_s": DAY_S, "norms": [norm]}], 2, "16 images")) == """\
AdaBS saw 16 images

1 day, 2 chips:
batch norm  channels  mean shift rms [std]  variance ratio  worst channel  its shift [std]  its variance ratio
bn1         16        0.200                 0.900           7              0.600            0.800"""
