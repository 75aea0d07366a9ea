"""Section of docs/results.md about the paper's figures at a small scale, from docs/results/small."""

from refpcm.reproduction.variants import label
from tests.benchmarks.results_format import command, percent, read, table

FIGURES = ("fig2", "fig3", "fig4", "fig5")


def _accuracy(row):
    return f"{percent(row['mean'])} +- {50 * (row['high'] - row['low']):.2f}"


def transfer(name):
    """Fig. 3, from the file `name`, as a table: networks trained in different ways, digital and at the first read."""
    rows = read(name)["rows"]
    names = list(dict.fromkeys(row["network"] for row in rows))
    found = {(row["network"], row["compensation"]): row for row in rows}
    return table(["network", "digital", "std of a training", "on PCM, 25 s", "std of a chip"],
                 [[label(name), _accuracy(found[name, "digital"]), percent(found[name, "digital"]["std_run"]),
                   _accuracy(found[name, "none"]), percent(found[name, "none"]["std_draw"])] for name in names])


def control():
    """What of it clipping and more epochs do without noise (I-18), from a run of its own."""
    result = read("small/control.json")
    line = next(line for line in result["comparison"] if "against the control on PCM" in line["values"])
    against = line["values"]["against the control on PCM"]
    verdict = "which is the noise's own"
    if against["low"] < 0 < against["high"]:
        verdict = "so of what is gained over FP32 at this scale no part can be told to be the noise's"
    return "\n\n".join([
        "How much of that is the noise, and how much the clipping that comes with it? The same scale again, trained anew "
        "by later code, with a control retrained and clipped alike without noise. On PCM, paired by training and chip "
        f"(95 % interval over trainings): additive noise {line['ours']}, {verdict}.",
        command("echo '{\"transfer\": [\"fp32\", \"control\", \"noise\"]}' > control.json\n"
                "python -m refpcm.reproduce fig3 --scale small --config control.json --data cifar10 --workers 2"),
        transfer("small/control.json")])


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
        transfer("small/fig3.json"),
        control(),
        *(f"![{name}](results/small/{name}.png)" for name in FIGURES if name != "fig3")])
