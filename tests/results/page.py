"""The text of docs/results.md, which `python -m tests.results` writes.

Every number of that page stands in one of the files in docs/results, each the output of a command that the page names.
"""

from tests.results.chips import on_chips, what_training_gives
from tests.results.control import control
from tests.results.expected import with_expected_statistics
from tests.results.fig2 import fig2
from tests.results.files import command, percent, read
from tests.results.losses import losses
from tests.results.networks import networks
from tests.results.paper import next_to_the_paper
from tests.results.paper_recipe import BASELINE, RETRAINED, on_chips_by_the_paper, paper_recipe
from tests.results.recipe import recipe
from tests.results.runs import FP32, NOISE, chain, epochs_of, noise_aware
from tests.results.small import small
from tests.results.training import cost, of_the_last_run, trained
from tests.results.uncompensated import uncompensated

INTRODUCTION = """\
# Results

How accurate is a ResNet on chips of phase-change memory (PCM), next to what Joshi et al. 2020 report? First the table, then each number on the chip
with its command, then the trainings, and [what to bear in mind](#what-to-bear-in-mind) at the end.

`python -m tests.results` writes this page from the files in [results](results). All networks were tested on CIFAR-10,
on the complete test set unless a table says otherwise. GDC is [global drift compensation](compensation.md), one factor a
layer. AdaBS, [adaptive batch norm statistics](compensation.md), takes those of batch norm anew on the chip. I-1, I-2, ... are
[interpretations](interpretations.md). eta_tr and alpha are the sizes of training noise and clipping
([training](training.md#noise-aware-training)). Points are percentage points.
"""

TO_BEAR_IN_MIND = """\
## What to bear in mind

Which decisions used test accuracies:

- Learning rates, Cutout and averaging were not searched for on test images.
- The number of epochs was. Each network was tested when it was finished. Knowing the result, two runs at a constant rate
  of 0.01, in FP32 and noise-aware, were each made longer twice (20, 36, 52 epochs). Their best accuracies are therefore a
  little high.
- Three more decisions were made with these accuracies known: to go on from a network with another run, to show AdaBS with
  augmented calibration images (I-20) first ([why two](compensation.md)), and to look for the statistics of the expected chip
  (I-21).

What the numbers are of:

- The trainings are by the paper's own recipe only where a line says so; the others are shorter, or of more runs.
- The evaluations are of the default device, `joshi2020`, not of the paper's transfer model, unless a line names it.
- AdaBS is shown with two kinds of calibration images. Images as in training (I-20) are today's default. Images as they are
  (I-11, `--calibration train`) were the default of version 0.1, which computed their rows, except for networks by the
  paper's recipe. AdaBS took the unbiased variance of a batch then, and takes the biased one, as the paper's eq. 5 does,
  today.
- Version 0.1 also computed the row of I-21, frozen batch norm, and all rows of `control`, `resnet20-published` and the
  networks in `shorter` and `shorter-noise`.
- Fig. 3, `ablation`, `causes` and `calibration` of `refpcm.reproduce` were computed at a small scale only, Fig. 2 also with the
  paper's network, one training for each eta_tr, short but for 3.8 %.

Files and commands:

- Folders in `shorter` are named by all their epochs, those in `shorter-noise` by the noise-aware ones.
- In config.json and chips*.json paths are shortened, and a network is named by the folder that its log has now.
- For networks that are not in this repository there are [hashes and commands](#where-each-network-came-from).
- Logs name kernels as they were called then: `winograd4` is `winograd` today, the default, and `vector` is `direct`.
- A command repeats the recorded configuration with today's names and presets. It makes a network of the same kind, not
  the same network, because the code has changed since: the last bits of exp and log in the loss, the order of sums in
  gradients of weights, and the variance of initial convolution weights (2 / fan-out then, 2 / fan-in now).
- `cifar10` is the folder that `python -m data_tools.cifar10 --out cifar10` makes.
- The evaluations of `shorter/135` and `shorter-noise/112` ran on another machine, with 16 cores.
"""

RETRAINED_TEXT = (
    "Its baseline is the network of the last section; {} of its training images are right with noise of 3.8 %, as in epoch {} of "
    "its own training, so its schedule goes on from there (I-27). The run was interrupted and resumed; its code was commit 13912de "
    "throughout.")
BASELINE_TEXT = (
    "No setting was chosen knowing its accuracy: what the text leaves open is the preset's ([which](training.md#presets)). "
    "The run was interrupted and resumed; its code was commit 008bf81 up to step 4,715, then f38e180, which compute the same bits.")


