"""Pictures of an evaluation: accuracy over logarithmic time, weight error and conductance distributions.

Needs matplotlib, the optional extra `refpcm[plots]`.
"""

import io

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.evaluation.times import time_text
from refpcm.files.atomic import write_bytes

COLOURS = {"none": "tab:red", "gdc": "tab:orange", "adabs": "tab:blue", "adabs-alone": "tab:green"}


def need_matplotlib(path):
    """Raises RefpcmError, saying how to mend it, if matplotlib is not there or cannot write a file named `path`."""
    try:
        import matplotlib
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise RefpcmError("--plot needs matplotlib, which is not installed; install it with: "
                          "pip install matplotlib (or refpcm[plots])") from None
    matplotlib.use("Agg")
    known = FigureCanvasBase.get_supported_filetypes()
    if str(path).rpartition(".")[2].lower() not in known:
        raise RefpcmError(f"--plot {path}: its name must end in one of {', '.join(sorted(known))}")


def draw(path, protocol, result):
    """Write one picture of three panels to `path`; its ending says which form. Raises RefpcmError if that fails."""
    need_matplotlib(path)
    import matplotlib.pyplot as plt
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    draw_accuracy(left, result)
    draw_chip(middle, right, protocol)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format=str(path).rpartition(".")[2].lower())
    plt.close(figure)
    write_bytes(path, picture.getbuffer())


def draw_accuracy(axes, result):
    """Mean over the chips, bars of one standard deviation of a single read of a single chip: none for one chip."""
    for name in result["protocol"]["compensations"]:
        rows = [row for row in result["rows"] if row["compensation"] == name]
        mean, std = ([100 * row[key] for row in rows if row[key] is not None] for key in ("mean", "std"))
        axes.errorbar([row["t_s"] for row in rows], mean, std or None, marker="o", capsize=3, label=name,
                      color=COLOURS.get(name))
    axes.axhline(100 * result["digital_accuracy"], color="black", linestyle=":", label="digital")
    times = sorted({row["t_s"] for row in result["rows"]})
    axes.set_xscale("log")
    axes.set_xticks(times, [time_text(t) for t in times], rotation=30)
    axes.minorticks_off()
    title = f"{result['architecture']} on {result['data']}, {result['rows'][0]['chips']} chips"
    axes.set(ylabel="test accuracy [%]", title=title)
    axes.legend()


def draw_chip(error_axes, conductance_axes, protocol):
    """Chip 0 of the protocol at each time: error of the weights after GDC, and the conductances."""
    from refpcm.analog import program_network, to_matrices
    from refpcm.compensation.global_drift import compensated_read, reference_readouts
    from refpcm.evaluation.inputs import load_inputs
    from refpcm.pcm.chip import read_conductances
    from refpcm.pcm.device import find_device
    inputs = load_inputs(protocol.network, protocol.data, protocol.kernels)
    network, trained = inputs.file.network, inputs.file.parameters
    chip = program_network(network, trained, find_device(protocol.device), protocol.seed, 0, protocol.on_chip)
    targets = to_matrices(network, trained, protocol.on_chip)
    reference = reference_readouts(chip, protocol.readout, protocol.per_column)
    for t_s in protocol.times_s:
        rescued = compensated_read(chip, t_s, 0, reference, protocol.readout, protocol.per_column)[1]
        error = np.concatenate([((rescued[c.name] - targets[c.name]) / c.w_max).ravel() for c in chip.crossbars])
        g_us = np.concatenate([read_conductances(chip, c, t_s, 0).ravel() for c in chip.crossbars])
        label = f"{time_text(t_s)}: rms {100 * np.sqrt(np.mean(np.square(error))):.2f} %"
        error_axes.hist(100 * error, np.linspace(-25, 25, 201), histtype="step", density=True, label=label)
        conductance_axes.hist(g_us, np.linspace(0, 1.3 * chip.device.g_max_us, 201), histtype="step", density=True,
                              label=time_text(t_s))
    error_axes.set(xlabel="(W after GDC - W trained) / W_max [%]", ylabel="density", title="weight error, chip 0")
    conductance_axes.set(xlabel="conductance [uS]", ylabel="density", yscale="log",
                         title="both devices of each pair, chip 0")
    error_axes.legend()
    conductance_axes.legend()
