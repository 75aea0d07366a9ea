"""The training runs of docs/results, which run began with the network of which, and the commands that repeat them.

A run is named by its folder, such as "shorter/115". docs/results/chain.json holds the SHA-256 of every network, also of
those that are not in the repository.
"""

from dataclasses import asdict

from refpcm.spec.training.config import preset
from tests.results.files import read

FP32, NOISE, CONTROL = "joshi2020-resnet32", "joshi2020-resnet32-noise", "control/10"
INITIAL = "initial weights"  # what a run without --start begins with
CHAIN = read("chain.json")
PAPER = "paper"  # the folder of the runs by the paper's own recipe
KEPT = (FP32, NOISE, CONTROL, "fig2/control", *(run for run in CHAIN if run.startswith(f"{PAPER}/")))  # runs whose network is in the repository
SET_BY_MATCH = ("epochs", "learning_rate", "schedule", "schedule_epochs", "schedule_start", "warmup_epochs")
KERNELS_THEN = {"winograd4": "winograd", "vector": "direct", "winograd": "F(2x2)"}  # {name in a log of refpcm 0.1: today}


def kernels_of(run):
    """Return today's name of the kernels that a run was trained with."""
    config = read(f"{run}/config.json")
    return KERNELS_THEN[config["kernels"]] if config["versions"]["refpcm"].startswith("0.1") else config["kernels"]


def chain(run):
    """Return the runs that made a network, in order: each began with the network of the one before."""
    start = CHAIN[run]["start"]
    return [run] if start == INITIAL else [*chain(start), run]


def noise_aware(run):
    """Return the FP32 run that a noise-aware chain began with, and the noise-aware runs after it."""
    links = chain(run)
    first = next(i for i, link in enumerate(links) if read(f"{link}/config.json")["weight_noise"])
    return links[first - 1], links[first:]


def epochs_of(run):
    """Return the epochs of the runs that made a network as a sum, such as "60 + 55"."""
    return " + ".join(f"{read(f'{link}/config.json')['epochs']:g}" for link in chain(run))


def runs_in(folder, *others):
    """Return the runs in a folder and the `others`, by their epochs in all."""
    found = [run for run in CHAIN if run.startswith(f"{folder}/")]
    return sorted([*found, *others], key=lambda run: (sum(map(float, epochs_of(run).split("+"))), run))


def network_file(run):
    """Return the path of a network: in the repository, or where `train_command` writes it."""
    return f"docs/results/{run}/network.safetensors" if run in KEPT else f"runs/{run}/network.safetensors"


def match_folder(run):
    """Return what `--match` names: the folder of a run, in the repository, or where `train_command` writes it."""
    return f"docs/results/{run}" if run in KEPT else f"runs/{run}"


def train_command(run):
    """Return the command that repeats a run today: the recorded configuration where it differs from today's preset."""
    words, recorded, start = CHAIN[run]["command"].split(), read(f"{run}/config.json"), CHAIN[run]["start"]
    recorded = {"schedule_epochs": 0.0, "schedule_start": 0.0, **recorded}  # younger than some runs
    name = words[words.index("--preset") + 1]
    options = [f"--preset {name} --data cifar10"]
    if start != INITIAL:
        options.append(f"--match {match_folder(start)}" if recorded.get("matched") else f"--start {network_file(start)}")
    found = SET_BY_MATCH if recorded.get("matched") else ()
    options += [_option(field, recorded[field]) for field, today in asdict(preset(name)).items()
                if field in recorded and field not in ("kernels", *found) and recorded[field] != today
                and not (field == "backward" and not recorded["weight_noise"])]  # both choices are then the same
    if recorded["kernels"] == "vector":
        options.append("--kernels direct")
    return f"python -m refpcm.train {' '.join(options)} --out runs/{run}"


def _option(field, value):
    flag = field.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {value:g}" if isinstance(value, float) else f"--{flag} {value}"
