"""What a subcommand found as one static page of HTML: no scripts, nothing loaded from elsewhere."""

import base64
import html
import os
import re

from data_tools.foreign_text import shown_lines
from refpcm.cli import counted
from refpcm.errors import RefpcmError
from refpcm.files.atomic import write_bytes
from refpcm.inspection.pictures import MISSING, as_svg, can_draw
from refpcm.inspection.report import Chart, Facts, Picture, Table
from refpcm.inspection.tables import fact_text

GENERATOR = "refpcm.inspect"  # in a meta element, by which a page of ours is known
# Entries of the JSON that say what a result was made from.
MADE_FROM = ("network", "architecture", "data", "fingerprint", "device", "seed", "chip", "draw", "chip_sha256", "sha256",
             "versions")
LEAST, MOST = 64, 120  # pixels of an inch of a chart, at which its letters can be read and are not too large
FOLDED_ROWS = 12  # a table of more rows is folded; print shows it whole
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff; margin: 0 auto; max-width: 62rem; padding: 1rem }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere }
dt, dd, p, figcaption { overflow-wrap: anywhere }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd }
thead th { border-bottom: 1px solid #111 }
tbody th { font-weight: normal }
tbody th, td.number { white-space: nowrap }
dl { margin: 0 }
dl > div { margin-top: .3rem }
dt { color: #444 }
dd { margin: 0 }
@media (min-width: 40rem) {
  dl > div { display: grid; grid-template-columns: 13rem 1fr; gap: 1rem }
}
figure { margin: 1.5rem 0 }
figure svg { display: block; width: 100%; height: auto }
figcaption { font-weight: bold }
summary { cursor: pointer }
@media print {
  body { font-size: 10pt; max-width: none; padding: 0 }
  .scroll { overflow: visible }
  table { font-size: 8pt; max-width: 100% }
  td, th { padding-right: .4rem }
  td { overflow-wrap: break-word }
  figure svg { min-width: 0 !important; max-height: 95vh }
  figure img { max-width: 100% }
  figure, tr, dl > div { break-inside: avoid }
  h2, summary, figcaption { break-after: avoid }
  details::details-content { content-visibility: visible; display: block; block-size: auto }
}
"""


def check_page(path):
    """Raises RefpcmError for a name that does not end in .html, and for a file that is no page of this program."""
    if not str(path).lower().endswith((".html", ".htm")):
        raise RefpcmError(f"--html {path}: its name must end in .html")
    if os.path.isfile(path) and os.path.getsize(path):
        with open(path, "rb") as stream:
            if f'content="{GENERATOR}"'.encode() not in stream.read(1000):
                raise RefpcmError(f"--html {path} is already there and is no page of refpcm.inspect; choose another name")


def write_page(path, title, blocks, command, result):
    """Write `as_page` to the file `path`. Raises RefpcmError if it cannot be written."""
    write_bytes(path, as_page(title, blocks, command, result).encode())


def headline(result):
    """Return in one line which network on which chips a result is about, as far as its JSON says so."""
    protocol = result.get("protocol")
    if not protocol:
        return ""
    return (f"{result['architecture']} on {result['data']}, {counted(protocol['chips'], 'chip')} of device {protocol['device']}, "
            f"seed {protocol['seed']}, compensation {fact_text(protocol['compensations'])}")


def made_from(command, result):
    """Return what the page says of its origin, pairs of text: the command, and the hashes and versions of the JSON."""
    known = [pair for name in MADE_FROM if name in result for pair in flattened(name, result[name])]
    return [("command", command), *known]


def flattened(label, value):
    """Return a value of JSON as pairs (label, text), one for each entry of a dict."""
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in flattened(f"{label} {key}".strip(), each)]
    return [(label, fact_text(value))]


def origin_html(command, result):
    """Return the page's last section: what the result was made from; the protocol's many choices are folded."""
    choices = flattened("", result["protocol"]) if result.get("protocol") else []
    folded = f"\n<details>\n<summary>all choices</summary>\n{facts_html(choices)}\n</details>" if choices else ""
    return f"<h2>Made from</h2>\n{facts_html(made_from(command, result))}{folded}"


def as_page(title, blocks, command, result):
    """Return the page as text. command: that made it; result: the command's JSON, for what it says of its origin."""
    body = [block_html(block, f"c{number}") for number, block in enumerate(blocks)]
    head = (f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f'<meta name="generator" content="{GENERATOR}">\n<title>{text(title)}</title>\n<style>{STYLE}</style>')
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n<main>\n<h1>{text(title)}</h1>\n'
            + f"<p>{text(headline(result))}</p>\n" + "\n".join(body) + f"\n{origin_html(command, result)}\n"
            "</main>\n</body>\n</html>\n")


def text(words):
    """Return foreign text for HTML: what is not printable as escapes, quotes and angle brackets as entities."""
    return html.escape(shown_lines(words))


def block_html(block, prefix):
    """Return one block as HTML; prefix: unique on the page."""
    if isinstance(block, Facts):
        return facts_html(block.pairs)
    if isinstance(block, Table):
        return table_html(block)
    if isinstance(block, Chart):
        drawn = as_svg(block, prefix) if can_draw() else f"<p>No chart: {text(MISSING)}.</p>"
        wide = f"min-width: {LEAST * block.size[0]:.0f}px; max-width: {MOST * block.size[0]:.0f}px"
        named = drawn.replace("<svg", f'<svg role="img" aria-label="{text(block.title)}" style="{wide}"', 1)
        return f'<figure>\n<div class="scroll" tabindex="0">{named}</div>\n</figure>'
    if isinstance(block, Picture):
        data = base64.b64encode(block.png()).decode()
        return (f'<figure>\n<figcaption>{text(block.title)}</figcaption>\n'
                f'<div class="scroll" tabindex="0"><img alt="{text(block.title)}" src="data:image/png;base64,{data}"></div>\n'
                '</figure>')
    return f"<p>{text(block.text)}</p>"


def facts_html(pairs):
    """Return pairs as a list of terms and what is said of them."""
    return "<dl>\n" + "\n".join(f"<div><dt>{text(label)}</dt><dd>{text(value)}</dd></div>" for label, value in pairs) + "\n</dl>"


def table_html(table):
    """Return a table under its heading; a long one can be unfolded."""
    heading = text((table.caption or table.title).removesuffix(":"))
    head = "".join(f'<th scope="col">{text(cell)}</th>' for cell in table.heads)
    rows = "\n".join(row_html(row) for row in table.rows)
    whole = (f'<div class="scroll" tabindex="0">\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n'
             '</div>')
    if len(table.rows) > FOLDED_ROWS:
        whole = f"<details>\n<summary>{len(table.rows)} rows</summary>\n{whole}\n</details>"
    note = f"\n<p>{text(table.note)}</p>" if table.note else ""
    return f"<h2>{heading}</h2>\n{whole}{note}"


def row_html(row):
    """Return a row of cells, the first of which names it."""
    cells = [f'<td class="number">{text(cell)}</td>' if re.match(r"[-+]?\d|-$", cell) else f"<td>{text(cell)}</td>"
             for cell in row[1:]]
    return f'<tr><th scope="row">{text(row[0])}</th>{"".join(cells)}</tr>'
