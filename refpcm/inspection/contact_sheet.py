"""The contact sheet of images that chips lose: each with its number, its class, what it is told to be, and by how many."""

import io

import numpy as np

from data_tools.foreign_text import shown
from refpcm.errors import RefpcmError

COLUMNS, PIXELS, GAP = 10, 96, 6
FONT, LINE = 11, 14  # pixels: size of the letters, and from line to line


def sheet_of(images, lost_images, chips):
    """Return the PNG file (bytes) of the images named in `lost_images`, in its order, ten in a row, with labels.

    images: (N, 3, H, W) uint8; lost_images: [{"image", "class", "told", "chips"}] of
    `refpcm.inspection.images.image_changes`; chips: how many there are.
    """
    from PIL import Image, ImageDraw
    font, labels = _font(), [_labels(each, chips) for each in lost_images]
    wide, high = PIXELS + GAP, PIXELS + 3 * LINE + GAP
    rows = max(1, -(-len(lost_images) // COLUMNS))
    sheet = Image.new("RGB", (COLUMNS * wide + GAP, rows * high + GAP), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (each, lines) in enumerate(zip(lost_images, labels)):
        left, top = GAP + place % COLUMNS * wide, GAP + place // COLUMNS * high
        pixels = np.ascontiguousarray(images[each["image"]:each["image"] + 1][0].transpose(1, 2, 0))
        sheet.paste(Image.fromarray(pixels).resize((PIXELS, PIXELS), Image.Resampling.NEAREST), (left, top))
        for number, line in enumerate(lines):
            pen.text((left, top + PIXELS + number * LINE), _fitting(line, font), "black", font)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def _labels(each, chips):
    return f"{each['image']}: {each['class']}", f"told: {each['told']}", f"{each['chips']} of {chips} chips"


def _font():
    from PIL import ImageFont
    try:
        return ImageFont.load_default(FONT)
    except TypeError:  # Pillow before 10.1 has one size only
        return ImageFont.load_default()


def _fitting(line, font):
    """Return a line as far as it fits under an image; letters that the font lacks become question marks."""
    line = shown(line).encode("latin-1", "replace").decode("latin-1")
    if font.getlength(line) <= PIXELS:
        return line
    while line and font.getlength(line + "...") > PIXELS:
        line = line[:-1]
    return line + "..."


def check_sheet(path):
    """Raises RefpcmError for a name that does not end in .png."""
    if not str(path).lower().endswith(".png"):
        raise RefpcmError(f"--sheet {path}: its name must end in .png")
