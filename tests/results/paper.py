"""Section of docs/results.md that puts the paper's statements next to what was found here."""

from tests.results.chips import AUGMENTED, DAY_S, EVALUATION, PLAIN, YEAR_S, by_time, paired, rows_of
from tests.results.expected import EXPECTED
from tests.results.files import command, percent, read, reported, table, with_interval
from tests.results.paper_recipe import (
    BASELINE,
    PAPERS,
    RETRAINED,
    TRANSFER,
    digital,
    first_number,
    order,
    transferred,
)
from tests.results.runs import FP32, NOISE, network_file

TARGETS, EIGHT_BITS, EIGHT_BITS_TRANSFER = "evaluation-targets", "evaluation-8-bit", "transfer-8-bit.json"
OWN_RANGES = "transfer-8-bit-own.json"
AS_THEY_ARE = "AdaBS, images as they are (I-11)"
ASKED = read(f"{NOISE}/{EVALUATION}/result.json")
TEST_IMAGES, CHIPS = ASKED["test_images"], ASKED["protocol"]["chips"]  # of all evaluations in the table
(FP32_TRAINED, FP32_TRANSFERRED), (NOISE_TRAINED, NOISE_TRANSFERRED) = reported("transfer-fp32"), reported("transfer-noise")
(HARDWARE,), (DAY_GDC, DAY_ADABS, DAY_GAIN), (YEAR_GAIN,) = reported("hardware"), reported("day"), reported("year")
(LOST,), (CONVERTERS,) = reported("transfer-lost"), reported("converters")
ERROR = 100 * (0.94 * 0.06 / TEST_IMAGES) ** 0.5  # standard error of an accuracy, in points

STATEMENTS = {  # key of a cell: (statement, the paper's number)
    "fp32": ("FP32 training, in software", percent(FP32_TRAINED)),
    "fp32 transfer": ("that network after transfer (one Gaussian a weight)", percent(FP32_TRANSFERRED)),
    "noise": ("noise-aware training, in software", percent(NOISE_TRAINED)),
    "noise transfer": ("that network after transfer", percent(NOISE_TRANSFERRED)),
    "lost": ("points lost by transfer, below the FP32 network", f"< {100 * LOST:g}"),
    "lost of its own": ("points lost by transfer, below itself in software", "-"),
    "paper/4-bit": ("4-bit weights, in software", PAPERS["paper/4-bit"][1]),
    "paper/4-bit transfer": ("that network after transfer", PAPERS["paper/4-bit"][2]),
    "paper/ternary": ("ternary weights, in software", PAPERS["paper/ternary"][1]),
    "paper/ternary transfer": ("that network after transfer", PAPERS["paper/ternary"][2]),
    "order": ("order after transfer", order()[0]),
    "deviation": ("standard deviation of (G - G_T) / G_max over the weights of a chip, 25 s", "4 % (hardware, as printed)"),
    "first": ("on chip, 25 s", f"{percent(HARDWARE)} (hardware)"),
    "expected": ("on chip, 25 s, statistics of the expected chip (I-21)", "the same"),
    "targets": ("on chip, 25 s, GDC with the targets as its reference (I-24)", "the same"),
    "first adabs": ("on chip, 25 s, AdaBS", "the same"),
    "first plain": (f"on chip, 25 s, {AS_THEY_ARE}", "the same"),
    "day gdc": ("one day, GDC", f"> {100 * DAY_GDC:g} % (hardware)"),
    "day adabs": ("one day, AdaBS", f"> {100 * DAY_ADABS:g} % (hardware)"),
    "day plain": (f"one day, {AS_THEY_ARE}", "the same"),
    "day gain": ("one day, AdaBS over GDC", f"+{100 * DAY_GAIN:g} points"),
    "year gain": ("one year, AdaBS over GDC", f"+{100 * YEAR_GAIN:g} points (its own model over time)"),
    "year plain": (f"one year, {AS_THEY_ARE}, over GDC", "the same"),
    "none": ("no compensation, 1000 s", "10 % within about 1000 s"),
    "none day": ("no compensation, one day", "-"),
    "8-bit transfer": ("points that 8-bit converters cost after transfer", f"< {100 * CONVERTERS:g}"),
    "8-bit": ("points that 8-bit converters cost on chip, 25 s, GDC", f"< {100 * CONVERTERS:g} (its model over time)")}


def reached(value, wanted, words=("above", "short")):
    """Whether an accuracy reaches the paper's, and if that is certain for so many test images."""
    above = 100 * (value - wanted)
    by = f"{abs(above):.{2 if abs(above) >= 0.005 else 3}f} points {words[above < 0]}" if value != wanted else "equal"
    return f"uncertain, {by}" if abs(above) <= ERROR else "yes" if above > 0 else f"no, {by}"


