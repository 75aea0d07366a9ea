"""A figure's numbers: table and comparison as text, JSON and CSV files."""

import csv
import io
import json

from refpcm.cli import aligned, per_cent
from refpcm.files.atomic import write_bytes
from refpcm.reproduction.variants import label
from refpcm.times import time_text

SPREAD = ("mean", "low", "high", "interval_over", "std_run", "std_draw", "runs", "draws", "reads")
HEADS = {"t_s": "time"}  # others stand as they are
LEGEND = ("per cent; draws: chips, or inference runs, of each training run; 95 % interval: over training runs, "
          "*: over draws")


def table(columns, rows):
    """Return a line a row, accuracies in per cent."""
    heads = (HEADS.get(column, column) for column in columns)
    lines = [(*heads, "mean", "95 % interval", "std run", "std draw", "runs", "draws")]
    for row in rows:
        interval = "-" if row["low"] is None else f"{per_cent(row['low'])} .. {per_cent(row['high'])}"
        lines.append((*(_cell(column, row[column]) for column in columns), per_cent(row["mean"]),
                      interval + ("*" if row["interval_over"] == "draws" else ""), per_cent(row["std_run"]),
                      per_cent(row["std_draw"]), str(row["runs"]), str(row["draws"])))
    return "\n".join([LEGEND, aligned(lines)])


def comparison_table(lines):
    """Return the lines of `comparison.comparison_row`: statement, the paper's value and its place, ours."""
    return aligned([("", "paper", "", "here"),
                    *((line["statement"], line["value"], f"({line['source']})", line["ours"] or "not measured here")
                      for line in lines)])


def _cell(column, value):
    if column == "network":
        return label(value)
    if column == "t_s":
        return "-" if value is None else time_text(value)
    if column == "images":
        return f"{value:,}" if value else "-"
    return f"{100 * value:g} %" if column in ("eta_tr", "eta_inf") else value


def interval(rows):
    """Return what the bars of a figure mean, in words."""
    words = {"runs": "training runs", "draws": "chips or inference runs of one training run"}
    over = {words[row["interval_over"]] for row in rows if row["interval_over"]}
    if not over:
        return "no bars: fewer than three training runs, or chips of one"
    return "bars: 95 % intervals of the mean over " + ", or ".join(sorted(over, reverse=True))


def write_files(out, name, columns, result, text):
    """Write NAME.json, NAME.csv and NAME.txt, which has `text`, in `out`; return their names."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow((*columns, *SPREAD))
    writer.writerows([row[key] for key in (*columns, *SPREAD)] for row in result["rows"])
    contents = {"json": json.dumps(result, indent=1) + "\n", "csv": lines.getvalue(), "txt": text}
    for ending, content in contents.items():
        write_bytes(out / f"{name}.{ending}", content.encode())
    return [f"{name}.{ending}" for ending in contents]
