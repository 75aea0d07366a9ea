"""`python -m refpcm.train`: train a ResNet. Parses, calls refpcm.training, reports."""

from dataclasses import fields, replace
from math import inf

from refpcm import cli
from refpcm.errors import RefpcmError
from refpcm.files.configuration import read_config_file
from refpcm.spec.training.config import (
    PER_IMAGE,
    PRESETS,
    RETRAININGS,
    TrainingConfig,
    checked,
    checked_but_for_epochs,
    kinds_of,
    preset,
    put_over,
)
from refpcm.training.request import Request

DESCRIPTION = """\
Train a ResNet. Without arguments: a small one on the built-in data, noise-aware, then put on three simulated chips.

  python -m refpcm.train
  python -m refpcm.train --preset joshi2020-cifar10 --data ~/cifar10 --out runs/paper
  python -m refpcm.train --preset joshi2020-cifar10-short --data ~/cifar10 --time-budget 1h
  python -m refpcm.train --preset joshi2020-cifar10-noise --match runs/paper --data ~/cifar10
  python -m refpcm.train --preset joshi2020-imagenet --start resnet34.safetensors --data imagenet-index
  python -m refpcm.train --resume runs/paper
"""
EPILOG = """\
A configuration is built from the preset, then --config, then flags. The output folder receives config.json
(fully resolved), metrics.jsonl, checkpoint.safetensors and, at the end, network.safetensors and result.json.
"""
ABOUT = {
    "architecture": "network, see refpcm.convert --help",
    "epochs": "passes over the training images, may be a fraction",
    "batch_size": "images a step",
    "batch_parts": "a batch is computed in so many parts, one after the other, so that it fits into memory; batch norm sees "
                   "each part alone",
    "learning_rate": "peak learning rate",
    "schedule": "constant, step, multi-step, cosine or one-cycle",
    "schedule_epochs": "length of the schedule in epochs, of which the run may be a part; 0: the run's",
    "schedule_start": "epoch of the schedule at which the run begins",
    "warmup_epochs": "linear rise at the start",
    "momentum": "of SGD",
    "nesterov": "Nesterov's form of momentum",
    "weight_decay": "strength",
    "decay": "what decays: weights (of convolutions and linear layers) or all",
    "label_smoothing": "0 to below 1",
    "crop_padding": "pixels on each side before the random crop",
    "resized_crop": "of image files, train on random parts, scaled, instead of the middle",
    "flip": "random horizontal flip",
    "cutout": "edge of the Cutout square in pixels, 0 = none",
    "weight_noise": "strength of the noise, fresh for each step; additive: eta_tr, as a fraction of the layer's W_max",
    "noise_kind": "what is noisy: weights (additive, additive-per-image: drawn anew for each image of a batch, I-23, "
                  "multiplicative, state-dependent: 1.0 is the PCM device), inputs or pre-activations of the crossbar layers",
    "noise_layers": "weights with noise: all, or inner, not those of the first and the last layer",
    "weight_precision": "float, 4-bit or ternary weights (straight-through training)",
    "backward": "weights of the backward pass: clean (the paper's) or noisy (those of the forward pass)",
    "batch_norm": "statistics in training: of the batch, or frozen, those of the network that --start names",
    "clip_sigma": "alpha: weights are clipped to +- alpha standard deviations of their layer",
    "average_epochs": "the result is the mean of the weights over these last epochs, 0 = the last weights",
    "validation_images": "held out of the training images",
    "seed": "of all random numbers, 32 bits",
    "kernels": "winograd, direct (smaller rounding errors) or numpy (the specification, slow)",
}


