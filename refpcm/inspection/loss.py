"""Where the accuracy goes: points lost on a chip, by physical cause and by layer.

For every chip i, time and cause or layer X, with the same random numbers in all cases:

    lost_i        = 100 (digital - all_i)            points lost with everything on
    only_i(X)     = 100 (nothing_i - only_i(X))      points lost with X alone
    without_i(X)  = 100 (without_i(X) - all_i)       points won back by taking X off

nothing_i, everything off, is digital. Only after AdaBS, which changes an ideal chip, too, it depends on the chip's
calibration images; what AdaBS costs there is then in no only_i(X).

Losses do not add up, since each bends what the next one meets. What is missing, lost - sum of only(X) and lost - sum of
without(X), is part of the result. Means over chips, with intervals of the paired differences (refpcm/evaluation/paired.py).
"""

from dataclasses import asdict

from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.nested import summarise_shares
from refpcm.evaluation.on_tiles import with_ranges
from refpcm.evaluation.paired import paired, rank_correlation
from refpcm.evaluation.provenance import provenance
from refpcm.evaluation.run import run_units
from refpcm.evaluation.store import Store
from refpcm.evaluation.unit import check_adabs, check_times
from refpcm.inspection.causes import causes_of
from refpcm.inspection.loss_task import WHOLE, check_loss, layers_on_chip, loss_counts, loss_fingerprint, loss_tasks


def run_loss(protocol, by, folder, executor=None, progress=lambda done, total: None, inputs=None):
    """Return the losses by cause, layer or both, ready for JSON; finished units are kept in `folder`.

    protocol: of `refpcm.evaluation.protocol`, with one compensation, one read, frozen read noise and the first read as the
    reference of GDC; executor, progress and inputs: as in `refpcm.evaluation.run.run`. Raises RefpcmError for another
    protocol, and for data without images to calibrate with where they are needed.
    """
    check_loss(protocol)
    inputs = inputs or load_inputs(protocol)
    check_adabs(inputs, protocol)
    check_times(protocol)
    protocol = with_ranges(inputs, protocol)
    if by != "cause":
        inputs.calibration_images(protocol.calibration)
    layers = layers_on_chip(inputs, protocol)
    mark = loss_fingerprint(inputs, protocol)
    every = loss_tasks(protocol, by, layers)
    counts = run_units(inputs, every, loss_counts, loss_fingerprint, Store(folder, mark), executor, progress)
    found = {(task.group, task.chip, task.t_s): value for task, value in counts.items()}
    images = inputs.image_count(protocol.images)
    digital = inputs.count_correct(inputs.file.parameters, protocol.images)
    settings = protocol, digital, images
    return {"digital_accuracy": digital / images, "test_images": images, "data": inputs.data.name,
            "architecture": inputs.file.network.architecture, "by": by, "protocol": asdict(protocol), "fingerprint": mark,
            "times": [at_time(found, float(t_s), by, layers, *settings) for t_s in protocol.times_s],
            "sha256": provenance(protocol.network, inputs.file.notes, inputs.data)}


def at_time(found, t_s, by, layers, protocol, digital, images):
    """Return the losses at one time. found: {(group, chip, t_s): {part: number}}; digital: images recognised digitally."""
    chips = range(protocol.chips)
    of_group = {group: [found[group, chip, t_s] for chip in chips]
                for group in (WHOLE, "cause", "layer") if (group, 0, t_s) in found}
    all_on = [unit["all"] for unit in of_group[WHOLE]]
    all_off = [unit["nothing"] for unit in of_group[WHOLE] if "nothing" in unit]  # without AdaBS only chip 0 has it
    nothing = [unit.get("nothing", digital) for unit in of_group[WHOLE]]
    lost = [points(digital - count, images) for count in all_on]
    row = {"t_s": t_s, "accuracy": accuracy([count / images for count in all_on]), "lost": paired(lost),
           "everything_off": sum(all_off) / len(all_off) / images}
    if by != "layer":
        names = causes_of(protocol)
        row["causes"], row["causes_remainder"] = attribution(of_group["cause"], names, all_on, nothing, digital, images)
    if by != "cause":
        rows, row["layers_remainder"] = attribution(of_group["layer"], layers, all_on, nothing, digital, images)
        row["layers"] = [{**each, **{what: sum(unit[f"{what} {each['name']}"] for unit in of_group["layer"]) / len(chips)
                                     for what in ("mvm_error", "estimate")}} for each in rows]
        alone = [each["only"]["mean"] for each in rows]
        row["rank_correlation"] = {what: rank_correlation([each[what] for each in row["layers"]], alone)
                                   for what in ("mvm_error", "estimate")}
    return row


def attribution(units, names, all_on, nothing, digital, images):
    """Return [{"name", "only", "without"}] and the remainder {"only", "without"}: what the sums lack of the whole loss.

    units: [{part: images recognised}] of the chips; all_on, nothing: of each with everything on and off; digital: digitally.
    After AdaBS the remainder of "only" also holds what AdaBS costs an ideal chip, digital - nothing.
    """
    rows, remainder = [], {case: [points(digital - whole, images) for whole in all_on] for case in ("only", "without")}
    for name in names:
        lost = {"only": [points(off - unit[f"only {name}"], images) for unit, off in zip(units, nothing)],
                "without": [points(unit[f"without {name}"] - whole, images) for unit, whole in zip(units, all_on)]}
        rows.append({"name": name, **{case: paired(values) for case, values in lost.items()}})
        remainder = {case: [left - value for left, value in zip(remainder[case], lost[case])] for case in lost}
    return rows, {case: paired(values) for case, values in remainder.items()}


def accuracy(shares):
    """Return {"mean", "low", "high", "chips"} of the accuracies of chips, the interval as an evaluation has it."""
    summary = summarise_shares([[share] for share in shares])
    return {"mean": summary.mean, "low": summary.low, "high": summary.high, "chips": shares}


def points(count, images):
    """Return so many images in points of accuracy."""
    return 100.0 * count / images
