"""What a figure of matplotlib shows, asked by rendering it."""


def outside(figure):
    """Return the texts of a figure that reach beyond its canvas."""
    from matplotlib.text import Text
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    found, undrawn = [], {label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in beyond(axis)}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in undrawn:
            box = text.get_window_extent()
            if box.width and (box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1):
                found.append(text.get_text())
    return found


def beyond(axis):
    """Return the labels of ticks beyond the ends of an axis, which matplotlib keeps and does not draw."""
    low, high = sorted(axis.get_view_interval())
    return [label for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()) if not low <= tick.get_loc() <= high
            for label in (tick.label1, tick.label2)]
