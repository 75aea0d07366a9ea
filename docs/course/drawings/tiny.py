"""The small network of the course, its images and its chips, as the chapters have them."""

import numpy as np

import refpcm
from docs.course.draw import FOLDER

FILE = refpcm.load_network(FOLDER / "tiny.safetensors")
NETWORK, TRAINED, ENGINE = FILE.network, FILE.parameters, refpcm.make_engine(FILE.network)
DATA = refpcm.load_data()


def normalised(pixels):
    """Return uint8 images (N, C, H, W) as the network wants them."""
    mean, std = (np.reshape(values, (3, 1, 1)) for values in (DATA.mean, DATA.std))
    return ((pixels / 255 - mean) / std).astype(np.float32)


def images(count):
    """Return the first test images (count, C, H, W) and their labels (count,)."""
    return normalised(DATA.test_images[:count]), DATA.test_labels[:count]


def calibration(batches, size=200):
    """Return mini-batches of training images for AdaBS."""
    return [normalised(DATA.train_images[i * size:(i + 1) * size]) for i in range(batches)]


def with_gdc(device, chip, time):
    """Return the matrices {layer: (R, K)} that a chip has at a time after global drift compensation."""
    chip = refpcm.program_network(NETWORK, TRAINED, device, seed=0, chip=chip)
    return refpcm.compensated_read(chip, time, refpcm.reference_readouts(chip))[1]


def on_chip(matrices):
    """Return the parameters with these matrices."""
    return refpcm.with_matrices(NETWORK, TRAINED, matrices)
