"""How much is computed: every number of a reproduction in one frozen dataclass, by name or changed by a file.

Nothing heavy is imported here, so that `--help` can print the scales at once.
"""

from dataclasses import dataclass, fields, replace

from refpcm.errors import RefpcmError
from refpcm.reproduction.variants import FP32, LEFT_OUT, RETRAININGS, noise_variant, training_config
from refpcm.spec.training.config import PRESETS, TrainingConfig, kinds_of, of_kind
from refpcm.spec.training.config import checked as checked_training
from refpcm.spec.training.config import override as override_training

HOUR_S, DAY_S, YEAR_S = 3600.0, 86400.0, 31536000.0
PAPER_READS_S = (27.0, 2385.0, 10172.0, 100748.0)  # of its chip, among others
PAPER_ETAS_TR = (0.026, 0.0377, 0.0565, 0.0753, 0.113)  # of its Fig. 2


@dataclass(frozen=True)
class Scale:
    """fp32: the baseline training; retraining: what follows it, noise-aware, weight_noise being the eta_tr for PCM.

    Trainings of another eta_tr, noise or precision are `retraining` with that changed. Seeds in the two are replaced
    by those of `seeds`, one training run each. What is measured runs on the kernels of fp32. Times in seconds since
    programming.
    """
    fp32: TrainingConfig
    retraining: TrainingConfig
    seeds: tuple = (0,)
    etas_tr: tuple = (0.038, 0.0753, 0.113)      # Fig. 2; eta_tr = 0 is the FP32 network
    etas_inf: tuple = (0.0, 0.02, 0.038, 0.06, 0.1)
    inference_runs: int = 10                     # of additive noise for each network and eta_inf
    transfer: tuple = ("fp32", "control", "noise", "4-bit", "ternary")  # Fig. 3, see refpcm/reproduction/variants.py
    chips: int = 5
    reads: int = 1                               # of each chip at each time
    transfer_s: float = 25.0                     # Fig. 3
    transfer_device: str = "joshi2020-transfer"  # Fig. 3: one Gaussian a weight, the same at all times
    day_s: tuple = (25.0, 1000.0, *PAPER_READS_S[1:3], DAY_S)  # Fig. 4
    year_s: tuple = (25.0, DAY_S, YEAR_S)        # Fig. 5, and the causes
    device: str = "joshi2020"                    # Fig. 4 and 5, the causes, and calibration
    on_chip: str = "all"                         # or inner: first and last layer stay digital
    images: int | None = None                    # only the first so many test images; None = all
    calibration: str = "train-augmented"         # images of AdaBS (I-11), or train
    adabs_batches: int | None = None             # n and m of AdaBS; None = the paper's for the data
    adabs_batch_size: int | None = None
    calibration_batches: tuple = (1, 3, 6, 13, 26)  # n of AdaBS, to compare numbers of images


SCALES = {
    # A few minutes on one core, on the built-in data. Shows the shapes; one training run, no spread of trainings.
    "smoke": Scale(
        fp32=TrainingConfig(architecture="tiny-resnet8", epochs=4.0, learning_rate=0.2, schedule="one-cycle"),
        retraining=TrainingConfig(architecture="tiny-resnet8", epochs=1.0, learning_rate=0.02, schedule="cosine",
                                  weight_noise=0.038, clip_sigma=2.0),
        etas_tr=(0.038, 0.113), inference_runs=5, images=500),
    # A network of a sixth of the weights on CIFAR-10, three training runs.
    "small": Scale(
        fp32=TrainingConfig(architecture="tiny-resnet8", epochs=8.0, learning_rate=0.2, schedule="one-cycle",
                            kernels="winograd"),
        retraining=TrainingConfig(architecture="tiny-resnet8", epochs=1.5, learning_rate=0.02, schedule="cosine",
                                  weight_noise=0.038, clip_sigma=2.0, kernels="winograd"),
        seeds=(0, 1, 2), inference_runs=5, chips=3, images=2000, year_s=(25.0, DAY_S, 30 * DAY_S, YEAR_S)),
    # The paper's network, data, recipe (I-4), eta_tr of Fig. 2 and numbers of runs: 10 trainings, in Fig. 2 with 100
    # inferences each. The retrainings begin at epoch 50 of the schedule, no matched learning rates (I-27) are looked
    # for; 25 chips are our choice. Weeks, so for several machines.
    "full": Scale(
        fp32=PRESETS["joshi2020-cifar10"], retraining=PRESETS["joshi2020-cifar10-noise"], seeds=tuple(range(10)),
        etas_tr=PAPER_ETAS_TR, etas_inf=(0.0, 0.01, 0.02, 0.03, 0.038, 0.05, 0.06, 0.08, 0.1, 0.12), inference_runs=100,
        transfer=("fp32", "control", "noise", "4-bit", "ternary", "multiplicative", "inputs", "pre-activations"),
        chips=25, day_s=(25.0, 1000.0, *PAPER_READS_S, DAY_S),
        year_s=(25.0, HOUR_S, DAY_S, 7 * DAY_S, 30 * DAY_S, YEAR_S),
        calibration_batches=(1, 3, 6, 13, 26, 52)),
}


