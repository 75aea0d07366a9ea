"""One channel of the small network after a year: what batch norm reads and what it returns, before and after AdaBS."""

import numpy as np

import refpcm
from docs.course.drawings import tiny
from docs.course.drawings.canvas import GREEN, INK, RED, panels

CONVOLUTION, NORM, CHANNEL = "layer2.0.downsample.0", "layer2.0.downsample.1", 0
IMAGES = 200
BINS = {CONVOLUTION: np.linspace(-2, 6, 65), NORM: np.linspace(-2.5, 3, 65)}


def figure():
    """Return the drawing."""
    pixels, _ = tiny.images(IMAGES)
    drifted = tiny.on_chip(tiny.with_gdc("joshi2020", 0, "1 year"))
    cases = {"in software": (tiny.TRAINED, INK), "chip, trained statistics": (drifted, RED),
             "chip, after AdaBS": (refpcm.calibrate(tiny.ENGINE, drifted, tiny.calibration(5)), GREEN)}
    drawing, axes = panels(2, 3.4)
    for label, (parameters, colour) in cases.items():
        values = refpcm.forward(tiny.NETWORK, parameters, pixels)[1].values
        for place, name in zip(axes, (CONVOLUTION, NORM)):
            if name == NORM or label != "chip, after AdaBS":
                seen, where = values[name][:, CHANNEL].ravel(), label if name == NORM else label.split(",")[0]
                place.hist(seen, BINS[name], weights=np.full(seen.size, 100 / seen.size), histtype="step", color=colour,
                           linewidth=1.6, label=f"{where}: mean {seen.mean():.2f}, std {seen.std():.2f}")
    axes[0].set_title("read by batch norm: output of the crossbar", fontsize=10)
    axes[1].set_title("returned by batch norm", fontsize=10)
    for place in axes:
        place.set(xlabel=f"channel {CHANNEL} of {CONVOLUTION}", ylabel="share of the pixels, %")
        place.set_ylim(0, 1.45 * place.get_ylim()[1])
        place.legend(frameon=False, fontsize=8, loc="upper left")
    return drawing
