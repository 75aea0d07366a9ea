"""The text of docs/results.md, which `python -m tests.results` writes.

Every number of that page stands in one of the files in docs/results, each the output of a command that the page names.
"""

from tests.results.chips import next_to_the_paper, on_chips, what_training_gives, with_expected_statistics
from tests.results.control import control
from tests.results.files import (
    FP32,
    FP32_GOAL,
    NOISE,
    chain,
    command,
    epochs_of,
    lines_of,
    noise_aware,
    percent,
    read,
    runs_in,
    table,
)
from tests.results.recipe import recipe
from tests.results.small import small

INTRODUCTION = """\
# Results

Written by `python -m tests.results` from the files in [results](results). CIFAR-10 is the real one,
complete. Rates, Cutout and averaging were not searched for on test images. Lengths were, in this way: each network was
tested when it was done, and knowing that, the two runs held at a rate of 0.01, in FP32 and noise-aware, were each made
longer twice (20, 36, 52 epochs), so their best accuracies are a little high. That another run went on from a network, that
AdaBS is shown with I-20 first ([why two](compensation.md)) and that I-21 was looked for was decided knowing these
accuracies, too.

GDC is global drift compensation, AdaBS batch norm's statistics taken anew on the chip ([both](compensation.md)); I-1,
I-2, ... are [interpretations](interpretations.md); eta_tr and alpha size training noise and clipping
([training](training.md#noise-aware-training)); points are percentage points.

In the files config.json and chips*.json paths are shortened, and a network is named by the place where it stands now;
folders in `shorter` are named by all their epochs, those in `shorter-noise` by the noise-aware ones. `cifar10` is the
folder that `python -m data_tools.cifar10 --out cifar10` makes. Each network was trained by the code of its day; later
changes of the last bits (of exp and log in the loss, of the order of sums in gradients of weights) make of the same
command a network of the same kind, not the same network. Of the evaluations, those of `shorter/135` and
`shorter-noise/112` ran on another machine, with 16 cores. Figs. 2 and 3 were computed at a small scale only.
"""


def published():
    result = read("resnet20-published/digital.json")
    return "\n\n".join([
        "## A network trained elsewhere",
        "The published CIFAR ResNet-20 of akamaster/pytorch_resnet_cifar10 (published error 8.27 %), imported from its "
        f"PyTorch checkpoint: **{percent(result['accuracy'])}**, {result['correct']} of {result['total']} test images.",
        command("python -m refpcm.convert resnet20-12fca82f.th resnet20.safetensors --architecture cifar-resnet20 \\\n"
                "    --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225\n"
                "python -m refpcm.evaluate --network resnet20.safetensors --data cifar10 --digital --json")])


def trained(folders, title, text):
    """What the runs in `folders`, one after the other, made of a network; accuracies are the last run's."""
    results = [read(f"{folder}/result.json") for folder in folders]
    rows, epochs, seconds = [], 0, 0.0
    for folder, result in zip(folders, results):
        records = lines_of(f"{folder}/metrics.jsonl")
        rows += [[epochs + r["epoch"], f"{r['train_loss']:.4f}", percent(r["train_accuracy"]),
                  f"{r['images_per_second']:.0f}", f"{(seconds + r['seconds']) / 60:.1f}"]
                 for r in records if r["epoch"] in (1, len(records)) or r["epoch"] % 5 == 0]
        epochs += len(records)
        seconds += result["training_seconds"]
    last, names = results[-1], ", then ".join(f"[{folder}](results/{folder})" for folder in folders)
    return "\n\n".join([
        f"## {title}",
        f"{last['architecture']}, {last['weights']:,} weights, {epochs} epochs in {seconds / 60:.1f} "
        "minutes on two cores that other work shared, "
        f"seeds {', '.join(str(result['seed']) for result in results)}: **{percent(last['accuracy'])}**, "
        f"{last['correct']} of {last['total']} test images. {text.strip()} Network, log and configuration: {names}.",
        command("\n".join("python -m refpcm.train " + " ".join(read(f"{folder}/config.json")["command"][1:])
                          for folder in folders)),
        table(["epoch", "training loss", "training accuracy", "images/s", "minutes"], rows)])


