"""The links behind a number (refpcm/inspection/trace.py) as blocks to show; --json has every digit of the hashes."""

from refpcm.cli import per_cent
from refpcm.inspection.report import Table, Text
from refpcm.inspection.trace_sources import shortened
from refpcm.times import time_text


def links_blocks(found):
    """Return all links as tables, the status first."""
    number = found["number"]
    interval = "" if number["low"] is None else f" ({per_cent(number['low'])} .. {per_cent(number['high'])})"
    first = [(number["status"], f"{time_text(found['t_s'])}, {found['compensation']}",
              f"{per_cent(number['mean'])} %{interval}", number["what"])]
    units = [(unit["status"], str(unit["chip"]), str(unit["read"]), text(unit["stored"]), text(unit["counted"]),
              unit["file"], unit["what"]) for unit in found["units"]]
    chips = [(chip["status"], str(chip["chip"]), shortened(chip["chip_sha256"] or "-"), chip["what"])
             for chip in found["chips"]]
    sources = [(each["status"], each["link"], noted(each), each["what"]) for each in found["sources"]]
    steps = [(each["status"], each["step"], f"{each['file']}:{each['line']} {each['function']}", each["says"])
             for each in found["equations"]]
    end = "every link that is there holds" if found["holds"] else "the number does not hold as it stands"
    return [Table(("status", "number", "mean (95 % interval)", ""), first, title="The number"),
            Table(("status", "chip", "read", "images right", "counted again", "unit", ""), units, title="Its units"),
            Table(("status", "chip", "hash", ""), chips, title="Their chips"),
            Table(("status", "made from", "noted", ""), sources, title="What they were made from"),
            Table(("status", "equation", "where", ""), steps, title="The equations"), Text(end)]


def text(count):
    """Return a count as text, "-" for None."""
    return "-" if count is None else str(count)


def noted(link):
    """Return the hash that a result notes for a link, shortened; "-" for none and for what is said in words."""
    if link["link"] == "code" or link["noted"] is None or link["noted"] == link["what"]:
        return "-"
    return shortened(link["noted"])