def override(scale, values, source):
    """Return scale with `values` {field: value} put over it; fp32 and retraining take tables of their own.

    Raises RefpcmError for unknown fields, wrong types, empty lists and values out of range.
    """
    kinds = {field.name: kinds_of(field) for field in fields(Scale)}
    unknown = sorted(set(values) - set(kinds))
    if unknown:
        raise RefpcmError(f"{source}: unknown {', '.join(map(repr, unknown))}; valid are: {', '.join(kinds)}")
    changes = {}
    for name, value in values.items():
        if TrainingConfig in kinds[name]:
            if not isinstance(value, dict):
                raise RefpcmError(f"{source}: {name} must be a table of training settings, not {value!r}")
            if "seed" in value:
                raise RefpcmError(f"{source}, {name}: the seeds of all trainings are given in seeds")
            changes[name] = override_training(getattr(scale, name), value, f"{source}, {name}")
        elif tuple in kinds[name]:
            changes[name] = _entries(value, type(getattr(SCALES["full"], name)[0]), name, source)
        else:
            changes[name] = of_kind(kinds[name], value, name, source)
    return checked(replace(scale, **changes), source)


def differences(scale, other):
    """Return the names of the fields in which two scales differ, those of a training as in "retraining.epochs"."""
    found = []
    for field in fields(Scale):
        one, two = getattr(scale, field.name), getattr(other, field.name)
        if isinstance(one, TrainingConfig):
            found += [f"{field.name}.{part.name}" for part in fields(one) if getattr(one, part.name) != getattr(two, part.name)]
        elif one != two:
            found.append(field.name)
    return found


def _check_trainings(scale, source):
    """Raises RefpcmError if what is changed for the single networks would not start from where the names say."""
    fp32, retraining = scale.fp32, scale.retraining
    if fp32.architecture != retraining.architecture:
        raise RefpcmError(f"{source}: retraining goes on with the networks of fp32, so its architecture must be "
                          f"{fp32.architecture} too, not {retraining.architecture}")
    if (fp32.weight_noise, fp32.weight_precision, fp32.batch_norm) != (0.0, "float", "batch"):
        raise RefpcmError(f"{source}: fp32 is the training without noise and from the beginning, its weight_noise must be "
                          "0, its weight_precision float and its batch_norm batch")
    kind = (retraining.noise_kind, retraining.weight_precision)
    if not 0 < retraining.weight_noise < 1 or kind != ("additive", "float"):
        raise RefpcmError(f"{source}: retraining is the training with additive noise, its weight_noise must lie "
                          "between 0 and 1, its noise_kind be additive and its weight_precision float; other kinds are "
                          "named in transfer")


def _entries(value, kind, name, source):
    """Return the list `value` as a tuple of different entries of one kind."""
    if not isinstance(value, (list, tuple)) or not value:
        raise RefpcmError(f"{source}: {name} must be a list with at least one entry, not {value!r}")
    entries = tuple(of_kind((kind,), entry, name, source) for entry in value)
    if len(set(entries)) < len(entries):
        raise RefpcmError(f"{source}: {name} names something twice: {value!r}")
    return entries


def checked(scale, source):
    """Return scale itself. Raises RefpcmError for the first value out of range."""
    _check_trainings(scale, source)
    if not all(0 < eta < 1 for eta in scale.etas_tr):
        raise RefpcmError(f"{source}: etas_tr must lie between 0 and 1; eta_tr = 0 is the FP32 network, always there")
    if not all(0 <= eta < 1 for eta in scale.etas_inf):
        raise RefpcmError(f"{source}: etas_inf must be at least 0 and below 1")
    if not all(0 <= seed < 2 ** 32 for seed in scale.seeds):
        raise RefpcmError(f"{source}: seeds must lie in 0 .. 2^32 - 1")
    unknown = [name for name in scale.transfer if name not in (FP32, *RETRAININGS)]
    if unknown:
        raise RefpcmError(f"{source}: transfer names unknown networks {', '.join(unknown)}; known are: "
                          f"{', '.join((FP32, *RETRAININGS))}")
    for variant in (*scale.transfer, *LEFT_OUT, *(noise_variant(eta, scale) for eta in scale.etas_tr)):
        checked_training(training_config(scale, variant, 0), f"{source}, training of {variant}")
    if scale.calibration not in ("train", "train-augmented"):
        raise RefpcmError(f"{source}: calibration must be train or train-augmented, not {scale.calibration!r}")
    if min(scale.calibration_batches) < 1:
        raise RefpcmError(f"{source}: calibration_batches must be at least 1")
    for name in ("inference_runs", "chips", "reads", "adabs_batches", "adabs_batch_size", "images"):
        if getattr(scale, name) is not None and getattr(scale, name) < 1:
            raise RefpcmError(f"{source}: {name} must be at least 1, not {getattr(scale, name)}")
    return scale
