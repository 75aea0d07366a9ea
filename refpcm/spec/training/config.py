"""What a training run is: one frozen dataclass, presets by name, overrides from files and flags.

Nothing heavy is imported here, so that `--help` can print the defaults at once.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import get_args

from refpcm.errors import RefpcmError


@dataclass(frozen=True)
class TrainingConfig:
    """Every hyper-parameter of a run; with data, starting network and versions it determines the weights bit for bit.

    With kernels = "numpy" that holds for one machine and number of threads (BLAS).
    """
    architecture: str = "tiny-resnet8"
    epochs: float = 8.0            # passes over the training images; may be a fraction
    batch_size: int = 128          # images a step; the last incomplete batch of an epoch is left out
    batch_parts: int = 1           # a batch is computed in so many parts, as memory allows; batch norm sees each part alone
    learning_rate: float = 0.2     # peak
    schedule: str = "one-cycle"    # constant, step, multi-step, cosine, one-cycle
    schedule_epochs: float = 0.0   # length of the schedule, of which the run may be a part; 0: the run's
    schedule_start: float = 0.0    # epoch of the schedule at which the run begins
    warmup_epochs: float = 0.0     # linear rise at the start, on top of the schedule
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    decay: str = "weights"         # weights (convolution and linear weights only) or all (batch norm, biases too)
    label_smoothing: float = 0.0
    crop_padding: int = 4          # pixels
    resized_crop: bool = False     # image files: a random part of 8 to 100 % of the area, scaled; else the middle
    flip: bool = True
    cutout: int = 0                # edge of the square in pixels, 0 = no Cutout
    weight_noise: float = 0.0      # strength of the noise; additive: eta_tr, standard deviation over the layer's W_max
    noise_kind: str = "additive"   # of the weights: additive, additive-per-image (the same, drawn anew for each image),
    #                                multiplicative, state-dependent; or of inputs, pre-activations
    noise_layers: str = "all"      # weights with noise: all, or inner: not those of the first and the last layer
    weight_precision: str = "float"  # float; 4-bit, ternary: straight-through training of quantised weights
    batch_norm: str = "batch"      # statistics of the batch, or frozen: the running ones of --start, kept
    backward: str = "clean"        # the backward pass uses the weights without noise (Methods C), or noisy: the forward pass's
    clip_sigma: float | None = None  # alpha: weights are clipped to +- alpha sigma of their layer after every update
    validation_images: int = 0     # taken from the training images, balanced over the classes
    average_epochs: float = 0.0    # the result is the mean of the weights over these last epochs; 0: the last weights
    seed: int = 0                  # 32 bits
    kernels: str = "winograd"      # winograd, direct (smaller rounding errors), numpy (the specification; slow)


PRESETS = {
    # The demonstration: about a minute on two cores with the built-in data.
    "demo": TrainingConfig(weight_noise=0.038, clip_sigma=2.0, validation_images=1000),
    # The paper's baseline on CIFAR-10. T: the paper's text, Methods C; C: the published code of Cutout (DeVries and
    # Taylor 2017), the nearest there is for what the text leaves open (I-4).
    "joshi2020-cifar10": TrainingConfig(
        architecture="joshi2020-resnet32",                # T: 361,722 weights, He-normal
        epochs=200.0, schedule="step",                    # T: divided by 10 every 50 epochs
        schedule_epochs=0.0, schedule_start=0.0,          # all of the schedule
        learning_rate=0.1, batch_size=128, batch_parts=1,  # T
        warmup_epochs=0.0,                                # T mentions none
        momentum=0.9, nesterov=False,                     # T: momentum 0.9; Nesterov is not mentioned
        weight_decay=5e-4, decay="all",                   # C
        label_smoothing=0.0,                              # T mentions none
        crop_padding=2, flip=True, cutout=16,             # T; size of Cutout: C
        resized_crop=False,                               # for image files only
        weight_noise=0.0, noise_kind="additive", noise_layers="all", backward="clean",  # the baseline has none of it
        weight_precision="float", clip_sigma=None,                     # nor of this
        validation_images=0, average_epochs=0.0, seed=0, kernels="winograd", batch_norm="batch"),  # ours
    # Retraining with noise after it (--start). T: Methods C and D; D: derived from it; the rest as above.
    "joshi2020-cifar10-noise": TrainingConfig(
        architecture="joshi2020-resnet32",
        epochs=150.0,                                     # T: up to 150
        learning_rate=0.1, schedule="step",               # T: the baseline's rates; where they begin, --match finds,
        schedule_epochs=200.0, schedule_start=50.0,       # D: else from epoch 50 on, which 150 epochs allow
        warmup_epochs=0.0,                                # the network is trained
        batch_size=128, batch_parts=1, momentum=0.9, nesterov=False, weight_decay=5e-4, decay="all", label_smoothing=0.0,
        crop_padding=2, flip=True, cutout=16, resized_crop=False,
        weight_noise=0.038, noise_kind="additive", noise_layers="all",  # T: eta_tr = 3.8 %, afresh for every mini-batch
        weight_precision="float",                         # T: weights of full precision are updated
        backward="clean",                                 # T: noise in the forward pass only
        clip_sigma=2.0,                                   # T: alpha, after every update
        validation_images=0, average_epochs=0.0, seed=0, kernels="winograd", batch_norm="batch"),  # ours
    # ResNet-34 on ImageNet, noise-aware from torchvision's network (--start). T: Methods C and D; the rest is
    # torchvision's reference recipe, as in He et al. 2016, section 3.4.
    "joshi2020-imagenet": TrainingConfig(
        architecture="imagenet-resnet34",
        epochs=10.0, learning_rate=0.001, schedule="constant",         # T
        schedule_epochs=0.0, schedule_start=0.0,                       # no part of another
        batch_size=400, momentum=0.9, weight_decay=1e-4,               # T
        batch_parts=1,                                                 # T: batch norm sees all 400; 18 GiB of memory
        warmup_epochs=0.0,                                             # the network is trained
        nesterov=False, decay="all", label_smoothing=0.0,              # torchvision's
        resized_crop=True, flip=True, crop_padding=0, cutout=0,        # T: crop and flip; their kind is torchvision's (I-4)
        weight_noise=0.038, noise_kind="additive", noise_layers="all",  # T; inner: its second result
        weight_precision="float", backward="clean", clip_sigma=2.5,    # T
        validation_images=0, average_epochs=0.0, seed=0, kernels="winograd", batch_norm="batch"),  # ours
    # The paper's network when hours are few: one cycle; conventional values, compared with others (docs/results.md).
    "joshi2020-cifar10-short": TrainingConfig(
        architecture="joshi2020-resnet32", epochs=30.0, learning_rate=0.2, schedule="one-cycle"),
}

RETRAININGS = ("joshi2020-cifar10-noise", "joshi2020-imagenet")  # presets whose rates are for a trained network

KERNELS = ("winograd", "direct", "numpy")  # what runs the network
PER_IMAGE = "additive-per-image"
_POSITIVE = ("epochs", "batch_size", "batch_parts", "learning_rate", "clip_sigma")
_FRACTION = ("momentum", "label_smoothing")
_NOT_NEGATIVE = ("weight_noise", "weight_decay", "schedule_epochs", "schedule_start", "warmup_epochs", "crop_padding",
                 "cutout", "average_epochs", "validation_images", "seed")
_CHOICES = {
    "batch_norm": ("batch", "frozen"),
    "noise_layers": ("all", "inner"),
    "backward": ("noisy", "clean"),
    "schedule": ("constant", "step", "multi-step", "cosine", "one-cycle"),
    "decay": ("weights", "all"),
    "kernels": KERNELS,
    "noise_kind": ("additive", PER_IMAGE, "multiplicative", "state-dependent", "inputs", "pre-activations"),
    "weight_precision": ("float", "4-bit", "ternary"),
}


def preset(name):
    """Return the configuration of this name. Raises RefpcmError for an unknown one."""
    if name not in PRESETS:
        raise RefpcmError(f"unknown preset {name!r}; known are: {', '.join(PRESETS)}")
    return PRESETS[name]


def override(config, values, source):
    """Return config with `values` {field: value} put over it; `source` names them in errors.

    Raises RefpcmError as `put_over` does, and for values out of range.
    """
    return checked(put_over(config, values, source), source)


def put_over(config, values, source):
    """Return config with `values` put over it, unchecked: others may be put over values that are out of range or do not fit.

    Raises RefpcmError for unknown fields (all at once, with the valid ones) and wrong types.
    """
    kinds = {field.name: kinds_of(field) for field in fields(config)}
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        raise RefpcmError(f"{source}: unknown {', '.join(map(repr, unknown))}; valid are: {', '.join(kinds)}")
    typed = {name: of_kind(kinds[name], value, name, source) for name, value in values.items()}
    return replace(config, **typed)


def kinds_of(field):
    """Return the types a field may have, the main one first; None, if among them, is also written "none"."""
    return get_args(field.type) or (field.type,)


def of_kind(kinds, value, name, source):
    """Return `value` if its type is one of `kinds`; a whole number becomes a float where one is wanted.

    Raises RefpcmError, with `name` and `source`, for other types and numbers beyond a float's.
    """
    if type(None) in kinds and value == "none":  # TOML has no null
        return None
    if float in kinds and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise RefpcmError(f"{source}: {name} is a whole number of {len(str(value))} digits; "
                              "give a smaller one") from None
    if type(value) not in kinds:
        raise RefpcmError(f"{source}: {name} must be of type {kinds[0].__name__}, not {value!r}")
    return value


def checked(config, source):
    """Return config itself. source: where its values come from, or a function of a field's name that says so.

    Raises RefpcmError for the first value out of range, or too long for the epochs of the run.
    """
    checked_but_for_epochs(config, source)
    for name in ("average_epochs", "warmup_epochs"):
        if getattr(config, name) > config.epochs:
            _refuse(config, source, name, f"at most the epochs of the run, {config.epochs:g}")
    left = config.schedule_epochs - config.schedule_start
    if config.schedule_epochs and config.epochs > left + 1e-9:
        _refuse(config, source, "epochs", f"at most {left:g}, what is left of the schedule")
    return config


def _refuse(config, source, name, what):
    """Raises RefpcmError: the field `name` must be `what`."""
    raise RefpcmError(f"{source(name) if callable(source) else source}: {name} = {getattr(config, name)!r} must be {what}")


def checked_but_for_epochs(config, source):
    """Return config itself, whose epochs may be too few for it: a time budget will say how many there are. As `checked`."""
    def wanted(name, what):
        _refuse(config, source, name, what)
    for name in _POSITIVE:
        if getattr(config, name) is not None and not 0 < getattr(config, name) < float("inf"):
            wanted(name, "above zero and finite")
    for name in _FRACTION:
        if not 0 <= getattr(config, name) < 1:
            wanted(name, "at least 0 and below 1")
    for name in _NOT_NEGATIVE:
        if not 0 <= getattr(config, name) < float("inf"):
            wanted(name, "zero or more and finite")
    for name, choices in _CHOICES.items():
        if getattr(config, name) not in choices:
            wanted(name, f"one of {', '.join(choices)}")
    if config.schedule_start and config.schedule_start >= config.schedule_epochs:
        wanted("schedule_start", f"below schedule_epochs, the length of the schedule, {config.schedule_epochs:g}; give both")
    if config.batch_size % config.batch_parts:
        wanted("batch_parts", f"a divisor of the batch size, {config.batch_size}")
    if config.batch_parts > 1 and config.weight_noise and config.noise_kind in (PER_IMAGE, "inputs", "pre-activations"):
        wanted("batch_parts", f"1 where noise_kind is {config.noise_kind!r}, which is addressed by the image in the batch")
    if config.noise_layers == "inner" and config.noise_kind in ("inputs", "pre-activations"):
        wanted("noise_layers", f"all where noise_kind is {config.noise_kind!r}")
    if config.noise_kind == PER_IMAGE and config.backward != "clean":
        wanted("backward", f"clean where noise_kind is {PER_IMAGE!r}")
    if config.noise_kind != "state-dependent" and config.weight_noise >= 1:
        share = "each weight" if config.noise_kind == "multiplicative" else "the largest magnitude"
        wanted("weight_noise", f"below 1, a share of {share}, where noise_kind is {config.noise_kind!r}")
    if config.seed >= 2 ** 32:
        wanted("seed", "below 2^32")
    return config


def difference(config, base):
    """Return {field: value} of config where it differs from base, for printing."""
    return {name: value for name, value in asdict(config).items() if value != getattr(base, name)}
