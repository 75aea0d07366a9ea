"""Loss of the small network after a year, by cause and by layer, as chapter 8 computes it."""

from dataclasses import replace

import numpy as np

import refpcm
from docs.course.drawings import tiny
from docs.course.drawings.canvas import BLUE, RED, panels

CHIPS, IMAGES = 3, 500
CAUSES = {"programming": ["programming_us"], "mean drift": ["nu_mean"], "spread of nu": ["nu_mean", "nu_sigma"],
          "read noise": ["read_noise"]}  # the curves that are left; mean drift is then taken from the spread of nu
CURVES = ("programming_us", "nu_mean", "nu_sigma", "read_noise")


def cost(matrices):
    """Return the cross-entropy of the network with these matrices."""
    pixels, labels = tiny.images(IMAGES)
    return refpcm.cross_entropy(tiny.ENGINE.forward(tiny.on_chip(matrices), pixels), labels)[0]


def added():
    """Return {cause: added loss of each chip} and {layer: the same}; "all" is in both."""
    joshi, nothing = refpcm.find_device("joshi2020"), refpcm.find_device("crosssim-joshi").read_noise
    software = cost({})
    chips = [tiny.with_gdc(joshi, chip, "1 year") for chip in range(CHIPS)]
    whole = {"all": [cost(matrices) - software for matrices in chips]}
    by_layer = {name: [cost({name: matrices[name]}) - software for matrices in chips] for name in chips[0]}
    by_cause = {}
    for cause, kept in CAUSES.items():
        device = replace(joshi, **{curve: nothing for curve in CURVES if curve not in kept})
        by_cause[cause] = [cost(tiny.with_gdc(device, chip, "1 year")) - software for chip in range(CHIPS)]
    by_cause["spread of nu"] = np.subtract(by_cause["spread of nu"], by_cause["mean drift"])
    return {**by_cause, **whole}, {**by_layer, **whole}


def figure():
    """Return the drawing."""
    drawing, axes = panels(2, 3.6, sharex=True)
    for place, found, title in zip(axes, added(), ("only this cause on the chip", "only this layer on the chip")):
        names = list(found)[::-1]
        for row, name in enumerate(names):
            colour = RED if name == "all" else BLUE
            place.barh(row, np.mean(found[name]), 0.6, color=colour, alpha=0.5)
            place.plot(found[name], [row] * CHIPS, "|", color=colour, markersize=9, markeredgewidth=1.6)
        place.axvline(0, color="black", linewidth=0.8)
        place.set_yticks(range(len(names)), names, fontsize=9)
        place.set_title(title, fontsize=10)
        place.set_xlabel("added loss after a year with GDC;\nbar: mean, ticks: three chips")
    return drawing
