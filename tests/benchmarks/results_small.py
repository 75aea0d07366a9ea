"""Section of docs/results.md about the paper's figures at a small scale, from docs/results/small."""

from refpcm.reproduction.variants import label
from tests.benchmarks.results_format import command, percent, read, table

FIGURES = ("fig2", "fig3", "fig4", "fig5")


def _accuracy(row):
    return f"{percent(row['mean'])} +- {50 * (row['high'] - row['low']):.2f}"


def transfer():
    """Fig. 3 as a table: networks trained in different ways, digital and at the first read."""
    rows = read("small/fig3.json")["rows"]
    names = list(dict.fromkeys(row["network"] for row in rows))
    found = {(row["network"], row["compensation"]): row for row in rows}
    return table(["network", "digital", "std of a training", "on PCM, 25 s", "std of a chip"],
                 [[label(name), _accuracy(found[name, "digital"]), percent(found[name, "digital"]["std_run"]),
                   _accuracy(found[name, "none"]), percent(found[name, "none"]["std_draw"])] for name in names])


def small():
    """The whole section: what was run, Fig. 3 as a table, the other figures as pictures."""
    result = read("small/fig3.json")
    seeds, images = len(result["numbers"]["seeds"]), result["test_images"]
    return "\n\n".join([
        "## The paper's figures at a small scale, three trainings each",
        f"`{result['architecture']}` (61,050 weights) on CIFAR-10, {seeds} trainings of every network, "
        f"{result['numbers']['chips']} chips each, {images:,} test images; intervals are of the mean over trainings, "
        f"Student's with {seeds - 1} degrees of freedom. Signs and shapes may be compared with the paper, levels not. "
        "AdaBS calibrates with images as they are (I-11). Tables next to the paper's statements: "
        + ", ".join(f"[{name}](results/small/{name}.txt)" for name in FIGURES)
        + "; [what the panels are](reproduce.md).",
        command("python -m refpcm.reproduce all --scale small --data cifar10 --workers 2"),
        transfer(),
        *(f"![{name}](results/small/{name}.png)" for name in FIGURES if name != "fig3")])