def retrained():
    """The paper's retraining of its baseline."""
    matched = read(f"{RETRAINED}/config.json")["matched"]
    return trained([RETRAINED], "The paper's ResNet-32, retrained with noise by the paper's own recipe",
                   RETRAINED_TEXT.format(percent(matched["noisy_train_accuracy"]), matched["epoch"]))


def evidence(run):
    """Where the evaluation with version 0.2 of a run is kept."""
    return (
        "Rows of AdaBS with images as they are come from version 0.1, with the unbiased variance of a batch; all others from "
        "version 0.2, whose evidence is kept in "
        f"[evaluation](results/{run}/evaluation): for each chip and time the images that were recognised, the hash of the chip "
        f"and the factors of GDC. `python -m refpcm.inspect trace docs/results/{run}/evaluation --time 1day --compensation gdc` "
        "follows a number. The table:")


def published():
    """The published ResNet-20 in software."""
    result = read("resnet20-published/digital.json")
    return "\n\n".join([
        "## A network trained elsewhere",
        "The published CIFAR ResNet-20 of akamaster/pytorch_resnet_cifar10 (published error 8.27 %), imported from its "
        f"PyTorch checkpoint: **{percent(result['accuracy'])}**, {result['correct']} of {result['total']} test images.",
        command("python -m refpcm.convert resnet20-12fca82f.th resnet20.safetensors --architecture cifar-resnet20 \\\n"
                "    --mean 0.485 0.456 0.406 --std 0.229 0.224 0.225\n"
                "python -m refpcm.evaluate --network resnet20.safetensors --data cifar10 --digital --json "
                "--kernels direct")])


def noise_aware_text():
    """What there is to say about the noise-aware runs beside their log."""
    def accuracy(run):
        return percent(read(f"{run}/result.json")["accuracy"])
    return (
        "eta_tr and alpha are the paper's; the backward pass through the noisy weights (I-2), crops by 4, Cutout 8 and "
        "Nesterov's form are not. Rates and averaging were chosen without a search, the length "
        f"[was not](#what-to-bear-in-mind). {of_the_last_run(NOISE)} [shorter-noise/96](results/shorter-noise/96) and "
        "[112](results/shorter-noise/112) are the same run ended after 20 and 36 epochs, of which 17 and 33 are "
        "averaged.\n\nTwo further runs were not better. 20 such epochs alone, from the FP32 network of "
        f"[{epochs_of(FP32)}](results/{FP32}), end at {accuracy('shorter-noise/20')} "
        "([shorter-noise/20](results/shorter-noise/20)), so a better network to begin with did not make up for the 76 "
        "epochs at higher rates, or for their number. 42 more epochs from the network of this section at a rate held "
        f"at 0.03, mean of the last 36, end at {accuracy('shorter-noise/170')} "
        "([shorter-noise/170](results/shorter-noise/170), planned with 48 epochs and shortened before it was tested): "
        "averaging does not do the work of a lower rate. "
        f"`--start docs/results/{NOISE}/network.safetensors` with another seed goes on from here.")


def page():
    """Return the whole page."""
    start, noisy = noise_aware(NOISE)
    return "\n\n".join([
        INTRODUCTION.rstrip(),
        next_to_the_paper(),
        paper_recipe(),
        on_chips(NOISE, "Our best noise-aware network on PCM", f"Trained with eta_tr = 3.8 %. {evidence(NOISE)}"),
        losses(),
        what_training_gives(),
        control(),
        with_expected_statistics(),
        uncompensated(),
        on_chips(FP32, "Our best FP32 network on PCM", f"Trained without noise. {evidence(FP32)}"),
        *on_chips_by_the_paper(),
        published(),
        on_chips("resnet20-published", "The published ResNet-20 on PCM", "Trained without noise, by others."),
        fig2(),
        small(),
        trained(chain(FP32), "The paper's ResNet-32, trained without noise",
                f"Its recipe is [compared with others](#the-recipe-on-held-out-images). {of_the_last_run(FP32)}"),
        recipe(),
        trained([BASELINE], "The paper's ResNet-32, trained by the paper's own recipe", BASELINE_TEXT),
        retrained(),
        cost(),
        trained(noisy, f"Noise-aware training, from the network of {epochs_of(start)} epochs", noise_aware_text()),
        networks(),
        TO_BEAR_IN_MIND.rstrip(),
    ]) + "\n"
