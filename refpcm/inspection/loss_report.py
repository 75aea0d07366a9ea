"""The result of `inspect loss` as blocks to show, and as JSON and CSV files."""

import csv
import io
import json
import os

from refpcm.cli import counted, per_cent
from refpcm.files.atomic import write_bytes
from refpcm.inspection.charts import loss_chart
from refpcm.inspection.report import Table, Text
from refpcm.times import time_text

COLUMNS = ("t_s", "by", "name", "only", "only_low", "only_high", "without", "without_low", "without_high", "mvm_error",
           "estimate")
HEADINGS = ("lost with only this", "95 % interval", "won back without it", "95 % interval")


def loss_blocks(result):
    """Return the losses as blocks, one table and chart for each time and kind; all in points of accuracy."""
    compensation, = result["protocol"]["compensations"]
    chips = counted(result["protocol"]["chips"], "chip")
    blocks = [Text(f"digital accuracy {per_cent(result['digital_accuracy'])} % on {result['test_images']} test images; "
                   f"{chips}, compensation {compensation}; all else in points of accuracy")]
    for row in result["times"]:
        when = time_text(row["t_s"])
        caption = (f"{when}: {per_cent(row['accuracy']['mean'])} % on chips, {number(row['lost']['mean'])} lost "
                   f"({interval(row['lost'])})")
        if "causes" in row:
            lines = [(each["name"], *cells(each)) for each in row["causes"]]
            blocks += [Table(("cause", *HEADINGS), [*lines, ("does not add up", *cells(row["causes_remainder"]))], caption),
                       loss_chart(f"Points of accuracy lost after {when}, by cause", row["causes"], row["lost"], compensation)]
            caption = f"{when}, by layer"
        if "layers" in row:
            lines = [(each["name"], *cells(each), f"{each['mvm_error']:.4f}", f"{each['estimate']:.3g}")
                     for each in row["layers"]]
            known = row["rank_correlation"]
            note = ("rank correlation with the points lost with only this layer: "
                    f"MVM error {signed(known['mvm_error'])}, second-order estimate {signed(known['estimate'])}")
            blocks += [Table(("layer", *HEADINGS, "MVM error", "estimate"),
                             [*lines, ("does not add up", *cells(row["layers_remainder"]), "", "")], caption, note),
                       loss_chart(f"Points of accuracy lost after {when}, by layer", row["layers"], row["lost"], compensation)]
    return blocks


def cells(row):
    """Return the four cells of a cause or layer."""
    return tuple(text for case in ("only", "without") for text in (number(row[case]["mean"]), interval(row[case])))


def number(points):
    """Return points of accuracy as text of two decimals, without a negative zero."""
    return f"{round(points, 2) + 0.0:.2f}"


def interval(found):
    """Return "low .. high", or "-" where there are too few chips."""
    return "-" if found["low"] is None else f"{number(found['low'])} .. {number(found['high'])}"


def signed(correlation):
    """Return a correlation as text, "-" for None."""
    return "-" if correlation is None else f"{correlation:+.2f}"


def csv_rows(result):
    """Return the rows of the CSV file, in the order of COLUMNS."""
    rows = []
    for row in result["times"]:
        for by in ("causes", "layers"):
            every = [*row.get(by, []), *([{"name": "does not add up", **row[f"{by}_remainder"]}] if by in row else [])]
            for each in every:
                ends = [each[case][key] for case in ("only", "without") for key in ("mean", "low", "high")]
                rows.append([row["t_s"], by.removesuffix("s"), each["name"], *ends, each.get("mvm_error"),
                             each.get("estimate")])
    return rows


def write_loss(folder, result):
    """Write result.json and result.csv into `folder`. Raises RefpcmError if they cannot be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(csv_rows(result))
    write_bytes(os.path.join(folder, "result.json"), json.dumps(result, indent=1).encode())
    write_bytes(os.path.join(folder, "result.csv"), text.getvalue().encode())
