"""AdaBS against GDC on sixteen chips: their accuracies, and the interval of the difference with and without pairing."""

import numpy as np

import refpcm
from docs.course.draw import FOLDER
from docs.course.drawings.canvas import BLUE, GREEN, INK, RED, SOFT, panels

CHIPS, IMAGES = 16, 500
PAIRED_T, APART_T = 2.131, 2.042  # 97.5 % points of Student's t with 15 and 30 degrees of freedom


def figure():
    """Return the drawing."""
    result = refpcm.evaluate(FOLDER / "tiny.safetensors", times="1day", chips=CHIPS, images=IMAGES,
                             compensations=("gdc", "adabs"), adabs_batches=5)
    gdc, adabs = (100 * np.ravel(row["accuracies"]) for row in result["rows"])
    paired = PAIRED_T * (adabs - gdc).std(ddof=1) / CHIPS ** 0.5
    apart = APART_T * np.sqrt((gdc.var(ddof=1) + adabs.var(ddof=1)) / CHIPS)
    drawing, axes = panels(2, 3.4)
    for one, other in zip(gdc, adabs):
        axes[0].plot([0, 1], [one, other], color=SOFT, linewidth=1)
    for place, values, colour in ((0, gdc, BLUE), (1, adabs, GREEN)):
        axes[0].plot([place] * CHIPS, values, "o", color=colour)
    axes[0].set_xticks([0, 1], ["GDC", "GDC and AdaBS"])
    axes[0].set(xlim=(-0.4, 1.4), ylabel="accuracy after a day, %", title="one line a chip")
    difference = (adabs - gdc).mean()
    for row, (label, half, colour) in enumerate((("chips as pairs", paired, GREEN), ("chips not paired", apart, RED))):
        axes[1].errorbar([difference], [row], xerr=[[half], [half]], fmt="o", color=colour, capsize=5, linewidth=2)
        axes[1].text(difference, row + 0.15, f"{label}: {difference:+.2f} ± {half:.2f} points", ha="center", color=colour)
    axes[1].axvline(0, color=INK, linewidth=0.8, linestyle="--")
    axes[1].set(ylim=(-0.6, 1.6), yticks=[], xlabel="AdaBS minus GDC, points", title="95 % interval of the difference")
    axes[1].margins(x=0.6)
    for place in axes:
        place.title.set_fontsize(10)
    return drawing
