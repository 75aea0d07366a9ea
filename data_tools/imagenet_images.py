"""Open the images of ImageNet as they are: grey, CMYK, palette, tiny, damaged."""

import warnings
from dataclasses import dataclass

from PIL import Image

# Of odd metadata and very large images. Once and for all, since threads cannot set filters of their own.
warnings.filterwarnings("ignore", module=r"PIL\.")

NARROWEST = 100  # longer side / shorter side; beyond it scaling the shorter side to 256 makes a giant
TINY = 224  # pixels: images with a shorter side below this are enlarged a lot


class BrokenImage(Exception):
    """An image that cannot be used; the text says why."""


@dataclass(frozen=True)
class Properties:
    """Of an image file; width and height in pixels."""
    width: int
    height: int
    mode: str  # Pillow's: "RGB", "L" grey, "CMYK", "P" palette, "RGBA" ...

    @property
    def tiny(self):
        return min(self.width, self.height) < TINY


def _guarded(path, work):
    """work(open Pillow image); every way in which a file can be damaged becomes a BrokenImage.

    Raises OSError where the disk fails or forbids, and MemoryError: the file may be sound.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            if max(width, height) > NARROWEST * min(width, height):
                raise BrokenImage(f"{width} x {height} pixels: too narrow")
            return work(image)
    except (BrokenImage, MemoryError):
        raise
    except Exception as failure:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        if isinstance(failure, OSError) and failure.errno is not None:  # of the system; Pillow's own have no number
            raise
        raise BrokenImage(str(failure).replace(str(path), path.name) or type(failure).__name__) from None


def inspect_image(path):
    """Properties of the image, after its whole content was decoded (JPEGs at 1/8 size, which is three times faster).

    Raises BrokenImage, OSError, MemoryError.
    """
    def work(image):
        properties = Properties(*image.size, image.mode)
        image.draft(None, (image.width // 8 or 1, image.height // 8 or 1))
        image.load()
        return properties
    return _guarded(path, work)


def open_rgb(path):
    """The image in RGB, in memory. Grey is copied to three channels, CMYK and palettes converted, transparency dropped.

    Raises BrokenImage, OSError, MemoryError.
    """
    return _guarded(path, lambda image: image.convert("RGB"))
