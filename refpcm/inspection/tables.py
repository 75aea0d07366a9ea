"""Tables for the screen of what the subcommands of `python -m refpcm.inspect` find."""

import json

import numpy as np

from refpcm.cli import aligned, per_cent, table
from refpcm.times import time_text

SHARES = ("near_zero", "rms_over_w_max", "mean", "low", "high")  # columns shown in per cent


def contents_table(found):
    """Return the description of a file or folder (refpcm/inspection/contents.py) as text."""
    facts = [("kind", found["kind"]), ("path", found["path"])]
    facts += [(label, fact_text(value)) for label, value in found["facts"].items()]
    if not found["rows"]:
        return table(facts)
    heads = tuple(f"{name} [%]" if name in SHARES else name for name in found["columns"])
    lines = [tuple(cell_text(name, value) for name, value in zip(found["columns"], row)) for row in found["rows"]]
    return f"{table(facts)}\n\n{aligned([heads, *lines])}"


def fact_text(value):
    """Return a fact as one line of text: numbers as they are, lists and dicts without their quotes."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(fact_text, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key} {fact_text(each)}" for key, each in value.items()) or "-"
    return value if isinstance(value, str) else json.dumps(value)


def cell_text(name, value):
    """Return one cell of a table by the name of its column."""
    if name == "t_s":
        return time_text(value)
    if name in SHARES:
        return per_cent(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def trace_table(steps):
    """Return the steps of one weight as text."""
    lines = [("time", "quantity", "G+", "G-", "formula", "random numbers at (seed, chip, purpose, layer, draw, element)")]
    for step in steps:
        address = "" if step["address"] is None else " and ".join(f"({', '.join(map(str, each))})" for each in step["address"])
        lines.append(("" if step["t_s"] is None else time_text(step["t_s"]), step["quantity"], f"{step['plus']:.6g}",
                      "" if step["minus"] is None else f"{step['minus']:.6g}", step["formula"], address))
    return aligned(lines)


def chip_table(found):
    """Return the report on one chip (refpcm/inspection/chip_report.py) as text."""
    names = ("device", "seed", "chip", "draw", "readout", "chip_sha256")
    facts = [(name.replace("_", " "), found[name]) for name in names]
    crossbars = found["crossbars"]
    programming = [("crossbar", "rows", "columns", "devices", "W_max", "near zero [%]", "programming error [uS]")]
    programming += [(each["layer"], *(str(each[name]) for name in ("rows", "columns", "devices")),
                     f"{each['w_max']:.4g}", per_cent(each["near_zero"]), f"{each['programming_error_us']:.4f}")
                    for each in crossbars]
    times = ["crossbar", *(time_text(each["t_s"]) for each in crossbars[0]["times"])]
    errors, alphas = [times], [times]
    for each in crossbars:
        errors.append([each["layer"], *(f"{per_cent(at['error'])} ({per_cent(at['error_gdc'])})"
                                        for at in each["times"])])
        alphas.append([each["layer"], *(f"{at['alpha']:.4f}" for at in each["times"])])
    return "\n\n".join([table(facts), aligned(programming),
                        f"RMS error of the weights, % of W_max, without GDC (with GDC)\n{aligned(errors)}",
                        f"alpha of GDC\n{aligned(alphas)}"])


def errors_table(found, chips):
    """Return the MVM errors of the layers over chips as text."""
    parts = []
    for row in found:
        lines = [("layer", "MVM error", "std", "smallest", "largest", "SNR [dB]")]
        for each in row["layers"]:
            std = "-" if each["std"] is None else f"{each['std']:.4f}"
            lines.append((each["name"], f"{each['mean']:.4f}", std, f"{each['low']:.4f}", f"{each['high']:.4f}",
                          f"{each['snr_db']:.1f}"))
        parts.append(f"{time_text(row['t_s'])}, {chips} chips:\n{aligned(lines)}")
    return "\n\n".join(parts)


def norms_table(found, chips):
    """Return what AdaBS changed in every batch norm as text."""
    parts = []
    for row in found:
        lines = [("batch norm", "channels", "mean shift rms [std]", "variance ratio", "worst channel", "its shift [std]",
                  "its variance ratio")]
        for each in row["norms"]:
            numbers = [each[key] for key in ("mean_shift_rms", "variance_ratio", "worst_channel", "worst_shift",
                                             "worst_variance_ratio")]
            lines.append((each["name"], str(each["channels"]),
                          *("-" if n is None else str(n) if isinstance(n, int) else f"{n:.3f}" for n in numbers)))
        parts.append(f"{time_text(row['t_s'])}, {chips} chips:\n{aligned(lines)}")
    return "\n\n".join(parts)


def images_table(found, classes):
    """Return lost and won images, the confusion matrix and the images lost on most chips as text."""
    parts = []
    for row in found:
        chips = len(row["lost"])
        parts.append(f"{time_text(row['t_s'])}, {chips} chips: images lost {mean_text(row['lost'])}, won "
                     f"{mean_text(row['won'])}, mean per chip against the digital network")
        matrix = np.array(row["confusion"]) / chips
        lines = [("class told:", *classes)] + [(name, *(f"{value:.1f}" for value in line))
                                               for name, line in zip(classes, matrix)]
        parts.append("images of each class (rows), mean over chips\n" + aligned(lines))
        lines = [("image", "class", "told by most", "lost on chips")]
        lines += [(str(each["image"]), each["class"], each["told"], f"{each['chips']} of {chips}")
                  for each in row["lost_images"]]
        parts.append("right in the digital network, wrong on chips, most often first\n" + aligned(lines))
    return "\n\n".join(parts)


def mean_text(counts):
    """Return the mean of a list as text of one decimal."""
    return f"{sum(counts) / len(counts):.1f}"