def in_software_and_after_transfer(fp32, noise):
    """{key: (ours, whether it is reached)} of an FP32 network and the one that was retrained with noise."""
    after_fp32, after, own = transferred(fp32), transferred(noise), digital(noise)

    def lost(software):
        return f"{100 * (software - after['mean']):.2f} +- {50 * (after['high'] - after['low']):.2f}"

    return {"fp32": (percent(digital(fp32)), reached(digital(fp32), FP32_TRAINED)),
            "fp32 transfer": (with_interval(after_fp32), f"no, {100 * (after_fp32['mean'] - FP32_TRANSFERRED):+.2f} points"),
            "noise": (percent(own), reached(own, NOISE_TRAINED)),
            "noise transfer": (with_interval(after), reached(after["mean"], NOISE_TRANSFERRED)),
            "lost": (lost(digital(fp32)), reached(after["mean"], digital(fp32) - LOST, ("less", "more"))),
            "lost of its own": (lost(own), "-")}


def on_chips(noise):
    """{key: (ours, whether it is reached)} of a noise-trained network on the chips of the default device."""
    chips = by_time(rows_of(noise))

    def accuracy(t_s, compensation, wanted):
        row = chips[t_s, compensation]
        return with_interval(row), reached(row["mean"], wanted)

    def over_gdc(t_s, compensation, wanted):
        gain, half = paired(chips[t_s, compensation], chips[t_s, "gdc"])
        return (f"{gain:+.2f} +- {half:.2f} points",
                "yes, within the interval" if abs(gain - 100 * wanted) <= half else f"no, {gain - 100 * wanted:+.2f} points")

    def chance(t_s, compensation, wanted):
        row = chips[t_s, compensation]
        return with_interval(row), "yes" if row["mean"] < wanted else "no, later"

    def alone(t_s, compensation, _):
        return with_interval(chips[t_s, compensation]), "-"

    cells = {"first": (accuracy, 25.0, "none", HARDWARE), "first adabs": (accuracy, 25.0, AUGMENTED, HARDWARE),
             "first plain": (accuracy, 25.0, PLAIN, HARDWARE), "day gdc": (accuracy, DAY_S, "gdc", DAY_GDC),
             "day adabs": (accuracy, DAY_S, AUGMENTED, DAY_ADABS), "day plain": (accuracy, DAY_S, PLAIN, DAY_ADABS),
             "day gain": (over_gdc, DAY_S, AUGMENTED, DAY_GAIN), "year gain": (over_gdc, YEAR_S, AUGMENTED, YEAR_GAIN),
             "year plain": (over_gdc, YEAR_S, PLAIN, YEAR_GAIN), "none": (chance, 1000.0, "none", 0.11),
             "none day": (alone, DAY_S, "none", None)}
    return {key: cell(t_s, compensation, wanted) for key, (cell, t_s, compensation, wanted) in cells.items()
            if (t_s, compensation) in chips}


def few_values():
    """{key: (ours, whether it is reached)} of 4-bit and ternary weights, which only the paper's recipe has."""
    cells = {"order": order()[1:]}
    for run in ("paper/4-bit", "paper/ternary"):
        _, in_software, after = PAPERS[run]
        row = transferred(run)
        cells[run] = percent(digital(run)), reached(digital(run), first_number(in_software))
        cells[f"{run} transfer"] = with_interval(row), reached(row["mean"], first_number(after))
    return cells


def eight_bits(noise):
    """{key: (ours, whether it is reached)} of what 8-bit converters cost a noise-trained network."""
    on_chip = (by_time(read(f"{noise}/{name}/result.json")["rows"])[25.0, "gdc"] for name in (EVALUATION, EIGHT_BITS))
    return {"8-bit transfer": cost_after_transfer(noise, EIGHT_BITS_TRANSFER), "8-bit": points_lost(*on_chip)}


def cost_after_transfer(noise, file):
    """(points, whether the paper's bound is reached) of what the converters of a result cost after transfer."""
    return points_lost(transferred(noise), by_time(read(f"{noise}/{file}")["rows"])[25.0, "none"])


def points_lost(without, row):
    """(points, whether the paper's bound is reached) between two rows, without and with converters."""
    cost, half = paired(without, row)
    return f"{cost:.3f} +- {half:.3f}", "yes" if cost < 100 * CONVERTERS else f"no, {cost - 100 * CONVERTERS:.3f} points more"


def deviation(noise):
    """{key: (ours, whether it is reached)} of the error of the weights of one chip."""
    found = 100 * read(f"{noise}/chip.json")["all"][0]["error"]
    return {"deviation": (f"{found:.2f} % (chip 0)", "yes, as printed" if round(found) == 4 else "no")}


def only_of_our_best():
    """{key: (ours, whether it is reached)} of what was measured on our best noise-trained network alone."""
    expected = by_time(read(f"{NOISE}/{EXPECTED}")["rows"])[25.0, "none"]
    targets = by_time(read(f"{NOISE}/{TARGETS}/result.json")["rows"])[25.0, "gdc"]
    return {"expected": (with_interval(expected), reached(expected["mean"], HARDWARE)),
            "targets": (with_interval(targets), reached(targets["mean"], HARDWARE))}


