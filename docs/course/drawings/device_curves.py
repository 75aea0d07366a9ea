"""Programming error, drift exponent and read noise of the built-in devices over the target conductance."""

import numpy as np

import refpcm
from docs.course.drawings.canvas import BLUE, GREEN, INK, RED, panels

DEVICES = {"joshi2020": (BLUE, "-"), "hermes-1": (RED, "-"), "hermes": (RED, "--"), "crosssim-joshi": (GREEN, "--")}
CURVES = {"programming_us": ("programming error $\\sigma_{prog}$, µS", 1), "nu_mean": ("drift exponent $\\nu$, mean", 1),
          "read_noise": ("read noise $Q_s$", 1)}


def figure():
    """Return the drawing. aihwkit-pcm has the curves of joshi2020; the paper's two models have those of crosssim-joshi."""
    drawing, axes = panels(3, 3.4)
    g = np.linspace(0, 1, 101)
    for name, (colour, line) in DEVICES.items():
        curves, g_us = refpcm.device_curves(name, g), g * refpcm.find_device(name).g_max_us
        for place, curve in zip(axes, CURVES):
            place.plot(g_us, curves[curve], line, color=colour, label=name, linewidth=1.6)
        if name == "joshi2020":
            low, high = (curves["nu_mean"] + side * curves["nu_sigma"] for side in (-1, 1))
            axes[1].fill_between(g_us, low, high, color=colour, alpha=0.18, linewidth=0)
    for place, (label, _) in zip(axes, CURVES.values()):
        place.set(xlabel="target conductance, µS", title=label, xlim=(0, 25.5))
        place.set_ylim(0)
        place.title.set_fontsize(10)
    axes[1].text(25, 0.128, "band: mean ± sigma\nof joshi2020", ha="right", fontsize=9, color=INK)
    axes[2].legend(frameon=False, fontsize=9)
    return drawing
