"""Section of docs/results.md about the networks trained by the paper's own recipe, docs/results/paper."""

from refpcm.reproduction.paper_numbers import CIFAR10
from tests.results.chips import EVALUATION, by_time, on_chips
from tests.results.files import RESULTS, command, percent, read, table, with_interval
from tests.results.runs import epochs_of, network_file

BASELINE, RETRAINED = "paper/baseline", "paper/retrained"
PAPERS = {  # {run: (its weights, the paper's accuracy after training, and after transfer)}
    BASELINE: ("FP32", *CIFAR10["transfer-fp32"].value.split(" / ")),
    RETRAINED: ("noise-trained", *CIFAR10["transfer-noise"].value.split(" / ")),
    "paper/4-bit": ("4-bit", *CIFAR10["transfer-4-bit"].value.split(" / ")),
    "paper/ternary": ("ternary", *CIFAR10["transfer-ternary"].value.split(" / "))}
FEW_VALUES = (
    "Weights of few values are quantised as I-15 and I-16 say ([training](training.md#other-kinds-of-noise-and-weights-of-few-values); "
    "for 4-bit weights that is not the paper's McKinstry et al. 2018) and retrained from the baseline without noise, 50 epochs at a "
    "rate of 0.01 and 10 at 0.001, with the clipping at alpha = 2 that the preset has and the baseline has not; the paper gives no "
    "recipe for them. Part of what they keep on the chip may be the clipping's: in "
    "[smaller networks](#the-papers-figures-at-a-small-scale-three-trainings-each) it did as much as the noise. After transfer "
    "ternary weights stand below FP32 here and above it in the paper: ours is near the paper's, but our FP32 "
    "network comes out higher than the paper's. The run with "
    "ternary weights was interrupted and resumed; its code was commit 472ad53 up to step 6,898, then 2331654, which compute the "
    "same bits.")
AFTER_TRANSFER = "transfer.json"
TRANSFER = "--device joshi2020-transfer --chips 100 --times 25s --compensation none"


def digital(run):
    """Test accuracy in software."""
    return read(f"{run}/result.json")["accuracy"]


def transferred(run):
    """The row of 100 draws of the paper's transfer model."""
    return by_time(read(f"{run}/{AFTER_TRANSFER}")["rows"])[25.0, "none"]


def first_number(text):
    """The first percentage of a text, as a share."""
    return float(text.split()[0]) / 100


def in_one_table():
    """Each network after training and after transfer, next to the paper's."""
    rows = []
    for run in PAPERS:
        weights, paper_digital, paper_transferred = PAPERS[run]
        row = transferred(run)
        rows.append([f"[{run}](results/{run})", weights, epochs_of(run), paper_digital, percent(digital(run)), paper_transferred,
                     with_interval(row), f"{100 * (digital(run) - row['mean']):.2f}"])
    return table(["run", "weights", "epochs", "paper, digital", "refpcm, digital", "paper, after transfer",
                  "refpcm, after transfer", "points lost"], rows)


def order():
    """(the paper's order of the networks after transfer, from the lowest; ours; whether they are the same)."""
    paper, ours = (" < ".join(PAPERS[run][0] for run in sorted(PAPERS, key=key))
                   for key in (lambda run: first_number(PAPERS[run][2]), lambda run: transferred(run)["mean"]))
    return paper, ours, "yes" if paper == ours else "no"


def paper_recipe():
    """The whole section."""
    return "\n\n".join([
        "## By the paper's own recipe",
        "The presets that follow Methods C and D ([training](training.md#presets)), one training each. 95 % interval over 100 "
        "draws of the paper's transfer model; points lost are below the network itself in software.",
        in_one_table(),
        FEW_VALUES,
        command("\n".join(f"python -m refpcm.evaluate --network {network_file(run)} --data cifar10 \\\n    {TRANSFER}"
                          for run in PAPERS))])


def on_chips_by_the_paper():
    """A section for each network by the paper's recipe that was evaluated on chips of the default device."""
    return [on_chips(run, f"By the paper's own recipe, on PCM: {PAPERS[run][0]}",
                     f"[{run}](results/{run}). Its evidence is kept in [{EVALUATION}](results/{run}/{EVALUATION}).")
            for run in PAPERS if (RESULTS / run / EVALUATION).exists()]
