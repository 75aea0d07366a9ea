"""The pictures of the course: all there, all used, small, and with every label inside the canvas."""

import importlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from docs.course import draw

COURSE = Path(draw.__file__).parent
SVG = "{http://www.w3.org/2000/svg}"
FEWER = {"adabs": {"IMAGES": 10}, "causes": {"CHIPS": 1, "IMAGES": 50}, "pairing": {"CHIPS": 3, "IMAGES": 50}}
SMALLEST = 8.0  # points of a font on a picture of 8 inches, 11 pixels of a page


def test_every_picture_of_a_page_is_one_that_is_drawn():
    used = {name for page in COURSE.glob("*.md") for name in re.findall(r"\]\((\w+)\.svg\)", page.read_text())}
    assert used == set(draw.NAMES) == {path.stem for path in COURSE.glob("*.svg")}


@pytest.mark.parametrize("name", draw.NAMES)
def test_a_stored_picture_is_small_and_its_text_is_text_inside_the_canvas(name):
    path = COURSE / f"{name}.svg"
    root = ElementTree.parse(path).getroot()
    assert path.stat().st_size < 60_000 and root.get("width") == "576pt"  # 8 inches, 768 pixels
    _, _, width, height = map(float, root.get("viewBox").split())
    texts = list(_texts(root, 0.0, 0.0))
    assert len(texts) > 5
    for x, y, text in texts:
        assert -1 <= x <= width + 1 and -1 <= y <= height + 1, text


def _texts(element, x, y):
    """Yield (x, y, text) of every text below an element that is moved by (x, y)."""
    moved = re.search(r"translate\(([-\d.]+)[ ,]([-\d.]+)\)", element.get("transform", ""))
    if moved:
        x, y = x + float(moved.group(1)), y + float(moved.group(2))
    elif element.tag == f"{SVG}text":
        x, y = x + float(element.get("x", 0)), y + float(element.get("y", 0))
    if element.tag == f"{SVG}text":
        yield x, y, "".join(element.itertext())
    elif element.tag != f"{SVG}defs":
        for child in element:
            yield from _texts(child, x, y)


@pytest.mark.parametrize("name", draw.NAMES)
def test_labels_of_a_drawing_lie_inside_the_canvas_and_can_be_read(name, monkeypatch):
    pytest.importorskip("matplotlib")
    from matplotlib import pyplot
    from matplotlib.text import Text
    monkeypatch.chdir(COURSE.parents[1])
    if name in FEWER:  # fewer chips and images make the same labels
        module = importlib.import_module(f"docs.course.drawings.{name}")
        for constant, value in FEWER[name].items():
            monkeypatch.setattr(module, constant, value)
    figure = draw.draw(name)
    try:
        figure.canvas.draw()
        hidden = _hidden(figure)
        for text in figure.findobj(Text):
            if text.get_text() and text.get_visible() and text not in hidden:
                box = text.get_window_extent()
                assert figure.bbox.x0 - 1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1, text.get_text()
                assert figure.bbox.y0 - 1 <= box.y0 and box.y1 <= figure.bbox.y1 + 1, text.get_text()
                assert text.get_fontsize() >= SMALLEST, text.get_text()
    finally:
        pyplot.close(figure)


def _hidden(figure):
    """Return the labels of ticks that are not drawn: beyond the limits of their axis, or of hidden axes."""
    labels = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            labels += [label for tick in (*axis.majorTicks, *axis.minorTicks) for label in (tick.label1, tick.label2)
                       if not axes.axison or not low <= tick.get_loc() <= high]
    return labels
