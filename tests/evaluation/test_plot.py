"""refpcm.evaluation.plot: the panel of accuracies, and those of a chip."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.plot import draw_accuracy, draw_chip
from refpcm.spec.crossbars import program_network, to_matrices
from refpcm.spec.pcm.chip import read, read_conductances
from refpcm.spec.pcm.device import JOSHI2020

figure = pytest.importorskip("matplotlib.figure")


@pytest.mark.parametrize("chips, low, said", [(1, None, "1 chip"), (3, 0.88, "3 chips, 95 % intervals of the mean")])
def test_the_title_counts_chips_names_intervals_only_where_there_are_some_and_takes_names_as_they_are(chips, low, said):
    rows = [{"t_s": 25.0, "compensation": "gdc", "mean": 0.9, "low": low, "high": low and 0.95, "chips": chips}]
    drawn = figure.Figure()
    axes = drawn.subplots()
    draw_accuracy(axes, {"protocol": {"compensations": ["gdc"]}, "rows": rows, "digital_accuracy": 0.93,
                         "architecture": "tiny", "data": "$\\nosuch$"})
    drawn.canvas.draw()  # where a formula would be refused
    assert axes.get_title() == f"tiny on $\\nosuch$, {said}"


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


def test_a_layer_of_zeros_has_no_weight_error(small):
    inputs = load_inputs(small)
    inputs.file = replace(inputs.file, parameters={**inputs.file.parameters, "fc.weight": np.zeros((10, 64), np.float32)})
    panels = figure.Figure().subplots(2)
    with np.errstate(all="raise"):
        draw_chip(*panels, inputs, replace(small, times_s=(1e7,)))


def test_the_histograms_are_the_weight_errors_after_gdc_and_the_conductances(small):
    inputs, t_s = load_inputs(small), 1e7
    chip = program_network(inputs.file.network, inputs.file.parameters, JOSHI2020, small.seed, 0)
    wanted, weights = to_matrices(inputs.file.network, inputs.file.parameters), read(chip, t_s)
    errors, conductances = [], []
    for crossbar in chip.crossbars:
        now, then = (read_conductances(chip, crossbar, at_s, 0) for at_s in (t_s, 25.0))
        after = weights[crossbar.name] / (now.sum(dtype=np.float64) / then.sum(dtype=np.float64))
        errors.append((100 * (after - wanted[crossbar.name]) / crossbar.w_max).ravel())
        conductances.append(now.ravel())
    panels = figure.Figure().subplots(2)
    draw_chip(*panels, inputs, replace(small, times_s=(t_s,)))
    for axes, values, bins in zip(panels, (errors, conductances), (np.linspace(-25, 25, 201), np.linspace(0, 32.5, 201))):
        wanted_heights = np.histogram(np.concatenate(values), bins, density=True)[0]
        np.testing.assert_allclose(axes.patches[0].get_xy()[1:-1:2, 1], wanted_heights, atol=1e-4)
    rms = np.sqrt(np.mean(np.square(np.concatenate(errors))))
    assert panels[0].get_legend_handles_labels()[1] == [f"10000000 s: rms {rms:.2f} %"]
