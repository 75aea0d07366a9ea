"""Maps of a chip: what is programmed into every crossbar, and how far its weights are off at a later time."""

import numpy as np

from data_tools.foreign_text import shown
from refpcm.forms import find_forms
from refpcm.inspection.charts import NAME, TWO_PANELS
from refpcm.inspection.report import Chart
from refpcm.spec.compensation.global_drift import Readout, compensated_read, reference_readouts
from refpcm.spec.pcm.mapping import to_weights
from refpcm.times import time_text

MOST = 256  # rows or columns of a map; of more, every second, third, ... is shown
ROW_OF_MAPS, FRAME_OF_MAPS = 0.42, 1.8  # inches of a row, and of title and colour bars
BOUND = 15.0  # % of W_max at which the colours of the errors end


def maps_of(chip, t_s, draw=0, readout="columns"):
    """Return {crossbar: (pairs, errors)}, each (K, R): G_prog+ - G_prog- [uS], and W(t) / alpha - W in % of W_max.

    draw: number of the read at t_s [s] since programming; readout: of GDC.
    """
    how = Readout(readout, conductances=find_forms("winograd").chip.read_conductances)
    compensated = compensated_read(chip, t_s, draw, reference_readouts(chip, how), how)[1]
    found = {}
    for crossbar in chip.crossbars:
        plus, minus = crossbar.g_prog_us.astype(np.float64)
        wanted = to_weights(crossbar.g_target_us.astype(np.float64), crossbar.w_max, chip.device.g_max_us)
        error = 100 * (compensated[crossbar.name] - wanted) / (crossbar.w_max or 1.0)
        found[crossbar.name] = thinned(plus - minus).T, thinned(error).T
    return found


def thinned(matrix):
    """Return every n-th row and column, with the smallest n that leaves at most MOST of either."""
    rows, columns = (-(-size // MOST) for size in matrix.shape)
    return matrix[::rows, ::columns]


def maps_chart(chip, t_s, draw=0, readout="columns"):
    """Return the chart of `maps_of`: a row for each crossbar."""
    title = f"Each crossbar: as programmed, and its weight errors after {time_text(t_s)} and GDC"

    def draw_maps(figure):
        maps = maps_of(chip, t_s, draw, readout)
        panels = figure.subplots(len(maps), 2, squeeze=False)
        ends = chip.device.g_max_us, BOUND
        for row, (name, pair) in zip(panels, maps.items()):
            for axes, values, end, colours in zip(row, pair, ends, ("PuOr", "RdBu")):
                axes.imshow(values, cmap=colours, vmin=-end, vmax=end, aspect="auto", interpolation="none")
                axes.set(xticks=[], yticks=[])
            row[0].set_ylabel(shown(name, NAME), rotation=0, ha="right", va="center", fontsize=8)
        for column, label in ((0, "G+ - G- as programmed [uS]"), (1, "weight error [% of W_max]")):
            figure.colorbar(panels[0, column].images[0], ax=panels[:, column].tolist(), location="bottom", label=label,
                            extend="both" if column else "neither", fraction=0.6 / (1 + len(maps)), pad=0.01)
        panels[0, 0].set_title("inputs across, outputs down", fontsize=9)
        figure.suptitle(title, fontsize=11)
    return Chart(title, draw_maps, (TWO_PANELS, FRAME_OF_MAPS + ROW_OF_MAPS * len(chip.crossbars)))
