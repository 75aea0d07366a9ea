"""The standard preprocessing of ImageNet images, with torchvision's rounding, on Pillow.

Evaluation: the whole image to 256 x 256 (Joshi et al. 2020, Methods D), or its shorter side to 256 (torchvision), then
centre crop 224. Training: a random part of the image, scaled to 224, mirrored half of the time (Szegedy et al. 2015,
"Going deeper with convolutions", section 6). Every random number is an argument. Results are
(3, 224, 224) uint8, red, green, blue.
"""

import math

import numpy as np
from PIL import Image

SIDE, CROP = 256, 224
SQUARE, SHORTER_SIDE = SCALINGS = ("square", "shorter-side")  # what becomes 256 pixels long: both sides, or the shorter one
SCALE, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)  # part of the area; width / height
TRIES = 10
CROP_UNIFORMS = 2 * TRIES + 2  # random numbers of a resized crop
UNIFORMS = CROP_UNIFORMS + 1  # of a training image: mirroring has one more


def to_array(image):
    """RGB Pillow image -> (3, H, W) uint8, contiguous."""
    return np.ascontiguousarray(np.asarray(image, np.uint8).transpose(2, 0, 1))


def resized_size(width, height, scaling):
    """(width, height) as one of SCALINGS scales them; with SHORTER_SIDE the longer one is rounded down."""
    if scaling == SQUARE:
        return SIDE, SIDE
    if width <= height:
        return SIDE, int(SIDE * height / width)
    return int(SIDE * width / height), SIDE


def centre_box(width, height, crop=CROP):
    """(left, top, right, bottom) of the middle crop x crop pixels; halves round to even, as Python's round does."""
    left, top = round((width - crop) / 2), round((height - crop) / 2)
    return left, top, left + crop, top + crop


def evaluation_image(image, scaling):
    """RGB Pillow image -> (3, 224, 224) uint8; scaling: one of SCALINGS."""
    size = resized_size(*image.size, scaling)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return to_array(image.crop(centre_box(*image.size)))


def random_box(width, height, uniforms):
    """(left, top, right, bottom) of a random part of an image.

    uniforms (CROP_UNIFORMS or more,) in [0, 1): numbers 2k and 2k + 1 are the k-th try's area and ratio, the next two
    the place. Area in SCALE, uniform; ratio in RATIO, uniform in its logarithm. The first try that fits is taken; if
    none of TRIES does, the largest middle part whose ratio is within RATIO.
    """
    low, high = (math.log(ratio) for ratio in RATIO)
    for k in range(TRIES):
        area = width * height * (SCALE[0] + (SCALE[1] - SCALE[0]) * uniforms[2 * k])
        ratio = math.exp(low + (high - low) * uniforms[2 * k + 1])
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left = int(uniforms[2 * TRIES] * (width - w + 1))
            top = int(uniforms[2 * TRIES + 1] * (height - h + 1))
            return left, top, left + w, top + h
    w, h = width, height
    if width / height < RATIO[0]:
        h = round(width / RATIO[0])
    elif width / height > RATIO[1]:
        w = round(height * RATIO[1])
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def resized_crop(image, uniforms):
    """RGB Pillow image, uniforms (CROP_UNIFORMS or more,) -> (3, 224, 224) uint8: a random part, scaled."""
    part = image.crop(random_box(*image.size, uniforms))
    return to_array(part.resize((CROP, CROP), Image.Resampling.BILINEAR))


def training_image(image, uniforms):
    """RGB Pillow image, uniforms (UNIFORMS,) -> (3, 224, 224) uint8; mirrored if the last uniform is below 1/2."""
    array = resized_crop(image, uniforms)
    return np.ascontiguousarray(array[:, :, ::-1]) if uniforms[UNIFORMS - 1] < 0.5 else array
