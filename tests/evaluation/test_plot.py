"""refpcm.evaluation.plot: the panel of accuracies."""

import pytest

from refpcm.evaluation.plot import draw_accuracy

figure = pytest.importorskip("matplotlib.figure")


@pytest.mark.parametrize("std, bars", [(0.02, True), (None, False)])
def test_a_standard_deviation_that_is_not_known_has_no_bars(std, bars):
    rows = [{"t_s": t_s, "compensation": "gdc", "mean": 0.9, "std": std, "chips": 1} for t_s in (25.0, 3600.0)]
    axes = figure.Figure().subplots()
    draw_accuracy(axes, {"protocol": {"compensations": ["gdc"]}, "rows": rows, "digital_accuracy": 0.93,
                         "architecture": "tiny", "data": "noise"})
    assert [container.has_yerr for container in axes.containers] == [bars]
