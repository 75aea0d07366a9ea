"""Section of docs/results.md on where the accuracy goes, by physical cause and by layer, and its figures.

`python -m tests.results.losses` draws docs/results/losses.png and losses-by-layer.png.
"""

from refpcm import load_network, to_matrices
from refpcm.inspection.loss_report import interval, number
from refpcm.times import time_text
from tests.results.files import RESULTS, command, percent, read, table
from tests.results.runs import NOISE

CAUSES, LAYERS = f"{NOISE}/loss-by-cause.json", f"{NOISE}/loss-by-layer.json"
ENDS = {"conv1", "fc", "layer2.0.conv1", "layer2.0.downsample.0"}  # first and last layer, and the way into the second stage
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
        f"Points of accuracy that our best noise-aware network loses on {protocol['chips']} chips after GDC, by physical cause, "
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
    whole = result["times"][-1]["lost"]
    added_up = sum(values[-1] for values in alone.values())
    if not (growth > 0.5 * (last - first) and max(programming[0], read_noise[0]) == max(values[0] for values in alone.values())
            and abs(alone["mean drift"][-1]) < 0.05 and whole["low"] <= added_up <= whole["high"]):
        raise ValueError("the paragraph about the causes no longer fits the numbers")
    return (f"At first programming noise ({number(programming[0])} points alone) and read noise ({number(read_noise[0])}) cost most. "
            f"After {time_text(result['times'][-1]['t_s'])} they cost {number(programming[-1])} and "
            f"{number(read_noise[-1])}. What grows most is the cost of the spread of the drift exponents nu, from "
            f"{number(spread[0])} to {number(spread[-1])} points; that is {100 * growth / (last - first):.0f} % of the whole fall. "
            "GDC removes the mean drift after its reference, the first read; that of the 5 s before is what it costs at 25 s. The paper's Supplementary Fig. 5 gives two causes of the steady fall of its model: the "
            "spread of nu, as here, and its dependence on the target conductance, which costs nothing here: the default mean of nu "
            "is the same for all g above 0.2. The causes add up to the whole within its interval, so on this network they hardly "
            "interact.")


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
    rows, times = result["times"], [time_text(row["t_s"]) for row in result["times"]]
    last = rows[-1]
    order = sorted(last["layers"], key=lambda each: -each["only"]["mean"])
    lines = []
    for each in order[:8]:
        alone = [next(layer for layer in row["layers"] if layer["name"] == each["name"])["only"] for row in rows]
        lines.append([each["name"], *(f"{number(found['mean'])} ({interval(found)})" for found in alone),
                      f"{number(each['without']['mean'])} ({interval(each['without'])})", f"{each['mvm_error']:.3f}"])
    foretold = [[time_text(row["t_s"]), f"{sum(each['only']['low'] > 0 for each in row['layers'])} of {len(order)}",
                 f"{number(row['lost']['mean'] - row['layers_remainder']['only']['mean'])} of {number(row['lost']['mean'])}",
                 f"{row['rank_correlation']['mvm_error']:+.2f}", f"{row['rank_correlation']['estimate']:+.2f}"] for row in rows]
    return "\n\n".join([
        f"By layer, on {result['test_images']:,} test images: the eight layers of {len(order)} that cost most after {times[-1]} "
        "when they alone are on the chip, and what taking one off the chip wins back then.",
        "![points lost by layer](results/losses-by-layer.png)",
        "(The same command draws it.)",
        table(["layer", *(f"alone, {time}" for time in times), f"won back, {times[-1]}", "MVM error"], lines),
        meaning_of_layers(rows, order),
        table(["time", "layers whose interval lies above 0", "sum over layers, of all points lost",
               "rank correlation with the MVM error", "with the estimate"], foretold)])


def meaning_of_layers(rows, order):
    """What the tables say. Raises ValueError where they no longer say so."""
    row, few, known = rows[-1], order[:4], rows[-1]["rank_correlation"]
    narrow = [each for each in rows[0]["layers"] if each["only"]["mean"] < each["only"]["high"] - each["only"]["low"]]
    weights = {name: matrix.size for name, matrix in to_matrices(*_network()).items()}
    cost, share = sum(each["only"]["mean"] for each in few), sum(weights[each["name"]] for each in few) / sum(weights.values())
    if not ({each["name"] for each in few} == ENDS and cost > 0.4 * row["lost"]["mean"] and share < 0.02 and known["estimate"] > 0.7 > 0.3 > known["mvm_error"]):
        raise ValueError("the paragraph about the layers no longer fits the numbers")
    named = ", ".join(f"`{each['name']}`" for each in few)
    return (f"{named} cost {number(cost)} points together, "
            f"with {100 * share:.1f} % of the weights: first and last layer, and those that lead into the second stage. The paper leaves "
            "the first and last layer off the chip in its second result on ImageNet. The error of a layer's matrix-vector products (MVM error) "
            "does not foretell its cost; after a year the second-order [estimate](inspect.md#mvm-error-and-estimate), from the "
            f"backward pass, does. At first, after {time_text(rows[0]['t_s'])}, {len(narrow)} of {len(order)} layers cost less than their "
            "intervals are wide:")


def _network():
    file = load_network(str(RESULTS / NOISE / "network.safetensors"))
    return file.network, file.parameters


def draw_layers(path):
    """Points lost with only one layer on the chip, in the order of the signal, with 95 % intervals."""
    pyplot, result = _pyplot(), read(LAYERS)
    figure, axes = pyplot.subplots(figsize=(8.0, 9.0), layout="constrained")
    layers = [each["name"] for each in result["times"][0]["layers"]]
    for i, (row, marker) in enumerate(zip(result["times"], "os^")):
        found = [each["only"] for each in row["layers"]]
        axes.errorbar([each["mean"] for each in found], [place + 0.22 * (i - 1) for place in range(len(found))],
                      xerr=[[each["mean"] - each["low"] for each in found], [each["high"] - each["mean"] for each in found]],
                      fmt=marker, markersize=4, elinewidth=1, color=SHADES[i], label=time_text(row["t_s"]))
    axes.set_yticks(range(len(layers)), layers, fontsize=8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set(xlabel="points of accuracy lost with only this layer on the chip, after GDC")
    figure.legend(loc="outside lower center", ncols=3, title="after programming")
    axes.set_title(f"Noise-aware ResNet-32 on CIFAR-10, {result['protocol']['chips']} simulated chips, 95 % intervals",
                   fontsize=10)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _pyplot():
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    return pyplot


def draw(path):
    """Bars of the points lost with only one cause on, for each time, with 95 % intervals."""
    pyplot, result = _pyplot(), read(CAUSES)
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
    draw_layers(RESULTS / "losses-by-layer.png")
