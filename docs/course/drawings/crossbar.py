"""A layer of three inputs and two outputs on six pairs of devices; the numbers are those of chapter 1."""

import numpy as np

from docs.course.drawings.canvas import ANALOG, BLUE, DIGITAL, INK, RED, SOFT, arrow, box, canvas

WEIGHTS = np.array([[0.5, -1.0], [0.25, 0.0], [-0.75, 0.8]])
VOLTS = (0.2, 0.1, -0.1)
COLUMNS = ((2.1, 0, 0), (3.1, 1, 0), (4.7, 0, 1), (5.7, 1, 1))  # x, 0 for G+ and 1 for G-, output
ROWS = (3.5, 2.7, 1.9)


def figure():
    """Return the drawing."""
    drawing, axes = canvas(4.4)
    targets = np.stack([WEIGHTS.clip(0), (-WEIGHTS).clip(0)]) * 25 / np.abs(WEIGHTS).max()
    for row, (y, volts) in enumerate(zip(ROWS, VOLTS)):
        axes.text(0.1, y, f"$V_{row + 1}$ = {volts:g} V", va="center")
        axes.plot([1.05, 6.1], [y, y], color=SOFT, linewidth=1.2, zorder=1)
    for x, sign, output in COLUMNS:
        colour = (BLUE, RED)[sign]
        axes.plot([x - 0.2, x - 0.2], [1.2, 3.9], color=colour, linewidth=1.2, zorder=1)
        axes.text(x - 0.2, 4.0, "$G^+$" if sign == 0 else "$G^-$", color=colour, ha="center")
        for row, y in enumerate(ROWS):
            g_us = targets[sign, row, output]
            box(axes, x - 0.1, y - 0.45, 0.65, 0.32, f"{g_us:g}", ANALOG if g_us else "white", fontsize=9)
            axes.plot([x - 0.2, x - 0.1], [y - 0.29, y - 0.29], color=colour, linewidth=0.8)
            axes.plot([x + 0.25, x + 0.25], [y - 0.13, y], color=SOFT, linewidth=0.8)
    for plus, minus, output in ((1.9, 2.9, 1), (4.5, 5.5, 2)):
        box(axes, plus - 0.15, 0.78, minus - plus + 0.3, 0.36, "$I^+ - I^-$", DIGITAL, fontsize=10)
        for x in (plus, minus):
            arrow(axes, (x, 1.4), (x, 1.14))
        axes.text((plus + minus) / 2, 0.5, f"output {output}: {VOLTS @ WEIGHTS[:, output - 1]:g}", ha="center", va="center")
    axes.text(6.35, 3.0, "each box is a device,\nits conductance in µS;\nwhite: idle (RESET)", va="center", color=INK, fontsize=9)
    axes.text(6.35, 1.6, "currents of a column\nadd up on its wire\n(Kirchhoff)", va="center", color=INK, fontsize=9)
    axes.text(4.0, 0.16, r"output = $(I^+ - I^-)\;W_{max}\,/\,G_{max}$,   $W_{max}$ = 1,  $G_{max}$ = 25 µS", ha="center")
    return drawing
