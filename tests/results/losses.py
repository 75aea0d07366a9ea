"""Section of docs/results.md on where the accuracy goes, by physical cause and by layer, and its figure.

`python -m tests.results.losses` draws docs/results/losses.png.
"""

from refpcm.inspection.loss_report import interval, number
from refpcm.times import time_text
from tests.results.files import RESULTS, command, percent, read, table
from tests.results.runs import NOISE

CAUSES, LAYERS = f"{NOISE}/loss-by-cause.json", f"{NOISE}/loss-by-layer.json"
SHADES = ("#56B4E9", "#0072B2", "#00304D")  # of the times, early ones light


def losses():
    """The whole section."""
    causes, layers = read(CAUSES), read(LAYERS)
    protocol, times = causes["protocol"], [time_text(row["t_s"]) for row in causes["times"]]
    lines = [[name, *(f"{number(each['only']['mean'])} ({interval(each['only'])})" for each in of_cause(causes, name))]
             for name in names(causes)]
    won = [[name, *(f"{number(each['without']['mean'])} ({interval(each['without'])})" for each in of_cause(causes, name))]
           for name in names(causes)]
    whole = ["everything", *(f"{number(row['lost']['mean'])} ({interval(row['lost'])})" for row in causes["times"])]
    return "\n\n".join([
        "## Where the accuracy goes",
        f"Points of accuracy that the noise-aware network loses on {protocol['chips']} chips after GDC, by physical cause, "
        f"on {causes['test_images']:,} test images (digital accuracy {percent(causes['digital_accuracy'])}): mean over chips, "
        "with its 95 % interval, paired by chip. In the first table one cause alone is on; in the second it alone is off, and "
        "the points are those won back.",
        "![points lost by cause](results/losses.png)",
        "(`python -m tests.results.losses` draws it.)",
        table(["lost with only this", *times], [whole, *lines, remainder(causes, "only")]),
        table(["won back without it", *times], [*won, remainder(causes, "without")]),
        meaning(causes),
        by_layer(layers),
        command(f"{asked(causes)} --by cause\n{asked(layers)} --by layer")])


def meaning(result):
    """What the tables say, beside the paper. Raises ValueError where they no longer say so."""
    first, *_, last = (row["lost"]["mean"] for row in result["times"])
    alone = {name: [each["only"]["mean"] for each in of_cause(result, name)] for name in names(result)}
    spread, programming, read_noise = (alone[name] for name in ("spread of nu", "programming noise", "read noise"))
    growth = spread[-1] - spread[0]
    if not (growth > 0.5 * (last - first) and max(programming[0], read_noise[0]) == max(values[0] for values in alone.values())):
        raise ValueError("the paragraph about the causes no longer fits the numbers")
    return (f"At first programming noise ({number(programming[0])} points alone) and read noise ({number(read_noise[0])}) cost most. "
            f"They change little: after {time_text(result['times'][-1]['t_s'])} they cost {number(programming[-1])} and "
            f"{number(read_noise[-1])}. What grows is the cost of the spread of the drift exponents nu, from "
            f"{number(spread[0])} to {number(spread[-1])} points; that is {100 * growth / (last - first):.0f} % of the whole fall. "
            "GDC removes the mean drift. The paper's Supplementary Fig. 5 says the same of its model: the spread of nu and its "
            "dependence on the target conductance cause the steady fall, 1/f noise causes the fluctuation. The causes add up to "
            "the whole within the intervals, so on this network they hardly interact.")


def names(result):
    """Return the names of the causes, in the order of the signal."""
    return [each["name"] for each in result["times"][0]["causes"]]


def of_cause(result, name):
    """Return the rows of one cause, one for each time."""
    return [each for row in result["times"] for each in row["causes"] if each["name"] == name]


def remainder(result, case):
    """Return the line that says what the sum of the causes lacks of the whole."""
    cells = [row["causes_remainder"][case] for row in result["times"]]
    return ["does not add up", *(f"{number(each['mean'])} ({interval(each)})" for each in cells)]


def asked(result):
    """Return the command that gives a result, without --by."""
    protocol = result["protocol"]
    images = "" if protocol["images"] is None else f" --images {protocol['images']}"
    times = ",".join(time_text(t_s).replace(" ", "") for t_s in protocol["times_s"])
    return (f"python -m refpcm.inspect loss --network docs/results/{NOISE}/network.safetensors --data cifar10 \\\n"
            f"    --chips {protocol['chips']} --times {times}{images}")


def by_layer(result):
    """The layers that cost most alone, and how well errors of products foretell the cost."""
    row = result["times"][-1]
    order = sorted(row["layers"], key=lambda each: -each["only"]["mean"])
    known = row["rank_correlation"]
    lines = [[each["name"], f"{number(each['only']['mean'])} ({interval(each['only'])})",
              f"{number(each['without']['mean'])} ({interval(each['without'])})", f"{each['mvm_error']:.3f}"]
             for each in order[:8]]
    return "\n\n".join([
        f"By layer, after {time_text(row['t_s'])}, on the first {result['test_images']:,} test images: the eight layers of "
        f"{len(order)} that cost most when they alone are on the chip. The rank correlation with this cost, over all layers, is "
        f"{known['mvm_error']:+.2f} for the error of the layer's products (MVM error) and {known['estimate']:+.2f} for the "
        "second-order estimate from the backward pass ([inspection](inspect.md)): the error of a layer does not say what it "
        f"costs. Of {sum(each['only']['low'] > 0 for each in row['layers'])} layers the interval lies above 0; the order of the "
        f"others is not known. The costs of single layers sum to {number(row['lost']['mean'] - row['layers_remainder']['only']['mean'])} of "
        f"the {number(row['lost']['mean'])} points lost with all layers on the chip.",
        table(["layer", "lost with only this", "won back without it", "MVM error"], lines)])


def draw(path):
    """Bars of the points lost with only one cause on, for each time, with 95 % intervals."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    result = read(CAUSES)
    figure, axes = pyplot.subplots(figsize=(8.0, 4.0), layout="constrained")
    labels = ["everything", *names(result)]
    for i, row in enumerate(result["times"]):
        found = [row["lost"], *(each["only"] for each in row["causes"])]
        at = [place + 0.27 * (i - 1) for place in range(len(found))]
        axes.barh(at, [each["mean"] for each in found], 0.25, color=SHADES[i], label=time_text(row["t_s"]), capsize=2,
                  xerr=[[each["mean"] - each["low"] for each in found], [each["high"] - each["mean"] for each in found]])
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set(xlabel="points of accuracy lost with only this cause on, after GDC")
    axes.legend(title="after programming")
    axes.set_title(f"Noise-aware ResNet-32 on CIFAR-10, {result['protocol']['chips']} simulated chips, 95 % intervals",
                   fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


if __name__ == "__main__":
    draw(RESULTS / "losses.png")