def cost():
    """Test accuracy over epochs, one run each."""
    rows = []
    for folder in runs_in("shorter", FP32):
        result, config = read(f"{folder}/result.json"), read(f"{folder}/config.json")
        rows.append([f"[{epochs_of(folder)}](results/{folder})",
                     f"{config['schedule']}, {config['learning_rate']:g}{averaging(config)}", config["cutout"],
                     config["kernels"],
                     percent(lines_of(f"{folder}/metrics.jsonl")[-1]["train_accuracy"]), percent(result["accuracy"])])
    best = read(f"{FP32}/result.json")["accuracy"]
    return "\n\n".join([
        "## What the FP32 baseline costs: epochs",
        "The short preset with more and more epochs, one run each; a sum is a run that went on from the network of "
        "another, with new augmentation. Cutout, kernels and averaging differ as stated, so not every step is of epochs "
        f"alone. From the paper's 93.87 % the longest differs by {100 * (best - FP32_GOAL):+.2f} points (standard error of a "
        f"test on 10,000 images: {100 * (best * (1 - best) / 1e4) ** 0.5:.2f}). What it gained is owed to more epochs, a small "
        "constant rate and averaging together. [60 + 55 + 20](results/shorter/135), [60 + 55 + 36](results/shorter/151) and "
        f"[{epochs_of(FP32)}](results/{FP32}) are one run, made longer each time that its accuracy was known.",
        table(["epochs", "schedule, peak", "Cutout", "kernels", "training accuracy at the end", "test accuracy"],
              rows)])


def averaging(config):
    averaged = config.get("average_epochs")  # older files do not have it
    return f", mean of the last {averaged:g}" if averaged else ""


def of_the_last_run(folder):
    averaged = read(f"{folder}/config.json")["average_epochs"]
    return ("The last run holds a small rate, of the order of Izmailov et al. 2018, and ends in the mean of the weights "
            f"after every step of its last {averaged:g} epochs; loss and accuracy in its log are those of the weights of "
            "the moment.") if averaged else ""


def page():
    start, noisy = noise_aware(NOISE)
    return "\n\n".join([
        INTRODUCTION.rstrip(), next_to_the_paper(),
        trained(chain(FP32), "The paper's ResNet-32, trained without noise",
                f"Its recipe is compared with others below. {of_the_last_run(FP32)}"),
        recipe(), cost(),
        trained(noisy, f"Noise-aware training, from the network of {epochs_of(start)} epochs",
                "eta_tr is the paper's, alpha its laboratory's; rates and averaging were chosen without a search, the length "
                "was not (see the top). "
                f"{of_the_last_run(NOISE)} [shorter-noise/96](results/shorter-noise/96) and "
                "[112](results/shorter-noise/112) are the same run ended after 20 and 36 epochs, of which 17 and 33 are "
                "averaged.\n\nTwo tries to do better did not. 20 such epochs alone, from the FP32 network of "
                f"[{epochs_of(FP32)}](results/{FP32}), end at {percent(read('shorter-noise/20/result.json')['accuracy'])} "
                "([shorter-noise/20](results/shorter-noise/20)), so a better network to begin with did not make up for the 76 "
                "epochs at higher rates, or for their number. 42 more epochs from the network of this section at a rate held "
                "at 0.03, mean of the last 36, end at "
                f"{percent(read('shorter-noise/170/result.json')['accuracy'])} ([shorter-noise/170](results/shorter-noise/170), "
                "planned with 48 epochs and shortened before it was tested): averaging does not do the work of a lower rate. "
                f"`--start docs/results/{NOISE}/network.safetensors` with another seed goes on from here."),
        what_training_gives(),
        on_chips(NOISE, "The noise-aware network on PCM", "Trained with eta_tr = 3.8 %."),
        control(),
        with_expected_statistics(),
        on_chips(FP32, "The FP32 network on PCM", "Trained without noise."),
        published(),
        on_chips("resnet20-published", "The published ResNet-20 on PCM",
                 "Trained without noise, by others."),
        small(),
    ]) + "\n"