def arguments(argv=None):
    import argparse
    parser = cli.parser("refpcm.train", DESCRIPTION, EPILOG)
    parser.add_argument("--preset", choices=PRESETS, metavar="NAME", help=f"one of {', '.join(PRESETS)}")
    parser.add_argument("--config", type=cli.name, metavar="FILE",
                        help="TOML (Python 3.11 or later) or JSON with the keys below")
    parser.add_argument("--data", type=cli.name, metavar="DIR",
                        help="folder prepared by data_tools, or an ImageNet index; the built-in images if left out")
    parser.add_argument("--start", type=cli.name, metavar="FILE", help="begin with the weights of this network file")
    parser.add_argument("--match", type=cli.name, metavar="DIR",
                        help="go on with the network and the learning rates of the finished run in this folder, from the "
                             "epoch that had the training accuracy which noise leaves (Joshi et al. 2020, Methods D)")
    parser.add_argument("--out", type=cli.name, metavar="DIR",
                        help="output folder (default: runs/train-001, -002, ...)")
    parser.add_argument("--resume", type=cli.name, metavar="DIR", help="go on with the run in this folder")
    parser.add_argument("--time-budget", type=cli.duration, metavar="TIME",
                        help="as many epochs as fit in 90s, 45m, 1.5h ...; measured first, then fixed; no more than "
                             "--epochs or a file's epochs, if given. With --resume: how long this session lasts at most")
    parser.add_argument("--checkpoint-every", type=cli.duration, metavar="TIME", default="60s",
                        help="time between checkpoints; one is also written after every epoch")
    parser.add_argument("--chips", type=int, metavar="N",
                        help="chips to try the finished network on (default: 3 for the demonstration, else none; with "
                             "--resume as many as the run began with)")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object instead of a table")
    cli.add_threads(parser)
    group = parser.add_argument_group("configuration (defaults of the demo preset)")
    for field in fields(TrainingConfig):
        flag = "--" + field.name.replace("_", "-")
        default = getattr(PRESETS["demo"], field.name)
        about = f"{ABOUT[field.name]} (default: {default})"
        kind, *none = kinds_of(field)
        if kind is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=about)
        else:
            group.add_argument(flag, type=cli.number_or_none if none else kind, metavar=kind.__name__.upper(),
                               help=about, default=argparse.SUPPRESS)
    return parser.parse_args(argv)


def resolve(options):
    """Configuration from preset, file and flags; with --time-budget its epochs are the most that may be planned, maybe inf.

    Raises RefpcmError for what does not go together in the end, and for another noise_kind than the preset's without a
    strength of its own: those of different kinds are not comparable.
    """
    base = preset(options.preset or "demo")
    if options.match:  # finds the schedule
        base = replace(base, schedule_epochs=0.0, schedule_start=0.0, warmup_epochs=0.0)
    names = {field.name for field in fields(TrainingConfig)}
    from_file = read_config_file(options.config) if options.config else {}
    flags = {name: value for name, value in vars(options).items() if name in names}

    def source(name):
        return "command line" if name in flags else options.config if name in from_file else "preset"
    config = put_over(put_over(base, from_file, options.config), flags, "command line")
    if options.time_budget and "epochs" not in {*from_file, *flags}:
        config = replace(checked_but_for_epochs(config, source), epochs=inf)
    else:
        config = checked(config, source)
    same_strength = {base.noise_kind} | ({PER_IMAGE} if base.noise_kind == "additive" and base.weight_noise else set())
    if config.noise_kind not in same_strength and "weight_noise" not in {*from_file, *flags}:
        raise RefpcmError(f"noise_kind = {config.noise_kind!r} needs a strength of its own, --weight-noise; the "
                          f"preset's {base.weight_noise:g} is meant for {base.noise_kind!r}")
    return config


def main():
    options = arguments()
    if options.resume:
        refuse_with_resume(options)
    refuse_with_match(options)
    config = None if options.resume else resolve(options)
    from refpcm.training.run import begin_run, resume_run
    cli.set_threads(options.threads)
    request = request_of(options)
    return resume_run(options.resume, request) if options.resume else begin_run(request, config)


def request_of(options):
    """Return the Request of a command line. The demonstration alone goes on chips unasked, three of them."""
    demonstration = not (options.resume or options.data or options.config) and options.preset in (None, "demo")
    chips = 3 if demonstration and options.chips is None else options.chips
    return Request(options.data, options.out, options.start, options.match, None, chips, options.time_budget,
                   options.checkpoint_every, options.json, options.preset in RETRAININGS)


def refuse_with_match(options):
    """Raises RefpcmError if --match comes with an option, or a key of --config, that says what it is to find."""
    finds = ("start", "time_budget", "learning_rate", "schedule", "schedule_epochs", "schedule_start", "warmup_epochs")
    from_file = read_config_file(options.config) if options.match and options.config else {}
    given = ["--" + name.replace("_", "-") for name in finds if getattr(options, name, None) is not None]
    given += [f"{name} in {options.config}" for name in finds if name in from_file]
    if options.match and given:
        raise RefpcmError(f"--match finds the network, its learning rates and how long they last; leave out "
                          f"{', '.join(given)}")


def refuse_with_resume(options):
    """Raises RefpcmError if --resume comes with an option that would make it another run."""
    settings = {field.name for field in fields(TrainingConfig)}  # which stand there only if given
    given = [name for name, value in vars(options).items()
             if name in settings or name in ("preset", "config", "out", "start", "match") and value is not None]
    if given:
        flags = ", ".join("--" + name.replace("_", "-") for name in given)
        raise RefpcmError(f"--resume goes on with the configuration of its run; leave out {flags}")


if __name__ == "__main__":
    cli.run(main)
