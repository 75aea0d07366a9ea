"""What the subcommands of `python -m refpcm.inspect` find, as blocks to show (refpcm/inspection/report.py)."""

import json

from refpcm.cli import counted, per_cent
from refpcm.inspection.charts import accuracy_chart, chip_chart, device_chart, errors_chart, norms_chart
from refpcm.inspection.loss_report import loss_blocks
from refpcm.inspection.report import Facts, Table, Text
from refpcm.times import time_text

SHARES = ("near_zero", "rms_over_w_max", "mean", "low", "high", "sigma_prog", "read_noise_first",
          "read_noise_late")  # columns shown in per cent


def contents_blocks(found):
    """Return the description of a file or folder (refpcm/inspection/contents.py) as blocks."""
    facts = [("kind", found["kind"]), ("path", found["path"])]
    blocks = [Facts((*facts, *((label, fact_text(value)) for label, value in found["facts"].items())))]
    if found["rows"]:
        heads = tuple(f"{name} [%]" if name in SHARES else name for name in found["columns"])
        lines = [tuple(cell_text(name, value) for name, value in zip(found["columns"], row)) for row in found["rows"]]
        blocks.append(Table(heads, lines, title="Contents"))
    if found["kind"] == "attribution":
        blocks += loss_blocks(found["result"])
    if found["kind"] == "evaluation":
        blocks.append(accuracy_chart(found["result"]))
    return blocks


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


def device_blocks(steps, curves=None):
    """Return the steps of one weight as blocks; curves: function that returns its steps at many times, for the chart."""
    lines = []
    for step in steps:
        address = "" if step["address"] is None else " and ".join(f"({', '.join(map(str, each))})" for each in step["address"])
        lines.append(("" if step["t_s"] is None else time_text(step["t_s"]), step["quantity"], f"{step['plus']:.6g}",
                      "" if step["minus"] is None else f"{step['minus']:.6g}", step["formula"], address))
    table = Table(("time", "quantity", "G+", "G-", "formula", "random numbers at (seed, chip, purpose, layer, draw, element)"),
                  lines, title="From the number to the read")
    return [table] if curves is None else [device_chart(steps, curves), table]


def chip_blocks(found, maps=None):
    """Return the report on one chip (refpcm/inspection/chip_report.py) as blocks; maps: the chart of its crossbars."""
    names = ("device", "seed", "chip", "draw", "readout", "chip_sha256")
    crossbars = found["crossbars"]
    programming = [(each["layer"], *(str(each[name]) for name in ("rows", "columns", "devices")),
                    f"{each['w_max']:.4g}", per_cent(each["near_zero"]), f"{each['programming_error_us']:.4f}")
                   for each in crossbars]
    times = ("crossbar", *(time_text(each["t_s"]) for each in crossbars[0]["times"]))
    errors = [(name, *(f"{per_cent(at['error'])} ({per_cent(at['error_gdc'])})" for at in at_times))
              for name, at_times in [*((each["layer"], each["times"]) for each in crossbars), ("all", found["all"])]]
    alphas = [(each["layer"], *(f"{at['alpha']:.4f}" for at in each["times"])) for each in crossbars]
    return [Facts(tuple((name.replace("_", " "), fact_text(found[name])) for name in names)),
            Table(("crossbar", "rows", "columns", "devices", "W_max", "near zero [%]", "programming error [uS]"), programming,
                  title="How it is programmed"), chip_chart(crossbars),
            Table(times, errors, "RMS error of the weights, % of W_max, without GDC (with GDC)"),
            Table(times, alphas, "alpha of GDC"), *([maps] if maps else [])]


def errors_blocks(found, chips):
    """Return the MVM errors of the layers over chips as blocks."""
    tables = []
    for row in found:
        lines = [(each["name"], f"{each['mean']:.4f}", "-" if each["std"] is None else f"{each['std']:.4f}",
                  f"{each['low']:.4f}", f"{each['high']:.4f}", "-" if each["snr_db"] is None else f"{each['snr_db']:.1f}")
                 for each in row["layers"]]
        tables.append(Table(("layer", "MVM error", "std", "smallest", "largest", "SNR [dB]"), lines,
                            f"{time_text(row['t_s'])}, {counted(chips, 'chip')}:"))
    return [errors_chart(found), *tables]


def norms_blocks(found, chips, calibration):
    """Return what AdaBS changed in every batch norm as blocks; calibration: in words, the images that it saw."""
    tables = []
    for row in found:
        lines = []
        for each in row["norms"]:
            numbers = [each[key] for key in ("mean_shift_rms", "variance_ratio", "worst_channel", "worst_shift",
                                             "worst_variance_ratio")]
            lines.append((each["name"], str(each["channels"]),
                          *("-" if n is None else str(n) if isinstance(n, int) else f"{n:.3f}" for n in numbers)))
        tables.append(Table(("batch norm", "channels", "mean shift rms [std]", "variance ratio", "worst channel",
                             "its shift [std]", "its variance ratio"), lines,
                            f"{time_text(row['t_s'])}, {counted(chips, 'chip')}:"))
    return [Text(f"AdaBS saw {calibration}"), norms_chart(found), *tables]
