"""Which test images a chip loses or wins, and what it takes them for."""

import io

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.files.atomic import write_bytes
from refpcm.inspection.loss_task import whole_chip

MOST_ROWS = 20  # images in the list of those that chips lose
SHEET_COLUMNS, SHEET_PIXELS, GAP = 10, 96, 4


def image_changes(inputs, protocol, progress=lambda done, total: None):
    """Return what the chips say of every test image at each of the protocol's times, beside the digital network.

    [{"t_s", "lost", "won", "confusion", "lost_images"}]: lost and won, of each chip, the images that only the digital network
    or only the chip recognises; confusion (classes, classes), rows the true class, columns the class told, over all
    chips; lost_images: the images that the digital network recognises and chips miss, those that most chips miss first,
    with their class and the chips' most frequent wrong answer.
    """
    count = inputs.image_count(protocol.images)
    truth = np.asarray(inputs.data.test_labels[:count], np.int64)
    digital = inputs.predicted(inputs.file.parameters, protocol.images)
    told = {float(t_s): [] for t_s in protocol.times_s}
    for chip in range(protocol.chips):
        for t_s, answers in told.items():
            parameters, engine = whole_chip(inputs, protocol, chip, t_s)
            engine.next_image = 0
            answers.append(inputs.predicted(parameters, protocol.images, 0, engine))
        progress(chip + 1, protocol.chips)
    return [{"t_s": t_s, **compared(truth, digital, np.array(answers), inputs.data.classes)}
            for t_s, answers in told.items()]


def compared(truth, digital, told, classes):
    """Return the comparison of answers told (chips, N) with the digital ones (N,) and the truth (N,)."""
    right_before, right = digital == truth, told == truth
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (np.broadcast_to(truth, told.shape), told), 1)
    misses = np.where(right_before, (~right).sum(0), 0)
    lost_images = [{"image": int(i), "class": classes[truth[i]], "told": classes[frequent(told[:, i][~right[:, i]])],
                    "chips": int(misses[i])} for i in np.argsort(-misses, kind="stable")[:MOST_ROWS] if misses[i]]
    return {"lost": (right_before & ~right).sum(1).tolist(), "won": (~right_before & right).sum(1).tolist(),
            "confusion": confusion.tolist(), "lost_images": lost_images}


def frequent(answers):
    """Return the most frequent class number, the smallest of equals."""
    return int(np.bincount(answers).argmax())


def write_sheet(path, images, lost_images):
    """Write the images named in `lost_images`, worst first, as one PNG file of ten in a row.

    images: (N, 3, H, W) uint8. Raises RefpcmError for a name that does not end in .png, and if it cannot be written.
    """
    check_sheet(path)
    from PIL import Image
    rows = max(1, -(-len(lost_images) // SHEET_COLUMNS))
    step = SHEET_PIXELS + GAP
    sheet = Image.new("RGB", (SHEET_COLUMNS * step + GAP, rows * step + GAP), "white")
    for place, each in enumerate(lost_images):
        pixels = np.ascontiguousarray(images[each["image"]:each["image"] + 1][0].transpose(1, 2, 0))
        picture = Image.fromarray(pixels).resize((SHEET_PIXELS, SHEET_PIXELS), Image.Resampling.NEAREST)
        sheet.paste(picture, (GAP + place % SHEET_COLUMNS * step, GAP + place // SHEET_COLUMNS * step))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    write_bytes(path, content.getvalue())


def check_sheet(path):
    """Raises RefpcmError for a name that does not end in .png."""
    if not str(path).lower().endswith(".png"):
        raise RefpcmError(f"--sheet {path}: its name must end in .png")
