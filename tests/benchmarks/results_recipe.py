"""The section of docs/results.md on the choice of a recipe, from the logs in docs/results/recipe."""

from tests.benchmarks.recipe import CANDIDATES, COMMON, last_record
from tests.benchmarks.results_format import RESULTS, command, percent, table

CHANGES = {
    "base": "one cycle, peak 0.2, batches of 128, weight decay 5e-4, crop and flip",
    "seed-1": "another seed",
    "peak-0.1": "peak 0.1",
    "peak-0.4": "peak 0.4",
    "decay-1e-3": "weight decay 1e-3",
    "batch-64": "batches of 64, peak 0.1",
    "smoothing-0.1": "label smoothing 0.1",
    "cutout-8": "Cutout 8",
    "average-2": "constant learning rate 0.1, weights averaged over the last two epochs",
}


def recipe(choice):
    """choice: sentences on what was taken and why."""
    found = {name: last_record((RESULTS / "recipe" / f"{name}.jsonl").read_text()) for name in CANDIDATES}
    base = found["base"]["validation_accuracy"]
    rows = [[f"[{CHANGES[name]}](results/recipe/{name}.jsonl)", percent(record["train_accuracy"]),
             percent(record["validation_accuracy"]), f"{100 * (record['validation_accuracy'] - base):+.2f}"]
            for name, record in found.items()]
    return "\n\n".join([
        "## The recipe, chosen on held-out images",
        f"ResNet-32 as above, {COMMON[3]} epochs on 45,000 training images, each line a change of the first, accuracy on the "
        f"other 5,000 training images (standard error of one such share: {100 * (base * (1 - base) / 5000) ** .5:.1f} "
        f"points). {choice}",
        command("python -m tests.benchmarks.recipe --data cifar10 --out runs/recipe"),
        table(["", "training accuracy, last epoch", "held out", "points"], rows)])
