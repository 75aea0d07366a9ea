"""Section of docs/results.md about a control: the shortest noise-aware run of ResNet-32 once more, without the noise."""

from refpcm.times import time_text
from tests.results.chips import AUGMENTED, by_time, paired, rows_of
from tests.results.files import command, percent, read, table
from tests.results.runs import CONTROL, epochs_of, train_command

NOISY = "shorter-noise/10"
NAMES = {"gdc": "GDC", AUGMENTED: "AdaBS (I-20)"}
OF_THE_RUN = ("command", "versions", "data", "data_identity", "start_sha256", "chips")  # no settings of the training
TITLE = "How much of it is the noise's: a control"


def control():
    """The two networks on the same chips; what they have in common and what differs, from their configurations."""
    configs = [read(f"{folder}/config.json") for folder in (NOISY, CONTROL)]
    differing = [key for key in configs[0] if key not in OF_THE_RUN and configs[0][key] != configs[1][key]]
    if differing != ["weight_noise"]:
        raise SystemExit(f"{CONTROL} is no control of {NOISY}: {', '.join(differing)} differ")
    noisy, own = (by_time(rows_of(folder)) for folder in (NOISY, CONTROL))
    digital = [read(f"{folder}/result.json")["accuracy"] for folder in (NOISY, CONTROL)]
    rows = [["in software", "-", *map(percent, digital), f"{100 * (digital[0] - digital[1]):+.2f}"]]
    told = False
    for t_s, name in own:
        one, other = noisy[t_s, name], own[t_s, name]
        gain, half = paired(one, other)
        told |= gain > half
        rows.append([time_text(t_s), NAMES[name], percent(one["mean"]), percent(other["mean"]), f"{gain:+.2f} +- {half:.2f}"])
    return "\n\n".join([
        f"## {TITLE}",
        f"The noise-aware run of [{epochs_of(NOISY)}](results/{NOISY}) epochs once more, from the same network, with the "
        "same seed, augmentation, rates, weight decay and clipping, without the noise: "
        f"[control/10](results/{CONTROL}). The same 25 chips and all test images, differences paired by chip (95 % over "
        "chips; one training each, the second by later code). At the first read GDC changes nothing. "
        + ("The noise gains something beyond clipping." if told else "No gain of the noise beyond clipping "
           "is measurable: over these epochs it is the clipping that makes the network robust, as [at the small scale](#the-papers-figures-at-a-small-scale-three-trainings-each)."),
        command(train_command(CONTROL)),
        table(["time", "compensation", "noise and clipping", "clipping alone", "points"], rows)])
