"""Figures show all their text, and points rather than bars where the axis does not begin at 0."""

import pytest

from refpcm.evaluation.plot import COLOURS, time_axis
from refpcm.reproduction import ablation, drawing
from refpcm.reproduction.figures import FIGURES
from tests.pictures import outside
from tests.results.figure import retention
from tests.results.files import RESULTS, read

pytest.importorskip("matplotlib", reason="wants matplotlib")


def lines_in(figure):
    return [line for axes in figure.axes for line in axes.get_lines() if len(line.get_xdata()) > 1]


def small(name):
    """The recorded figure of this name at the small scale, drawn anew."""
    above, _, below = (RESULTS / "small" / f"{name}.txt").read_text().rstrip().split("\n\n", 2)
    return drawing.painted(name, FIGURES[name], read(f"small/{name}.json")["rows"], above, below)


@pytest.mark.parametrize("name", FIGURES)
def test_all_text_of_a_reproduced_figure_lies_inside_the_canvas(name):
    figure = small(name)
    assert outside(figure) == []
    assert figure.get_suptitle() and figure.get_supxlabel()


def test_times_too_near_to_one_another_share_a_label():
    from matplotlib.figure import Figure
    axes = Figure().subplots()
    time_axis(axes, [25.0, 27.0, 1000.0, 86400.0, 100748.0])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["25 s", "", "1000 s", "1 day", ""]


def test_a_text_that_is_cut_is_found():
    figure = small("fig3")
    figure.suptitle("far too long a title " * 12)
    assert len(outside(figure)) == 1


def test_the_retention_figure_shows_every_compensation_in_its_colour_and_every_network_in_its_line():
    figure = retention()
    assert outside(figure) == []
    drawn = {(line.get_color(), line.get_linestyle()) for line in lines_in(figure)}
    assert {(COLOURS[name], style) for name in ("none", "gdc", "adabs") for style in ("-", "--")} <= drawn


def test_lines_between_measured_points_only_guide_the_eye():
    marked = [line for line in lines_in(small("fig4")) if line.get_marker() == "o"]
    assert marked and {line.get_linestyle() for line in marked} == {"None"}


def test_small_differences_are_drawn_as_points():
    rows = [{"network": name, "eta_inf": eta, "mean": mean, "low": mean - 0.01, "high": mean + 0.01}
            for name, mean in (("noise", 0.81), ("fp32", 0.80)) for eta in (0.0, 0.038)]
    figure = drawing.painted("ablation", ablation, rows, "a $\\nosuch$ in a name", "below $\\nosuch$")
    assert outside(figure) == []  # drawn: neither is a formula
    axes, = figure.axes
    assert not axes.patches and axes.get_ylim()[0] > 70
