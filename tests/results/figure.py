"""Draws docs/results/retention.png from the evaluations in docs/results: `python -m tests.results.figure`."""

from tests.results.chips import AUGMENTED, PLAIN, rows_of
from tests.results.files import RESULTS, read
from tests.results.runs import FP32, NOISE, epochs_of

WIDTH_INCHES, HEIGHT_INCHES = 8.0, 4.5
TICKS = {25.0: "25 s", 3600.0: "1 h", 86400.0: "1 day", 2592000.0: "1 month", 31536000.0: "1 year"}
COLOURS = {NOISE: "#0072B2", FP32: "#D55E00"}  # which the colour-blind can tell apart
NAMES = {NOISE: "with noise and clipping", FP32: "FP32 training"}
STYLES = {AUGMENTED: ("-", "o", "AdaBS"), PLAIN: (":", "s", "AdaBS, images as they are"), "gdc": ("--", "^", "GDC")}


def draw(path):
    """Accuracy over time of both networks, mean over chips and its 95 % interval.

    Without compensation it falls so fast that it would take the others' room.
    """
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(WIDTH_INCHES, HEIGHT_INCHES), layout="constrained")
    for folder, colour in COLOURS.items():
        for compensation, (line, marker, label) in STYLES.items():
            rows = [row for row in rows_of(folder) if row["compensation"] == compensation]
            axes.errorbar([row["t_s"] for row in rows], [100 * row["mean"] for row in rows],
                          [50 * (row["high"] - row["low"]) for row in rows], color=colour, linestyle=line, marker=marker,
                          markersize=5, capsize=2, label=f"{NAMES[folder]}, {label}")
        axes.axhline(100 * read(f"{folder}/chips.json")["digital_accuracy"], color=colour, linewidth=0.6)
    axes.set(xscale="log", xlabel="time since programming", ylabel="accuracy, %", ylim=(83.5, 94.5))
    axes.set_xticks(list(TICKS), list(TICKS.values()))
    axes.minorticks_off()
    axes.legend(fontsize=8, loc="lower left")
    epochs = " and ".join(f"{sum(map(float, epochs_of(folder).split('+'))):g}" for folder in COLOURS)
    axes.set_title(f"ResNet-32 on CIFAR-10, {epochs} epochs, 25 simulated chips; thin lines: in software", fontsize=10)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(RESULTS / "retention.png")
