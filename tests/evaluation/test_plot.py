"""refpcm.evaluation.plot: the panel of accuracies."""

import pytest

from refpcm.evaluation.plot import draw_accuracy

figure = pytest.importorskip("matplotlib.figure")


@pytest.mark.parametrize("interval", [(0.88, 0.95), (None, None)])
def test_bars_are_the_interval_of_the_mean_and_missing_where_there_is_none(interval):
    low, high = interval
    rows = [{"t_s": t_s, "compensation": "gdc", "mean": 0.9, "low": low, "high": high, "chips": 1} for t_s in (25.0, 3600.0)]
    axes = figure.Figure().subplots()
    draw_accuracy(axes, {"protocol": {"compensations": ["gdc"]}, "rows": rows, "digital_accuracy": 0.93,
                         "architecture": "tiny", "data": "noise"})
    drawn, = axes.containers
    assert drawn.has_yerr == (low is not None)
    if low is not None:
        assert [segment[:, 1].round(9).tolist() for segment in drawn.lines[2][0].get_segments()] == [[88.0, 95.0]] * 2
