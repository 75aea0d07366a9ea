"""The picture of a comparison: a panel for each quantity over the target. Needs matplotlib (`refpcm[plots]`)."""

import io

import numpy as np

from refpcm.evaluation.plot import need_matplotlib
from refpcm.files.atomic import write_bytes
from refpcm.golden.lab.estimates import QUANTITIES
from refpcm.golden.lab.verdicts import DIFFERS, UNJUDGED
from refpcm.spec.pcm.curve import curve_value

COLOURS = {False: "#0072B2", True: "#D55E00"}  # agrees, differs; of Okabe and Ito 2008
CURVES = {"sigma": "programming_us", "nu_mean": "nu_mean", "nu_sigma": "nu_sigma", "q_s": "read_noise"}


def draw(path, rows, law, title):
    """Write the picture to `path`; its ending says which form. Raises RefpcmError if that fails."""
    need_matplotlib(path)
    import matplotlib.pyplot as plt
    figure, panels = plt.subplots(2, 4, figsize=(17, 8), layout="constrained")
    try:
        for axes, name in zip(panels.flat, QUANTITIES):
            _panel(axes, name, [row for row in rows if row.quantity == name], law)
        last = panels.flat[len(QUANTITIES)]
        last.axis("off")
        last.legend(*_handles(panels), loc="center")
        figure.suptitle(title, fontsize=10, parse_math=False)  # a $ in a name starts no formula
        picture = io.BytesIO()
        figure.savefig(picture, dpi=100, format=str(path).rpartition(".")[2].lower())
    finally:
        plt.close(figure)
    write_bytes(path, picture.getbuffer())


def _panel(axes, name, rows, law):
    """Draw measured values with 95 % intervals, the law's predictions for this experiment, and the law's curve."""
    if name in CURVES:
        g = np.linspace(0, 1, 501)
        curve = np.maximum(curve_value(getattr(law, CURVES[name]), g), 0.0)
        axes.plot(g * law.g_max_us, curve, color="0.7", label="the law's curve")
    judged = [row for row in rows if row.verdict != UNJUDGED and row.targets is not None]
    middle = [sum(row.targets) / 2 for row in judged]
    axes.plot(middle, [row.predicted for row in judged], "k_", markersize=14, label="law, for this experiment")
    for differs in (False, True):
        there = [(x, row) for x, row in zip(middle, judged) if (row.verdict == DIFFERS) == differs]
        if there:
            reach = np.array([[row.estimate - row.low, row.high - row.estimate] for _, row in there]).T
            axes.errorbar([x for x, _ in there], [row.estimate for _, row in there], np.maximum(reach, 0.0), fmt="o",
                          markersize=4, capsize=3, color=COLOURS[differs], label="measured, differs" if differs else
                          "measured, agrees")
    axes.set(xlabel="target [uS]", title=QUANTITIES[name].label, xlim=(-0.03 * law.g_max_us, 1.03 * law.g_max_us))
    if not judged:
        reasons = sorted({row.note for row in rows}) or [""]
        axes.text(0.5, 0.5, f"{UNJUDGED}:\n" + "\n".join(reasons), transform=axes.transAxes, ha="center", va="center",
                  wrap=True, fontsize=8)


def _handles(panels):
    """Return handles and labels of all panels, each label once."""
    found = {}
    for axes in panels.flat:
        for handle, label in zip(*axes.get_legend_handles_labels()):
            found.setdefault(label, handle)
    return list(found.values()), list(found)
