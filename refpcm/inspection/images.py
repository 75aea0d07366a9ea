"""Which test images a chip loses or wins, and what it takes them for."""

import numpy as np

from refpcm.inspection.loss_task import whole_chip

MOST_ROWS = 20  # images in the list of those that chips lose


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
