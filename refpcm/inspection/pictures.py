"""Charts as SVG for a page, or as one picture file. Needs matplotlib, the optional extra `refpcm[plots]`."""

import io
import re
import warnings
from contextlib import contextmanager
from importlib.util import find_spec

from refpcm.files.atomic import write_bytes

MISSING = 'matplotlib is not installed; pip install "refpcm[plots]" brings it'
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "refpcm", "text.parse_math": False, "font.size": 10.0,
            "axes.titlesize": 11.0, "figure.dpi": 100.0}  # text stays text; a $ in a name starts no formula


@contextmanager
def drawing():
    """Context with the settings of every chart and without warnings, such as those of missing letters."""
    import matplotlib
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def can_draw():
    """Return whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def as_svg(chart, prefix):
    """Return a chart as an SVG element for a page of HTML; prefix makes its ids unique on the page."""
    from matplotlib.figure import Figure
    content = io.StringIO()
    with drawing():
        figure = Figure(figsize=chart.size, layout="constrained")
        chart.draw(figure)
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return inlined(content.getvalue(), prefix)


def inlined(svg, prefix):
    """Return the svg element of a file of matplotlib, without what only a file needs, and with prefixed ids."""
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'\s(?:xmlns(?::xlink)?|version)="[^"]*"', "", svg)
    svg = svg.replace("xlink:href", "href")
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", svg).strip()


def write_picture(path, charts):
    """Write the charts, one below the other, as one picture; the ending of `path` says which form.

    Raises RefpcmError if that fails.
    """
    from matplotlib.figure import Figure
    content, heights = io.BytesIO(), [chart.size[1] for chart in charts]
    with drawing():
        figure = Figure(figsize=(max(chart.size[0] for chart in charts), sum(heights)), layout="constrained")
        parts = figure.subfigures(len(charts), 1, squeeze=False, height_ratios=heights)[:, 0]
        for part, chart in zip(parts, charts):
            chart.draw(part)
        figure.savefig(content, dpi=120, format=str(path).rpartition(".")[2].lower())
    write_bytes(path, content.getvalue())