def commands():
    """The commands of what stands in no other section."""
    asked = [(FP32, TRANSFER), (NOISE, TRANSFER), (RETRAINED, f"{TRANSFER} \\\n    --dac-bits 8 --adc-bits 8"),
             (NOISE, "--chips 25 --times 25s,1day --compensation gdc --gdc-reference targets")]
    for run, ranges in ((NOISE, ""), (RETRAINED, f" --range-network {network_file(BASELINE)}")):
        asked += [(run, f"{options} \\\n    --dac-bits 8 --adc-bits 8{ranges}")
                  for options in (TRANSFER, "--chips 25 --times 25s --compensation gdc")]
    return [*(f"python -m refpcm.evaluate --network {network_file(run)} --data cifar10 \\\n    {options}" for run, options in asked),
            *(f"python -m refpcm.inspect chip --network {network_file(run)} --times 25s --json" for run in (RETRAINED, NOISE))]


def next_to_the_paper():
    """The paper's statements on CIFAR-10 and what was found here."""
    columns = ({**in_software_and_after_transfer(BASELINE, RETRAINED), **few_values(), **deviation(RETRAINED), **on_chips(RETRAINED),
                **eight_bits(RETRAINED)},
               {**in_software_and_after_transfer(FP32, NOISE), **deviation(NOISE), **on_chips(NOISE), **eight_bits(NOISE),
                **only_of_our_best()})
    rows = [[statement, number, *(cell for column in columns for cell in column.get(key, ("-", "-")))]
            for key, (statement, number) in STATEMENTS.items()]
    targets = by_time(read(f"{NOISE}/{TARGETS}/result.json")["rows"])[DAY_S, "gdc"]
    files = ", ".join(f"[{run}](results/{run}/transfer.json)" for run in (*PAPERS, FP32, NOISE))
    return "\n\n".join([
        "## Next to the paper",
        f"ResNet-32 with 361,722 weights on CIFAR-10. Ours: {CHIPS} simulated chips, {TEST_IMAGES:,} test images, one training "
        "each; one column by the paper's recipe, one by ours, with other rates and augmentation and noise in the backward pass. "
        "95 % interval over chips, that of a difference paired by chip. It does not cover the test images "
        f"(standard error {ERROR:.2f} points) and other trainings: an accuracy, or points lost, that reach or miss the paper's by "
        "less than that standard error are called uncertain. Of AdaBS over GDC the paper's number must lie within the interval, of "
        "converters the mean must be below the paper's bound, and a standard deviation must round to the paper's. A dash: not "
        "measured, or no such number.",
        "AdaBS calibrates with images as the training showed them (I-20, today's default), and, for comparison, with images as "
        "they are (I-11; [why two](compensation.md)). I-21 is a step of our own, before there is a chip. The paper's 93.7 % and "
        "its loss of less than 0.2 points are of its transfer model, one Gaussian a weight "
        "([device](device.md#the-papers-own-two-models) `joshi2020-transfer`), and so are our lines, 100 draws; on the chip "
        "the default device at 25 s has more error, and is put next to the hardware. The form of that model is the paper's, its "
        "sigma CrossSim's fit to the paper's figure. The ranges of converters were set by the baseline in the column of the paper's "
        "recipe, by the network itself in that of our best (I-29); by its own ranges the network by the paper's recipe "
        f"[loses](results/{RETRAINED}/{OWN_RANGES}) {cost_after_transfer(RETRAINED, OWN_RANGES)[0]} points after transfer, so "
        "they are not the reason. Lines on the chip are taken from the "
        f"sections below or computed from them, those of the transfer model from {files}.",
        table(["", "Joshi et al. 2020", "refpcm, the paper's recipe", "reached", "refpcm, our best", "reached"], rows),
        "![accuracy over a year](results/retention.png)",
        "The networks by the paper's recipe, default device; squares: what the paper says of its hardware, after a day lower bounds. "
        "(`python -m tests.results.figure` draws it.)",
        command("\n".join(commands())),
        "The evaluations on chips with the targets as reference and with converters are of the 25 chips below, with the same noise; their "
        f"units are kept in [{TARGETS}](results/{NOISE}/{TARGETS}) and [{EIGHT_BITS}](results/{NOISE}/{EIGHT_BITS}). GDC with the targets as its "
        f"reference also undoes the drift before the first read; after a day it gives {with_interval(targets)}, as with the "
        "first read.",
        "The largest disagreement is that without compensation: the networks fail, but the model gives them more "
        "time than the paper says of its chip. [What decides](#without-compensation-which-property-decides) is how much of "
        "the conductances is left; why the chip has less is [not settled]"
        "(interpretations.md#the-open-disagreement-without-compensation)."])
