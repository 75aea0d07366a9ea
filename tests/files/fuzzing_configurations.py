"""What is fuzzed of text that a user writes: devices, configurations, times, augmentations, names of architectures."""

import json
import sys

import numpy as np

from refpcm.evaluation.calibration import parsed_augmentation
from refpcm.files.devices import read_device
from refpcm.reproduction.scales import SCALES
from refpcm.reproduction.scales import override as override_scale
from refpcm.spec.pcm.chip import program, read
from refpcm.spec.resnet import build
from refpcm.spec.training.config import override, preset
from refpcm.times import parse_times
from tests.files.fuzzing_targets import plain

MATRIX = np.linspace(-1, 1, 12).reshape(3, 4)

DEVICE = """name = "mine"
based_on = "joshi2020"
g_max_us = 20.0
stuck_fraction = 0.01
reset_device = "zero"
programming_us = [0.25, 1.9, -1.1]
[drift]
g_us = [0.0, 5.0, 20.0]
nu_mean = [0.10, 0.06, 0.05]
nu_sigma = {slope = -0.01, offset = 0.0, low = 0.008, high = 0.04}
[read_noise]
factor = 0.0088
exponent = -0.65
high = 0.2
"""


def use_device(path):
    """Read a device and use it: what is accepted must be of use."""
    chip = program({"layer": MATRIX}, read_device(path), 0, 0)
    assert np.isfinite(read(chip, chip.device.t0_s * 2)["layer"]).all()


def toml(path, name):
    """A file of the same content under a name that ends as its form."""
    named = path.with_name(name)
    named.write_bytes(path.read_bytes())
    return named


def read_configuration(path):
    from refpcm.files.configuration import read_config_file
    override(preset("demo"), read_config_file(path), path)


def read_scale(path):
    from refpcm.files.configuration import read_config_file
    override_scale(SCALES["smoke"], read_config_file(path), path)


CONFIGURATION = {"architecture": "tiny-resnet8", "epochs": 3, "learning_rate": 0.1, "schedule": "cosine", "flip": True,
                 "clip_sigma": "none", "weight_noise": 0.03, "seed": 7}
SCALE = {"chips": 3, "day_s": [25.0, 86400.0], "device": "joshi2020", "seeds": [0, 1], "fp32": {"epochs": 2.0}}


def as_toml(values):
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)) + "".join(
        f"\n[{key}]\n{as_toml(value)}" for key, value in values.items() if isinstance(value, dict))


if sys.version_info >= (3, 11):
    plain("device, TOML", DEVICE.encode(), use_device)
    plain("configuration of a training, TOML", as_toml(CONFIGURATION).encode(), read_configuration)
    plain("configuration of a reproduction, TOML", as_toml(SCALE).encode(), read_scale)
plain("configuration of a training, JSON", json.dumps(CONFIGURATION).encode(),
      lambda path: read_configuration(toml(path, "file.json")))
plain("configuration of a reproduction, JSON", json.dumps(SCALE).encode(), lambda path: read_scale(toml(path, "file.json")))
plain("times", b"25s, 1h, 1.5day, 2e3 s, .5 year", lambda path: parse_times(path.read_bytes().decode("latin-1")))
plain("augmentation", b"crop 4, flip, cutout 8, resized-crop",
      lambda path: parsed_augmentation(path.read_bytes().decode("latin-1")))
plain("architecture spelled out", b"cifar-resnet-8x1-12x2-projection", lambda path: build(
    path.read_bytes().decode("latin-1"), 10))
