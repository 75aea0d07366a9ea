"""Pages of refpcm.inspect in headless Chromium: nothing sticks out of a phone's screen, print shows folded tables."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from refpcm.inspection.charts import chip_chart, confusion_chart, device_chart, errors_chart, loss_chart, norms_chart
from refpcm.inspection.page import write_page
from refpcm.inspection.pictures import can_draw
from refpcm.inspection.report import Facts, Table, Text
from tests.commands import command
from tests.evaluation.conftest import small  # noqa: F401

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")]
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files",
           "--virtual-time-budget=20000"]
LONG = "a_name_without_a_blank_" * 8
# Shows the page in frames of 360 and 1280 pixels and writes what it measures there into the document.
MEASURE = """<!DOCTYPE html><body><script>
const found = [];
function measure(frame) {
  const page = frame.contentDocument, wide = frame.contentWindow.innerWidth, out = [];
  for (const each of page.querySelectorAll("main *")) {
    const box = each.getBoundingClientRect(), inside = each.parentElement.closest(".scroll");
    if (!inside && (box.right > wide + 1 || box.left < -1)) out.push(each.tagName + " " + box.right);
  }
  for (const text of page.querySelectorAll("svg text")) {
    const box = text.getBoundingClientRect(), canvas = text.closest("svg").getBoundingClientRect();
    if (box.left < canvas.left - 1 || box.right > canvas.right + 1 || box.top < canvas.top - 1 || box.bottom > canvas.bottom + 1)
      out.push("text " + text.textContent);
  }
  found.push([wide, page.documentElement.scrollWidth, page.querySelectorAll("svg").length, out]);
  document.title = JSON.stringify(found);
}
for (const wide of [360, 1280]) {
  const frame = document.createElement("iframe");
  frame.style = `width: ${wide}px; height: 800px; border: 0`;
  frame.onload = () => measure(frame);
  frame.src = "page.html";
  document.body.append(frame);
}
</script>"""


def measured(folder):
    """Return [(width of the window, of the page, number of charts, what sticks out)] of page.html in the folder."""
    (folder / "measure.html").write_text(MEASURE)
    done = subprocess.run([BROWSER, *OPTIONS, "--dump-dom", f"file://{folder}/measure.html"], capture_output=True, text=True,
                          timeout=120)
    return sorted(json.loads(re.search("<title>(.*?)</title>", done.stdout).group(1)))


def point(mean):
    return {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}


def every_chart():
    """Charts with long names and several times."""
    names, times_s = ["layer1.0.conv1", LONG, "fc"], (25.0, 86400.0, 3e7)
    norms = [{"name": name, "mean_shift_rms": 0.1, "worst_shift": 0.3, "variance_ratio": 1.1, "worst_variance_ratio": 0.8}
             for name in names]
    steps = [{"t_s": None, "quantity": "G_T [uS]", "plus": 20.0, "minus": 0.0}]
    steps += [{"t_s": t_s, "quantity": name, "plus": 9.0, "minus": 1.0} for t_s in times_s for name in ("G_drift [uS]", "G(t) [uS]")]
    crossbars = [{"layer": name, "times": [{"t_s": t_s, "error": 0.2, "error_gdc": 0.1, "alpha": 0.6} for t_s in times_s]}
                 for name in names]
    return [loss_chart("Points of accuracy lost after 1 year, by layer", [{"name": name, "only": point(1.0), "without": point(-1.0)}
                                                                      for name in names], point(2.0), "adabs-alone"),
            errors_chart([{"t_s": t_s, "layers": [{"name": name, "mean": 0.1, "std": 0.01} for name in names]} for t_s in times_s]),
            norms_chart([{"t_s": t_s, "norms": norms} for t_s in times_s]), device_chart(steps, lambda: steps),
            chip_chart(crossbars), confusion_chart("What chips take images for, 1 year", np.eye(3), names)]


def test_nothing_sticks_out_of_the_screen(tmp_path):
    charts = every_chart() if can_draw() else []
    blocks = [Text(LONG), Facts(((LONG, LONG),)), Table((LONG,) * 30, [("1234.5678",) * 30, (LONG,) * 30], LONG, LONG), *charts]
    write_page(tmp_path / "page.html", LONG, blocks, LONG, {"sha256": {"network": "9" * 64}})
    assert measured(tmp_path) == [[360, 360, len(charts), []], [1280, 1280, len(charts), []]]


@pytest.mark.parametrize("arguments", [["chip"], ["device", "--layer", "fc"]], ids=lambda each: each[0])
def test_the_pages_of_commands_fit_too(small, arguments, tmp_path):  # noqa: F811
    done = command("refpcm.inspect", *arguments, "--network", small.network, "--html", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    assert [(wide, page, out) for wide, page, _, out in measured(tmp_path)] == [(360, 360, []), (1280, 1280, [])]


def test_a_folded_table_is_printed_whole(tmp_path):
    write_page(tmp_path / "page.html", "t", [Table(("a", "b"), [("1", "2")] * 300)], "c", {})
    subprocess.run([BROWSER, *OPTIONS, f"--print-to-pdf={tmp_path}/page.pdf", f"file://{tmp_path}/page.html"], capture_output=True,
                   timeout=120, check=True)
    assert len(re.findall(rb"/Type /Page\b", (tmp_path / "page.pdf").read_bytes())) >= 4
