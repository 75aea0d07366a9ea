"""Writes docs/results.md from the files in docs/results: `python -m tests.results`."""

from tests.results.files import ROOT
from tests.results.page import page

(ROOT / "docs" / "results.md").write_text(page())
