"""A convolution as a crossbar: one window of the image drives the rows, one column a channel of the output."""

from docs.course.drawings.canvas import ANALOG, BLUE, DIGITAL, RED, SOFT, arrow, box, canvas

CHANNELS = ((0.55, 2.0, "#F4CCCC"), (0.35, 1.8, "#D9EAD3"), (0.15, 1.6, "#CFE2F3"))  # left, bottom, colour
CELL, SIZE = 0.26, 6


def _image(axes):
    """Draw three channels of 6 x 6 pixels, a window of 3 x 3 marked in each."""
    for left, bottom, colour in CHANNELS:
        for row in range(SIZE):
            for column in range(SIZE):
                inside = 1 <= row < 4 and 2 <= column < 5
                box(axes, left + column * CELL, bottom + (SIZE - 1 - row) * CELL, CELL, CELL, "",
                    ANALOG if inside else colour)
    axes.text(1.1, 1.3, "image, 3 channels;\none window of 3 x 3", ha="center", va="top", fontsize=9)


def figure():
    """Return the drawing."""
    drawing, axes = canvas(4.6)
    _image(axes)
    for part, label in enumerate(("channel 1", "channel 2", "channel 3")):
        for row in range(3):
            box(axes, 3.0, 3.65 - part * 1.0 - row * 0.3, 0.5, 0.3, "", CHANNELS[2 - part][2])
        axes.text(2.92, 3.5 - part * 1.0, label, ha="right", fontsize=8)
    arrow(axes, (1.83, 2.85), (2.95, 3.05))
    axes.text(3.25, 4.25, "27 numbers\n(im2col)", ha="center", va="center", fontsize=9)
    for part in range(3):
        for row in range(3):
            y = 3.8 - part * 1.0 - row * 0.3
            axes.plot([3.5, 6.35], [y, y], color=SOFT, linewidth=0.9, zorder=1)
    for column, x in enumerate((4.1, 4.7, 5.3, 6.1)):
        axes.plot([x, x], [0.95, 4.0], color=BLUE, linewidth=0.9, zorder=1)
        axes.plot([x + 0.1, x + 0.1], [0.95, 4.0], color=RED, linewidth=0.9, zorder=1)
        for part in range(3):
            for row in range(3):
                y = 3.8 - part * 1.0 - row * 0.3
                axes.plot([x, x + 0.1], [y, y], ".", color=ANALOG, markersize=7, zorder=2)
        arrow(axes, (x + 0.05, 0.95), (x + 0.05, 0.7))
        box(axes, x - 0.13, 0.4, 0.36, 0.3, ("1", "2", "3", "16")[column], DIGITAL, fontsize=9)
    axes.text(5.75, 0.55, "...", ha="center", va="center")
    axes.text(5.1, 4.25, "crossbar: 27 rows, 16 pairs of columns", ha="center", va="center", fontsize=9)
    axes.text(6.55, 2.4, "one column of pairs\nis one filter,\nread from\n(C, 3, 3) to 27", va="center", fontsize=9)
    axes.text(6.55, 0.55, "16 channels\nof one pixel", va="center", fontsize=9)
    axes.text(4.0, 0.1, "the next window drives the same rows: 32 x 32 pixels are 1,024 products with one crossbar",
              ha="center", fontsize=9)
    return drawing
