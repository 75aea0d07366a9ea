"""The trained networks that the figures compare: one name each, and what it changes in the scale's retraining.

I-18: all but "fp32" and "no-start" start from the FP32 network of the same training run; those that Fig. 3 compares are
trained as long and clipped alike. "control" has nothing else, so that what clipping and more epochs do is not taken for
the work of the noise. The paper tunes a scale factor for each of its other noises; these are not known here, and all
have the weight_noise of Scale.retraining, the state-dependent one the device's own (1.0).

I-28: what leaves out a part of the paper's retraining is the scale's retraining, of the same length, with that part
changed: "no-start" begins with initial weights; "no-clipping" has no bound; "no-rates" has the whole schedule of the
baseline, compressed into the retraining's epochs, in place of the lower rates with which a trained network goes on.
"""

from dataclasses import replace

FP32, NOISE, CONTROL = "fp32", "noise", "control"
NO_START, NO_CLIPPING, NO_RATES = "no-start", "no-clipping", "no-rates"

RETRAININGS = {  # name: (label, changes of Scale.retraining)
    CONTROL: ("no noise, clipped", {"weight_noise": 0.0}),
    NOISE: ("additive noise", {}),
    "4-bit": ("4-bit weights", {"weight_noise": 0.0, "weight_precision": "4-bit"}),
    "ternary": ("ternary weights", {"weight_noise": 0.0, "weight_precision": "ternary"}),
    "multiplicative": ("multiplicative noise", {"noise_kind": "multiplicative"}),
    "state-dependent": ("state-dependent noise", {"noise_kind": "state-dependent", "weight_noise": 1.0}),
    "inputs": ("noise on layer inputs", {"noise_kind": "inputs"}),
    "pre-activations": ("noise on pre-activations", {"noise_kind": "pre-activations"}),
}
RATES = ("learning_rate", "schedule", "warmup_epochs")  # of Scale.fp32, for NO_RATES
LEFT_OUT = {  # name: label; each lacks one part of the retraining NOISE
    NO_START: "no pre-trained start",
    NO_CLIPPING: "no clipping",
    NO_RATES: "the whole schedule, compressed",
}


def noise_variant(eta_tr, scale):
    """Name of the network trained with additive noise eta_tr: fp32 for 0, noise for the scale's own, else noise-ETA."""
    if eta_tr == 0:
        return FP32
    return NOISE if eta_tr == scale.retraining.weight_noise else f"noise-{eta_tr}"


def label(variant):
    """Return the name of a variant for tables and figures."""
    if variant == FP32:
        return "FP32"
    if variant in LEFT_OUT:
        return LEFT_OUT[variant]
    return RETRAININGS[variant][0] if variant in RETRAININGS else f"additive noise {100 * float(variant[6:]):g} %"


def training_config(scale, variant, seed):
    """Return the TrainingConfig of one training run."""
    if variant == FP32:
        return replace(scale.fp32, seed=seed)
    return replace(scale.retraining, seed=seed, **_changes(scale, variant))


def _changes(scale, variant):
    if variant == NO_START:
        return {}
    if variant == NO_CLIPPING:
        return {"clip_sigma": None}
    if variant == NO_RATES:
        return {"schedule_epochs": 0.0, "schedule_start": 0.0, **{name: getattr(scale.fp32, name) for name in RATES}}
    return RETRAININGS[variant][1] if variant in RETRAININGS else {"weight_noise": float(variant[6:])}


def begins_anew(variant):
    """Whether its training begins with initial weights, not with the FP32 network."""
    return variant in (FP32, NO_START)
