"""Section of docs/results.md about the largest disagreement: how fast a chip without compensation fails."""

from tests.results.files import command, percent, read, table

TABLE = "uncompensated/table.json"
TIMES_S = ("25", "1000", "2385")
LABELS = {"noise": "our best, noise", "FP32": "our best, FP32"}  # others as they are


def found():
    """{(network, group, change): row} of the table."""
    return {(row["network"], row["group"], row["change"]): row for row in read(TABLE)["rows"]}


def mean(t_s, network, group, change):
    """Accuracy in one row at one time."""
    return found()[network, group, change]["times"][t_s]["mean"]


def _cell(row, t_s):
    each = row["times"].get(t_s)
    return "-" if each is None else f"{percent(each['mean'])} ({100 * each['low']:.1f} .. {100 * each['high']:.1f})"


def by_factor():
    """Accuracy with all weights times one factor, no device."""
    result = read(TABLE)
    factors = list(next(iter(result["factors"].values())))
    return table(["all weights times", "1", *factors],
                 [[LABELS.get(name, name), percent(result["digital"][name]), *(percent(values[factor]) for factor in factors)]
                  for name, values in result["factors"].items()])


def uncompensated():
    """The whole section: what was changed, what it does, and the most likely reason."""
    result = read(TABLE)
    rows = [[LABELS.get(row["network"], row["network"]), row["group"], row["change"], f"{row['f']:.3f}", *(_cell(row, t_s) for t_s in TIMES_S)]
            for row in result["rows"]]
    return "\n\n".join([
        "## Without compensation: which property decides",
        "The paper's chip is at 10 % within about 1000 s without compensation; the default model of our best "
        f"noise-trained network is at {percent(mean('1000', 'noise', 'none', 'the default device'))} by then. One property is "
        f"changed at a time, in one row two at once: {result['chips']} chips, the first {result['images']:,} test images, 95 % "
        "interval over chips. f is what is left of the trained weights on chip 0 at 1000 s, sum W(t) W / sum W^2. 2,385 s is the paper's first read after 27 s among those that it "
        "names. The devices are the files in [uncompensated](results/uncompensated); what they change is in their names.",
        command("python -m tests.benchmarks.uncompensated --data cifar10 --out runs/uncompensated \\\n"
                "    --json docs/results/uncompensated/table.json"),
        table(["network", "property", "changed to", "f", "25 s", "1000 s", "2,385 s"], rows),
        "Without any device, all weights times one factor:",
        by_factor(),
        "What this means is said with the [interpretations](interpretations.md#the-open-disagreement-without-compensation)."])
