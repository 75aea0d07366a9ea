"""One weight of 0.6 W_max from its target to one year: 2,000 copies of it, and three of them one by one."""

import numpy as np

import refpcm
from docs.course.drawings.canvas import BLUE, INK, RED, SOFT, panels, ticks_of_time

TIMES = {"20 s": 20.0, "25 s": 25.0, "1 min": 60.0, "10 min": 600.0, "1 h": 3600.0, "10 h": 36000.0, "1 day": 86400.0,
         "1 week": 604800.0, "1 month": 2592000.0, "1 year": 31536000.0}
SHOWN = ("10 min", "1 h", "1 day", "1 month", "1 year")


def figure():
    """Return the drawing."""
    weights = np.full((2001, 1), 0.6)
    weights[-1] = 1.0
    chip = refpcm.program({"layer": weights}, "joshi2020", seed=0, chip=0)
    copies = np.array([refpcm.read(chip, t_s)["layer"][:2000, 0] for t_s in TIMES.values()])  # (times, copies)
    drawing, axes = panels(1, 3.8)
    seconds = list(TIMES.values())
    for low, high, shade in ((2.5, 97.5, 0.15), (25, 75, 0.3)):
        axes.fill_between(seconds, *np.percentile(copies, (low, high), axis=1), color=BLUE, alpha=shade, linewidth=0,
                          label=f"middle {high - low:g} % of 2,000 copies")
    axes.plot(seconds, copies.mean(1), color=BLUE, linewidth=2, label="their mean")
    for copy in range(3):
        axes.plot(seconds, copies[:, copy], color=SOFT, linewidth=0.9, marker=".", markersize=4,
                  label="three copies, one by one" if copy == 0 else None)
    axes.axhline(0.6, color=RED, linewidth=1.2, linestyle="--")
    axes.text(31536000, 0.607, "target: 0.6", ha="right", va="bottom", color=RED)
    ticks_of_time(axes, {"programmed\n20 s": 20.0, **{name: TIMES[name] for name in SHOWN}})
    axes.set(xlabel="time since programming", ylabel="weight as read, in $W_{max}$", ylim=(0.15, 0.8))
    axes.legend(frameon=False, fontsize=9, loc="lower left", labelcolor=INK)
    return drawing
