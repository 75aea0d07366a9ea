"""Section of docs/results.md about Fig. 2 with the paper's network, from docs/results/fig2."""

from tests.results.files import command, percent, read, table
from tests.results.paper import ERROR, reached
from tests.results.paper_recipe import BASELINE, RETRAINED, digital
from tests.results.runs import network_file, train_command

CHANGES = {  # name: of the scale "full", as --config has it
    "20-epochs": ('{"seeds": [0], "etas_inf": [0.0], "inference_runs": 20,\n'
                  ' "retraining": {"epochs": 20, "schedule": "step", "schedule_epochs": 26.667, "schedule_start": 6.667}}'),
    "150-epochs": ('{"seeds": [0], "etas_tr": [0.038], "etas_inf": [0.0, 0.026, 0.0565, 0.0753, 0.113],\n'
                   ' "inference_runs": 20}')}
SHORT, LONG = CHANGES
CONTROL = "fig2/control"
WITHIN = 0.005  # of the baseline, the paper's statement on eta_tr = eta_inf up to 5 %


def result_of(name):
    """The recorded figure."""
    return read(f"fig2/{name}/fig2.json")


def verdicts(lines):
    """[(ours, whether it is reached)] of the paper's statements, in the order of `refpcm.reproduction.fig2.compare`."""
    baseline = lines[0]["values"]["accuracy"]
    rules = [lambda values: reached(baseline, float(lines[0]["value"].split()[0]) / 100),
             lambda values: reached(baseline + values["difference"], baseline - WITHIN),
             lambda values: reached(baseline + values["difference"], baseline),
             lambda values: ("no" if values["difference"] > 0 else "uncertain" if 100 * values["difference"] >= -ERROR else
                             "undecided, the control does not reach it either" if digital(CONTROL) < baseline else "yes"),
             lambda values: ("no" if values["high"] <= 0 else "no gain that is certain" if values["low"] <= 0 else
                             "uncertain, one training each and the best pair chosen" if values["pairs"] > 1 else "yes")]
    return [("-", "-") if line["ours"] is None else (line["ours"], rule(line["values"])) for line, rule in zip(lines, rules)]


def means(name):
    """{(eta_tr, eta_inf): mean accuracy} of a recorded figure."""
    return {(row["eta_tr"], row["eta_inf"]): row["mean"] for row in result_of(name)["rows"]}


def grid(name):
    """Mean accuracy, a row for each eta_tr, a column for each eta_inf."""
    found = means(name)
    etas_tr, etas_inf = (sorted({pair[number] for pair in found}) for number in (0, 1))
    return table(["eta_tr", *(f"eta_inf = {100 * eta:g} %" for eta in etas_inf)],
                 [[f"{100 * eta_tr:g} %", *(percent(found[eta_tr, eta_inf]) for eta_inf in etas_inf)] for eta_tr in etas_tr])


def shortness():
    """What of it is owed to few epochs. Raises ValueError where the numbers no longer say so."""
    found, control = means(SHORT), digital(CONTROL)
    baseline, long, diagonal = found[0.0, 0.0], means(LONG)[0.038, 0.0], found[0.0377, 0.0377]
    in_software = {eta_tr: mean for (eta_tr, eta_inf), mean in found.items() if eta_tr and not eta_inf}
    few, many = ([mean for eta, mean in in_software.items() if (eta > 0.07) == large] for large in (False, True))
    if not (max(abs(mean - control) for mean in few) < 0.001 and max(many) < control < min(baseline, long)):
        raise ValueError("the paragraph about short trainings no longer fits the numbers")
    return (f"A [control](results/{CONTROL}), 20 epochs with the same rates and clipping but without noise, is at {percent(control)}, "
            f"{100 * (baseline - control):.2f} points below the baseline that it began with: the short training costs that, not the noise. "
            f"Without noise at inference the networks up to eta_tr = 5.65 % are at {percent(min(few))} to {percent(max(few))}, as the control is; those "
            f"with more noise at {percent(min(many))}, {100 * (control - min(many)):.2f} below it, hardly more than the standard error. "
            f"Against the control eta_tr = eta_inf = 3.77 % loses {100 * (control - diagonal):.2f} points. So the columns of 20 epochs "
            "say little of the paper's levels, and eta_tr above 8 % misses the baseline mostly because these trainings are short.")


def make(name):
    """The command that makes one of the figures."""
    return (f"echo '{CHANGES[name]}' > {name}.json\n"
            f"python -m refpcm.reproduce fig2 --scale full --config {name}.json --data cifar10 \\\n"
            f"    --fp32 {network_file(BASELINE)} --out runs/{name}")


def fig2():
    """The whole section."""
    short, long = result_of(SHORT), result_of(LONG)
    rows = [[line["statement"], line["value"], *at_length, *in_short]
            for line, at_length, in_short in zip(short["comparison"], verdicts(long["comparison"]), verdicts(short["comparison"]))]
    return "\n\n".join([
        "## Fig. 2, with the paper's network",
        f"`{short['architecture']}` (361,722 weights) on CIFAR-10, {short['test_images']:,} test images, from the [baseline](results/{BASELINE}) "
        f"by the paper's recipe. At length: its [retraining](results/{RETRAINED}) with eta_tr = 3.8 %, 150 epochs, as in the paper, which trained "
        f"10 networks for each eta_tr. In short: one training of {short['numbers']['retraining']['epochs']:g} epochs for each eta_tr, a third of "
        f"them at each of 0.01, 0.001 and 0.0001 ([logs](results/fig2/{SHORT}/networks)). {short['numbers']['inference_runs']} inference runs each (the paper: 100). Intervals are over "
        "inference runs; another training would scatter more, and so would other test images (standard error "
        f"{ERROR:.2f} points). The code was commit ad86644, for the 150 epochs c734f74. [What the panels are](reproduce.md#what-the-panels-are-taken-to-be).",
        table(["", "Joshi et al. 2020", "150 epochs, eta_tr = 3.8 %", "reached", "20 epochs", "reached"], rows),
        grid(LONG), "The same with 20 epochs for each eta_tr:", grid(SHORT), shortness(),
        "The network of 150 epochs is in the repository; `reproduce` takes it where its folder would be made:",
        command(f"mkdir -p runs/{LONG}/networks && cp -r docs/results/{RETRAINED} runs/{LONG}/networks/noise-seed0\n"
                f"{make(LONG)}\n{make(SHORT)}\n{train_command(CONTROL)}"),
        f"![Fig. 2, eta_tr = 3.8 %, 150 epochs](results/fig2/{LONG}/fig2.png)",
        f"![Fig. 2, 20 epochs for each eta_tr](results/fig2/{SHORT}/fig2.png)"])
