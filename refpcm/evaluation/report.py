"""An evaluation's result as a table for the screen, and as JSON and CSV files."""

import csv
import io
import json
import os

import numpy as np

from refpcm.cli import aligned, counted, per_cent
from refpcm.errors import RefpcmError
from refpcm.evaluation.nested import FEWEST
from refpcm.evaluation.one_chip import interval_of_one_chip
from refpcm.evaluation.paired import paired
from refpcm.evaluation.saturation import largest
from refpcm.files.atomic import atomic_file
from refpcm.files.reading import read_json
from refpcm.times import time_text

OTHERS = ("checkpoint.safetensors", "config.json", "metrics.jsonl", "dataset.json", "settings.json",
          "index.json")  # files that tell the folders of trainings, data sets and reproductions
COLUMNS = ("t_s", "compensation", "mean", "std", "sigma_chip", "sigma_read", "low", "high", "normalised", "chips",
           "reads")


def table(result):
    """Accuracies in per cent, a line per time and compensation, and of AdaBS the points that it lies over GDC."""
    protocol, digital, images = result["protocol"], result["digital_accuracy"], result["test_images"]
    repeated = protocol["reads"] > 1
    lines = [("time", "compensation", "mean", "95 % interval", "std", *(("sigma chip", "sigma read") if repeated else ()),
              "one chip", "A*")]
    by_name = {(row["t_s"], row["compensation"]): row["accuracies"] for row in result["rows"]}
    for row in result["rows"]:
        relative = "-" if row["normalised"] is None else f"{row['normalised']:.4f}"
        parts = [per_cent(row[name]) for name in ("std", "sigma_chip", "sigma_read")][:3 if repeated else 1]
        lines.append((time_text(row["t_s"]), row["compensation"], per_cent(row["mean"]), _span(row["low"], row["high"]), *parts,
                      _span(*(interval_of_one_chip(row["accuracies"]) or (None, None))), relative))
        if row["compensation"] == "adabs" and (row["t_s"], "gdc") in by_name:
            lines.append(_difference(row, by_name[row["t_s"], "gdc"], len(lines[0])))
    error = (digital * (1 - digital) / images) ** 0.5
    text = [f"device {protocol['device']}, {counted(protocol['chips'], 'chip')}, {counted(protocol['reads'], 'read')} of each",
            f"digital accuracy {per_cent(digital)} % on {images} test images, whose choice alone has a standard error of "
            f"{per_cent(error)}",
            "per cent; 95 % interval: of the mean over chips, for these images; one chip: where 95 % of single chips lie; "
            f"both from {FEWEST} chips on",
            f"std: of one read of one chip{', and its parts' if repeated else ''}; A*: 1 as digital, 0 as guessing"]
    end = [f"saturated {converter} conversions, chip 0 after GDC: at most {100 * share:.2g} % ({layer}, "
           f"{time_text(t_s)}); each layer's in result.json"
           for converter, share, layer, t_s in largest(result.get("saturation", []))]
    return "\n".join([*text, aligned(lines), *end])


def _span(low, high):
    return "-" if low is None else f"{per_cent(low)} .. {per_cent(high)}"


def _difference(row, gdc, cells):
    """Return the line `adabs - gdc` in points, of the same chips and reads."""
    found = paired(np.subtract(row["accuracies"], gdc).mean(1))
    line = (time_text(row["t_s"]), "adabs - gdc", per_cent(found["mean"]), _span(found["low"], found["high"]))
    return line + ("",) * (cells - len(line))


def advice(result):
    """What to try where AdaBS made it worse and calibration images unlike those of training may be why; else ""."""
    mean = {(row["t_s"], row["compensation"]): row["mean"] for row in result["rows"]}
    worse = any(mean[t_s, "adabs"] < mean.get((t_s, "gdc"), 0) for t_s, name in mean if name == "adabs")
    if not worse or result["protocol"]["calibration"] != "train":
        return ""
    return ("AdaBS lies below GDC: it saw calibration images as they are (I-11). If the network was trained on cropped "
            "and flipped ones,\nleave --calibration out (train-augmented; I-20, docs/compensation.md).")


def refuse_foreign(folder, fingerprint):
    """Raises RefpcmError if `folder` is that of something else, or holds the result of anything but this evaluation.

    A wider one (more chips, times, reads, compensations) has the same fingerprint.
    """
    for name in OTHERS:
        if os.path.lexists(os.path.join(folder, name)):
            raise RefpcmError(f"{folder} holds {name}, which an evaluation does not write: it is the folder of something else; "
                              "choose another --out")
    path, table_path = (os.path.join(folder, name) for name in ("result.json", "result.csv"))
    if not os.path.lexists(path):
        if os.path.lexists(table_path):
            raise RefpcmError(f"{table_path} is there without a result.json, so it is not of this evaluation, and would be "
                              "overwritten; choose another --out")
        return
    try:
        found = read_json(path)
    except RefpcmError:
        found = None
    if not isinstance(found, dict) or found.get("fingerprint") != fingerprint:
        raise RefpcmError(f"{path} is the result of something else, such as an evaluation of another network, and would be "
                          "overwritten; choose another --out")


def write_report(folder, result):
    """result.json and result.csv in `folder`. Raises RefpcmError if they cannot be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([row[name] for name in COLUMNS] for row in result["rows"])
    for name, content in (("result.json", json.dumps(result, indent=1)), ("result.csv", text.getvalue())):
        with atomic_file(os.path.join(folder, name)) as stream:
            stream.write(content.encode())
