"""What happens when, from programming to one year, and the error of a matrix of weights over that time."""

import numpy as np
from matplotlib import pyplot

import refpcm
from docs.course.drawings.canvas import ANALOG, BLUE, DIGITAL, GREEN, INK, RED, SOFT, WIDTH, ticks_of_time

TIMES = (25.0, 60.0, 600.0, 3600.0, 36000.0, 86400.0, 604800.0, 2592000.0, 31536000.0)
EVENTS = {20.0: ("20 s, programmed:\ndrift counts\nfrom here", ANALOG, 20.0, "left"),
          25.0: ("25 s, first read:\nreference of GDC,\n$\\alpha$ = 1", DIGITAL, 320.0, "left"),
          86400.0: ("one day:\nread, $\\alpha$ = {:.2f}", DIGITAL, 86400.0, "center"),
          31536000.0: ("one year:\nread, $\\alpha$ = {:.2f}", DIGITAL, 31536000.0, "right")}


def errors():
    """Return {curve: root mean square error over W_max at TIMES} and {time: alpha} of the matrix of chapter 4."""
    weights = refpcm.normals(0, 0, refpcm.Purpose.INITIALISATION, 0, 0, 0, 512 * 256).clip(-2, 2).reshape(512, 256)
    chip = refpcm.program({"layer": weights}, "joshi2020", seed=0, chip=0)
    reference = refpcm.reference_readouts(chip)
    found, alphas = {"no compensation": [], "GDC": [], "GDC, mean of 16 reads": []}, {}
    for t_s in TIMES:
        reads = [refpcm.compensated_read(chip, t_s, reference, draw) for draw in range(16)]
        raw, compensated, alpha = reads[0]
        alphas[t_s] = float(alpha["layer"])
        averaged = np.mean([read[1]["layer"] for read in reads], axis=0)
        for curve, seen in zip(found.values(), (raw["layer"], compensated["layer"], averaged)):
            curve.append(100 * np.sqrt(np.mean((seen - weights) ** 2)) / 2)
    return found, alphas


def figure():
    """Return the drawing."""
    found, alphas = errors()
    drawing, (above, axes) = pyplot.subplots(2, 1, figsize=(WIDTH, 4.8), sharex=True, layout="constrained",
                                             height_ratios=(1, 2.2))
    for t_s, (text, colour, x, side) in EVENTS.items():
        above.plot([t_s], [0], "o", color=colour, markersize=9, markeredgecolor=INK, zorder=3)
        above.plot([t_s, x], [0.1, 0.5], color=SOFT, linewidth=0.8)
        above.text(x, 0.6, text.format(alphas.get(t_s, 1)), ha=side, va="bottom", fontsize=9)
    above.axhline(0, color=INK, linewidth=1, zorder=1)
    above.set(ylim=(-0.4, 2.6))
    above.axis("off")
    for (label, curve), (colour, line) in zip(found.items(), ((RED, "-"), (BLUE, "-"), (GREEN, "--"))):
        axes.plot(TIMES, curve, line, color=colour, marker="o", markersize=4, label=label)
    ticks_of_time(axes, {"20 s": 20.0, "10 min": 600.0, "1 h": 3600.0, "1 day": 86400.0, "1 month": 2592000.0,
                         "1 year": 31536000.0})
    axes.set(xlabel="time since programming", ylabel="error of the weights,\n% of $W_{max}$", ylim=(0, 26))
    axes.legend(frameon=False, loc="upper left")
    return drawing
