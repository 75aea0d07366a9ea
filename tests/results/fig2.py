"""Section of docs/results.md about Fig. 2 with the paper's network, from docs/results/fig2."""

from tests.results.files import command, percent, read, table
from tests.results.paper import ERROR, reached
from tests.results.paper_recipe import BASELINE, RETRAINED, digital
from tests.results.runs import network_file

FOLDER = "fig2"
CHANGES = ('{"seeds": [0], "etas_inf": [0.0], "inference_runs": 20,\n'
           ' "retraining": {"epochs": 20, "schedule": "step", "schedule_epochs": 26.667, "schedule_start": 6.667}}')
WITHIN = 0.005  # of the baseline, the paper's statement on eta_tr = eta_inf up to 5 %


def verdicts(lines):
    """Whether each of the paper's statements is reached, in the order of `refpcm.reproduction.fig2.compare`."""
    fp32, equal, small, large, above = (line["values"] for line in lines)
    baseline = fp32["accuracy"]
    loss = large["difference"]
    return [reached(baseline, float(lines[0]["value"].split()[0]) / 100),
            reached(baseline + equal["difference"], baseline - WITHIN),
            reached(baseline + small["difference"], baseline),
            "uncertain" if 100 * abs(loss) <= ERROR else "yes" if loss < 0 else "no",
            "no" if above["high"] <= 0 else "no gain that is certain" if above["low"] <= 0 else
            "uncertain, one training each and the best pair chosen" if above["pairs"] > 1 else "yes"]


def grid(result):
    """Mean accuracy, a row for each eta_tr, a column for each eta_inf."""
    means = {(row["eta_tr"], row["eta_inf"]): row["mean"] for row in result["rows"]}
    etas_tr, etas_inf = (sorted({pair[number] for pair in means}) for number in (0, 1))
    return table(["eta_tr", *(f"eta_inf = {100 * eta:g} %" for eta in etas_inf)],
                 [[f"{100 * eta_tr:g} %", *(percent(means[eta_tr, eta_inf]) for eta_inf in etas_inf)] for eta_tr in etas_tr])


def shortness(result):
    """What of it is owed to few epochs. Raises ValueError where the numbers no longer say so."""
    without = {row["eta_tr"]: row["mean"] for row in result["rows"] if row["eta_inf"] == 0 < row["eta_tr"]}
    long = digital(RETRAINED)
    if max(without.values()) >= min(long, result["comparison"][0]["values"]["accuracy"]):
        raise ValueError("the paragraph about short trainings no longer fits the numbers")
    lowest, highest = (percent(limit(without.values())) for limit in (min, max))
    return (f"Without noise at inference all {len(without)} networks stand below the baseline, at {lowest} to {highest}. The "
            f"[retraining of 150 epochs](results/{RETRAINED}) with eta_tr = 3.8 % is at {percent(long)}, so much of this loss is owed "
            "to the few epochs, not to the noise, and the line of eta_tr above 8 % says little.")


def fig2():
    """The whole section."""
    result = read(f"{FOLDER}/fig2.json")
    numbers, lines = result["numbers"], result["comparison"]
    epochs, draws = numbers["retraining"]["epochs"], numbers["inference_runs"]
    return "\n\n".join([
        "## Fig. 2, with the paper's network",
        f"`{result['architecture']}` (361,722 weights) on CIFAR-10, {result['test_images']:,} test images. From the "
        f"[baseline](results/{BASELINE}) by the paper's recipe one training of {epochs:g} epochs for each eta_tr, a third of them "
        f"at each of 0.01, 0.001 and 0.0001 (the paper: 10 trainings of up to 150 epochs); {draws} inference runs each (the paper: "
        "100). Intervals are over inference runs; another training would scatter more, and so would other test images (standard error "
        f"{ERROR:.2f} points). The code was commit ad86644. [What the panels are](reproduce.md#what-the-panels-are-taken-to-be).",
        command(f"echo '{CHANGES}' > fig2.json\n"
                f"python -m refpcm.reproduce fig2 --scale full --config fig2.json --data cifar10 \\\n"
                f"    --fp32 {network_file(BASELINE)} --out runs/fig2"),
        table(["", "Joshi et al. 2020", "here", "reached"],
              [[line["statement"], line["value"], line["ours"], verdict] for line, verdict in zip(lines, verdicts(lines))]),
        grid(result),
        shortness(result),
        f"![Fig. 2](results/{FOLDER}/fig2.png)"])
