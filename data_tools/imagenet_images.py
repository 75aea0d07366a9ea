"""Open the images of ImageNet as they are: grey, CMYK, palette, tiny, damaged."""

import warnings
from dataclasses import dataclass

from PIL import Image

NARROWEST = 100  # longer side / shorter side; beyond it scaling the shorter side to 256 makes a giant
TINY = 224  # pixels: images with a shorter side below this are enlarged a lot


class BrokenImage(Exception):
    """An image that cannot be used; the text says why."""


@dataclass(frozen=True)
class Properties:
    width: int
    height: int
    mode: str  # Pillow's: "RGB", "L" grey, "CMYK", "P" palette, "RGBA" ...

    @property
    def tiny(self):
        return min(self.width, self.height) < TINY


def _guarded(path, work):
    """work(open Pillow image); every way in which a file can be damaged becomes a BrokenImage."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata, very large images
            with Image.open(path) as image:
                width, height = image.size
                if max(width, height) > NARROWEST * min(width, height):
                    raise BrokenImage(f"{width} x {height} pixels: too narrow")
                return work(image)
    except BrokenImage:
        raise
    except Exception as failure:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise BrokenImage(str(failure).replace(str(path), path.name) or type(failure).__name__) from None


def inspect_image(path):
    """Properties of the image, after its whole content was decoded (JPEGs at 1/8 size, which is three times faster).

    Raises BrokenImage.
    """
    def work(image):
        properties = Properties(*image.size, image.mode)
        image.draft(None, (image.width // 8 or 1, image.height // 8 or 1))
        image.load()
        return properties
    return _guarded(path, work)


def open_rgb(path):
    """The image in RGB, in memory. Grey is copied to three channels, CMYK and palettes converted, transparency dropped.

    Raises BrokenImage.
    """
    return _guarded(path, lambda image: image.convert("RGB"))
