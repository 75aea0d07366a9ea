"""ResNet-32 of Joshi et al. 2020: what is on crossbars and what is computed digitally."""

from docs.course.drawings.canvas import ANALOG, DIGITAL, INK, arrow, box, canvas

PARTS = (("image\n3x32x32", "white", 0.85), ("conv1\n3x3, 16", ANALOG, 0.8), ("5 blocks\n16 channels", "#DDDDDD", 1.15),
         ("5 blocks\n28 channels", "#DDDDDD", 1.15), ("5 blocks\n56 channels", "#DDDDDD", 1.15), ("mean\nof pixels", DIGITAL, 0.8),
         ("fc\n56 to 10", ANALOG, 0.75))
BLOCK = (("conv\n3x3", ANALOG), ("batch\nnorm", DIGITAL), ("ReLU", DIGITAL), ("conv\n3x3", ANALOG), ("batch\nnorm", DIGITAL),
         ("+", DIGITAL), ("ReLU", DIGITAL))


def figure():
    """Return the drawing."""
    drawing, axes = canvas(4.3)
    x = 0.12
    for number, (text, colour, width) in enumerate(PARTS):
        box(axes, x, 3.3, width, 0.6, text, colour, fontsize=9)
        if number < len(PARTS) - 1:
            arrow(axes, (x + width, 3.6), (x + width + 0.18, 3.6))
        x += width + 0.18
    axes.text(0.12, 4.02, "conv1 is followed by batch norm and ReLU, digital", fontsize=9)
    axes.plot([3.45, 0.4], [3.3, 2.55], color=INK, linewidth=0.7, linestyle=":")
    axes.plot([4.6, 7.4], [3.3, 2.55], color=INK, linewidth=0.7, linestyle=":")
    axes.text(4.2, 2.62, "one block", ha="center", fontsize=10)
    x, y = 1.0, 1.85
    arrow(axes, (0.3, y + 0.27), (x, y + 0.27))
    for text, colour in BLOCK:
        width = 0.45 if text == "+" else 0.72
        box(axes, x, y, width, 0.55, text, colour, fontsize=9)
        arrow(axes, (x + width, y + 0.27), (x + width + 0.22, y + 0.27))
        if text == "+":
            plus = x + width / 2
        x += width + 0.22
    box(axes, 2.3, 1.0, 0.9, 0.5, "conv\n1x1", ANALOG, fontsize=9)
    box(axes, 3.5, 1.0, 0.9, 0.5, "batch\nnorm", DIGITAL, fontsize=9)
    axes.plot([0.6, 0.6], [y + 0.27, 1.25], color=INK, linewidth=1.2)
    arrow(axes, (0.6, 1.25), (2.3, 1.25))
    arrow(axes, (3.2, 1.25), (3.5, 1.25))
    axes.plot([4.4, plus], [1.25, 1.25], color=INK, linewidth=1.2)
    arrow(axes, (plus, 1.25), (plus, y))
    axes.text(3.35, 0.8, "only where the number of channels changes; else the input as it is", ha="center", fontsize=9)
    box(axes, 0.12, 0.15, 0.3, 0.3, "", ANALOG)
    axes.text(0.5, 0.3, "analog: 361,722 weights on 723,444 devices, in 34 crossbars", va="center")
    box(axes, 5.3, 0.15, 0.3, 0.3, "", DIGITAL)
    axes.text(5.68, 0.3, "digital: exact", va="center")
    return drawing
