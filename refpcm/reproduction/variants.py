"""The trained networks that the figures compare: one name each, and what it changes in the scale's retraining.

I-18: all but "fp32" start from the FP32 network of the same training run, are trained as long and clipped alike;
"control" has nothing else, so that what clipping and more epochs do is not taken for the work of the noise. The
paper tunes a scale factor for each of its other noises; these are not known here, and all have the weight_noise of
Scale.retraining, the state-dependent one the device's own (1.0).
"""

from dataclasses import replace

FP32, NOISE, CONTROL = "fp32", "noise", "control"

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


def noise_variant(eta_tr, scale):
    """Name of the network trained with additive noise eta_tr: fp32 for 0, noise for the scale's own, else noise-ETA."""
    if eta_tr == 0:
        return FP32
    return NOISE if eta_tr == scale.retraining.weight_noise else f"noise-{eta_tr}"


def label(variant):
    """For tables and figures."""
    if variant == FP32:
        return "FP32"
    return RETRAININGS[variant][0] if variant in RETRAININGS else f"additive noise {100 * float(variant[6:]):g} %"


def training_config(scale, variant, seed):
    """TrainingConfig of one training run."""
    if variant == FP32:
        return replace(scale.fp32, seed=seed)
    changes = RETRAININGS[variant][1] if variant in RETRAININGS else {"weight_noise": float(variant[6:])}
    return replace(scale.retraining, seed=seed, **changes)
