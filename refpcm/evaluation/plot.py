"""Pictures of an evaluation: accuracy over logarithmic time, weight error and conductance distributions.

Needs matplotlib, the optional extra `refpcm[plots]`.
"""

import io

import numpy as np

from refpcm.cli import counted
from refpcm.errors import RefpcmError
from refpcm.files.atomic import write_bytes
from refpcm.times import time_text

# Of Okabe and Ito 2008, which the colour-blind can tell apart.
COLOURS = {"none": "#D55E00", "gdc": "#E69F00", "adabs": "#0072B2", "adabs-alone": "#009E73"}
APART = 1.4  # factor between labelled times, so that their labels do not touch
LABELS = {"none": "no compensation", "gdc": "GDC", "adabs": "GDC and AdaBS", "adabs-alone": "AdaBS alone"}


def need_matplotlib(path):
    """Raises RefpcmError, saying how to mend it, if matplotlib is not there or cannot write a file named `path`."""
    try:
        import matplotlib
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise RefpcmError("--plot needs matplotlib, which is not installed; install it with: "
                          "pip install matplotlib (or refpcm[plots])") from None
    matplotlib.use("Agg")
    known = set(FigureCanvasBase.get_supported_filetypes()) - {"pgf"}  # which needs a LaTeX
    if str(path).rpartition(".")[2].lower() not in known:
        raise RefpcmError(f"--plot {path}: its name must end in one of {', '.join(sorted(known))}")


def draw(path, inputs, protocol, result):
    """Write one picture of three panels to `path`; its ending says which form. Raises RefpcmError if that fails."""
    need_matplotlib(path)
    import matplotlib.pyplot as plt
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    draw_accuracy(left, result)
    draw_chip(middle, right, inputs, protocol)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format=str(path).rpartition(".")[2].lower())
    plt.close(figure)
    write_bytes(path, picture.getbuffer())


def draw_accuracy(axes, result):
    """Mean over the chips, bars of its 95 % interval: none for fewer than three chips."""
    for name in result["protocol"]["compensations"]:
        rows = [row for row in result["rows"] if row["compensation"] == name]
        mean, low, high = ([100 * row[key] for row in rows if row[key] is not None] for key in ("mean", "low", "high"))
        bars = np.abs([np.subtract(low, mean), np.subtract(high, mean)]) if low else None
        axes.errorbar([row["t_s"] for row in rows], mean, bars, marker="o", capsize=3,
                      label=LABELS.get(name, name), color=COLOURS.get(name))
    axes.axhline(100 * result["digital_accuracy"], color="black", linestyle=":", label="digital")
    time_axis(axes, sorted({row["t_s"] for row in result["rows"]}))
    title = f"{result['architecture']} on {result['data']}, {counted(result['rows'][0]['chips'], 'chip')}"
    if any(row["low"] is not None for row in result["rows"]):
        title += ", 95 % intervals of the mean"
    axes.set_title(title, parse_math=False)  # a $ in a name starts no formula
    axes.set(ylabel="test accuracy [%]")
    axes.legend()


def time_axis(axes, times_s):
    """Let the horizontal axis be logarithmic time with a tick at each of times_s [s], ascending, labelled where there is room."""
    labels, last_s = [], 0.0
    for t_s in times_s:
        labels.append(time_text(t_s) if t_s > APART * last_s else "")
        last_s = t_s if labels[-1] else last_s
    axes.set_xscale("log")
    axes.set_xticks(times_s, labels, rotation=30)
    axes.minorticks_off()


def draw_chip(error_axes, conductance_axes, inputs, protocol):
    """Chip 0 of the protocol at each time: error of the weights after GDC, and the conductances."""
    from refpcm.evaluation.unit import programmed, readout_of
    from refpcm.spec.compensation.global_drift import compensated_read
    from refpcm.spec.crossbars import to_matrices
    protocol = protocol.frozen()
    chip, reference = programmed(inputs, protocol, 0)
    targets = to_matrices(inputs.file.network, inputs.file.parameters, protocol.on_chip)
    for t_s in protocol.times_s:
        compensated = compensated_read(chip, t_s, 0, reference, readout_of(inputs, protocol))[1]
        error = np.concatenate([((compensated[c.name] - targets[c.name]) / (c.w_max or 1.0)).ravel() for c in chip.crossbars])
        g_us = np.concatenate([inputs.forms.chip.read_conductances(chip, c, t_s, 0).ravel() for c in chip.crossbars])
        label = f"{time_text(t_s)}: rms {100 * np.sqrt(np.mean(np.square(error))):.2f} %"
        error_axes.hist(100 * error, np.linspace(-25, 25, 201), histtype="step", density=True, label=label)
        conductance_axes.hist(g_us, np.linspace(0, 1.3 * chip.device.g_max_us, 201), histtype="step", density=True,
                              label=time_text(t_s))
    error_axes.set(xlabel="(W after GDC - W trained) / W_max [%]", ylabel="density", title="weight error, chip 0")
    conductance_axes.set(xlabel="conductance [uS]", ylabel="density", yscale="log",
                         title="both devices of each pair, chip 0")
    error_axes.legend()
    conductance_axes.legend()
