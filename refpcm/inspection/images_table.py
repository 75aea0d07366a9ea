"""Lost and won images (refpcm/inspection/images.py) as blocks to show."""

import numpy as np

from refpcm.cli import counted
from refpcm.inspection.charts import confusion_chart
from refpcm.inspection.report import Picture, Table, Text
from refpcm.times import time_text

MOST_CLASSES = 40  # up to which the confusion matrix is shown whole
CONFUSIONS = 20  # shown of more classes


def images_blocks(found, classes, sheet=None):
    """Return lost and won images, the confusions and the images lost on most chips as blocks.

    sheet: function that returns the PNG of the contact sheet, for pages; None: no contact sheet.
    """
    blocks = []
    for row in found:
        chips, when = len(row["lost"]), time_text(row["t_s"])
        blocks.append(Text(f"{when}, {counted(chips, 'chip')}: images lost {mean_text(row['lost'])}, won "
                           f"{mean_text(row['won'])}, mean per chip against the digital network"))
        matrix = np.array(row["confusion"]) / chips
        blocks += confusions(matrix, classes, when)
        lines = [(str(each["image"]), each["class"], each["told"], f"{each['chips']} of {chips}")
                 for each in row["lost_images"]]
        blocks.append(Table(("image", "class", "told by most", "lost on chips"), lines,
                            f"{when}: right in the digital network, wrong on chips, most often first"))
    return [*blocks, *([Picture("Images that the digital network recognises and most chips miss, at the last time", sheet)]
                       if sheet else [])]


def confusions(matrix, classes, when):
    """Return the confusion matrix (classes, classes) as blocks, of many classes the most frequent confusions."""
    if len(classes) <= MOST_CLASSES:
        lines = [(name, *(f"{value:.1f}" for value in line)) for name, line in zip(classes, matrix)]
        return [Table(("class told:", *classes), lines, f"{when}: images of each class (rows), mean over chips"),
                confusion_chart(f"What chips take images for, {when}", matrix, classes)]
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    lines = [(classes[true], classes[told], f"{wrong[true, told]:.1f}")
             for true, told in zip(*np.unravel_index(order, wrong.shape)) if wrong[true, told]]
    return [Table(("class", "told", "images"), lines, f"{when}: most frequent confusions, mean over chips")]


def mean_text(counts):
    """Return the mean of a list as text of one decimal."""
    return f"{sum(counts) / len(counts):.1f}"
