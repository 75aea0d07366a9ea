"""refpcm.inspection.page and report: one list of blocks as text and as a page."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.inspection import page, pictures
from refpcm.inspection.charts import CAUSE_COLOURS, confusion_chart, errors_chart, loss_chart
from refpcm.inspection.page import as_page, check_page, made_from
from refpcm.inspection.report import Chart, Facts, Picture, Table, Text, as_text, charts_of
from tests.inspection.pages import checked

HOSTILE = "<script>alert(\'x\')</script> \" onload=\"y\" &amp; $\\frac$ \x1b[31m \u202e </td>"
DRAWS = pytest.mark.skipif(not pictures.can_draw(), reason="matplotlib is not installed")


def point(mean):
    return {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}


def rows(names):
    return [{"name": name, "only": point(i), "without": point(-i)} for i, name in enumerate(names)]


def test_text_and_page_show_the_same_words():
    blocks = [Text("a sentence"), Facts((("label", "value"),)),
              Table(("layer", "error"), [("conv1", "0.5"), ("fc", "-")], "above:", "below")]
    assert as_text(blocks) == "a sentence\n\nlabel  value\n\nabove:\nlayer  error\nconv1  0.5\nfc     -\nbelow"
    shown = checked(as_page("title", blocks, "c", {})).cells()
    assert {"a sentence", "label", "value", "layer", "error", "conv1", "0.5", "fc", "-", "above", "below", "title", "c"} <= shown


def test_a_long_table_is_folded():
    short, long = (as_page("t", [Table(("a",), [("1",)] * count)], "c", {}) for count in (12, 13))
    assert "<details>" not in short and "<summary>13 rows</summary>" in long


def test_foreign_text_stays_text_everywhere():
    blocks = [Text(HOSTILE), Facts(((HOSTILE, HOSTILE),)), Table((HOSTILE,), [(HOSTILE,)], HOSTILE, HOSTILE),
              Picture(HOSTILE, lambda: b"png")]
    text = as_page(HOSTILE, blocks, HOSTILE, {"sha256": {HOSTILE: HOSTILE}})
    found = checked(text)
    assert "\x1b" not in text and "\u202e" not in text
    assert sum("<script>alert(\'x\')</script>" in each for each in found.texts) == 13
    assert made_from("c", {"sha256": {"data": {"test": "9"}}, "other": 1}) == [("command", "c"), ("sha256 data test", "9")]


@DRAWS
def test_foreign_text_stays_text_in_charts():
    named = HOSTILE.replace(" ", "")
    charts = [loss_chart(HOSTILE, rows(["spread of nu", named]), point(1.0), "gdc"),
              errors_chart([{"t_s": 25.0, "layers": [{"name": named, "mean": 0.1, "std": None}]}]),
              confusion_chart(HOSTILE, np.array([[3.0, 1.0], [0.0, 4.0]]), [named, "b"])]
    assert len(checked(as_page("t", charts, "c", {})).ids) > 10


@DRAWS
def test_charts_are_the_same_bytes_each_time_and_keep_their_words_as_text():
    chart = loss_chart("points lost", rows(["spread of nu", "read noise"]), point(1.0), "gdc")
    one, other = (pictures.as_svg(chart, "c1") for _ in range(2))
    assert one == other and "lost with only this" in one and "won back without it" in one
    assert CAUSE_COLOURS["spread of nu"].lower() in one and CAUSE_COLOURS["read noise"].lower() in one


@DRAWS
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_holds_all_charts(tmp_path, ending):
    chart = errors_chart([{"t_s": 25.0, "layers": [{"name": "fc", "mean": 0.1, "std": 0.01}]}])
    path = tmp_path / f"p.{ending}"
    pictures.write_picture(path, charts_of([Text("a"), chart, chart]))
    begin = path.read_bytes()[:200]
    assert {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}[ending] in begin


def test_without_matplotlib_the_page_says_so(monkeypatch):
    monkeypatch.setattr(page, "can_draw", lambda: False)
    found = checked(as_page("t", [Chart("title", None, (5, 4))], "c", {}))
    assert any("matplotlib is not installed" in each for each in found.texts)


def test_only_pages_of_this_program_are_replaced(tmp_path):
    path = tmp_path / "p.html"
    check_page(path)
    path.write_text("")
    check_page(path)
    page.write_page(path, "t", [], "c", {})
    check_page(path)
    path.write_text("<p>notes of somebody</p>")
    with pytest.raises(RefpcmError, match="is no page of refpcm.inspect; choose another name"):
        check_page(path)
    with pytest.raises(RefpcmError, match="must end in .html"):
        check_page(tmp_path / "page.txt")
