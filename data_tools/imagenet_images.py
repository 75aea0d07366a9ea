"""Open the images of ImageNet as they are: grey, CMYK, palette, tiny, damaged. JPEG and PNG of 8 bits a channel only.

Pillow would open dozens of formats by the content of a file, some of them with other programs.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from data_tools.errors import DataError
from data_tools.foreign_text import shown
from data_tools.reading import regular_size

# Of odd metadata and very large images. Once and for all, since threads cannot set filters of their own.
warnings.filterwarnings("ignore", module=r"PIL\.")

NARROWEST = 100  # longer side / shorter side; beyond it scaling the shorter side to 256 makes a giant
TINY = 224  # pixels: images with a shorter side below this are enlarged a lot
FORMATS = ("JPEG", "PNG")
PIXELS_FLOOR, PIXELS_PER_BYTE = 1 << 22, 256  # an image may have so many pixels, and so many more for each byte of its file
MOST_SCANS = 100  # of a progressive JPEG, which has about ten; each is a pass over all pixels
_OTHERS = ((b"%!PS", "EPS"), (b"GIF8", "GIF"), (b"RIFF", "WebP"), (b"BM", "BMP"), (b"II*\0", "TIFF"), (b"MM\0*", "TIFF"),
           (b"8BPS", "PSD"), (b"\0\0\0\x0cjP", "JPEG 2000"), (b"%PDF", "PDF"), (b"<", "HTML, XML or SVG"))


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
        regular_size(path)
    except DataError:
        raise BrokenImage("not a regular file") from None
    with open(path, "rb") as file:
        content = file.read()
    if content.startswith(b"\x89PNG") and content[24:25] == b"\x10":
        raise BrokenImage("16 bits a channel; only 8 are read, convert it")
    if content.startswith(b"\xff\xd8") and content.count(b"\xff\xda") > MOST_SCANS:
        raise BrokenImage(f"a JPEG with more than {MOST_SCANS} scans")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            if max(width, height) > NARROWEST * min(width, height):
                raise BrokenImage(f"{width} x {height} pixels: too narrow")
            if width * height > PIXELS_FLOOR + PIXELS_PER_BYTE * len(content):
                raise BrokenImage(f"{width} x {height} pixels, which is too much for a file of {len(content)} bytes")
            return work(image)
    except (BrokenImage, MemoryError):
        raise
    except UnidentifiedImageError:
        raise BrokenImage(_what_it_is(content)) from None
    except Exception as failure:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        raise BrokenImage(shown(str(failure)) or type(failure).__name__) from None


def _what_it_is(content):
    """What a file is that Pillow does not take for JPEG or PNG."""
    if content.startswith((b"\xff\xd8", b"\x89PNG")):
        return "a damaged JPEG or PNG, or one of 12 bits a channel; only 8 are read"
    name = next((name for begin, name in _OTHERS if content.startswith(begin)), "no image of a known form")
    return f"{name}; only JPEG and PNG are read"


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
