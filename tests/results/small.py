"""Section of docs/results.md about the paper's figures at a small scale, from docs/results/small."""

from refpcm.reproduction.variants import label
from tests.results.chips import paired
from tests.results.files import command, percent, read, table, with_interval

FIGURES = ("fig2", "fig3", "fig4", "fig5", "ablation", "causes", "calibration")


def statements():
    """The paper's statements and what was found, of all figures, as one table."""
    return table(["figure", "", "Joshi et al. 2020", "here"],
                 [[f"[{name}](results/small/{name}.txt)", line["statement"], line["value"], line["ours"] or "not measured here"]
                  for name in FIGURES for line in read(f"small/{name}.json")["comparison"]])


def transfer():
    """Fig. 3 as a table: networks trained in different ways, in software and after transfer."""
    rows = read("small/fig3.json")["rows"]
    names = list(dict.fromkeys(row["network"] for row in rows))
    found = {(row["network"], row["compensation"]): row for row in rows}
    return table(["network", "in software", "std of a training", "after transfer", "std of a draw"],
                 [[label(name), with_interval(found[name, "digital"]), percent(found[name, "digital"]["std_run"]),
                   with_interval(found[name, "none"]), percent(found[name, "none"]["std_draw"])] for name in names])


def control():
    """What of it clipping and more epochs do without noise (I-18)."""
    rows = {row["network"]: row for row in read("small/fig3.json")["rows"] if row["compensation"] == "none"}
    gains = {other: paired(rows["noise"], rows[other]) for other in ("fp32", "control")}
    (fp32, fp32_half), (own, half) = gains["fp32"], gains["control"]
    verdict = "differs from" if abs(own) > half else "does not differ measurably from"
    return ("How much of the gain is the noise's, and how much that of the clipping that comes with it? The control is "
            "retrained and clipped alike, without noise. After transfer, paired by training and draw (95 % over trainings), the "
            f"network with additive noise is {fp32:+.2f} +- {fp32_half:.2f} points better than FP32 and {own:+.2f} +- "
            f"{half:.2f} points better than the control: at this scale it {verdict} clipping.")


def frozen():
    """Training with frozen batch norm: pairs of networks that went on from the same noise-aware one, on the same chips."""
    rows = []
    for number in (0, 1):
        one, other = ({row["compensation"]: row for row in read(f"frozen/{kind}-{number}.json")["rows"]}
                      for kind in ("frozen", "batch"))
        rows.append([f"noise-seed{number}", *("{:+.2f} +- {:.2f}".format(*paired(one[name], other[name]))
                                              for name in ("none", "adabs"))])
    start = "runs/reproduce-control/networks/noise-seed0/network.safetensors"
    return "\n\n".join([
        "## Frozen batch norm, a hint",
        "1.5 more epochs of two noise-aware networks, with frozen statistics "
        "([training](training.md)), and the same with those of the batch: points by which frozen is better on PCM at 25 s, "
        "8 chips, 2,000 test images, paired by chip (95 % over chips). Two trainings of earlier code, with noise in the backward "
        "pass, so no more than a hint.",
        command("echo '{\"transfer\": [\"fp32\", \"noise\"], \"retraining\": {\"backward\": \"noisy\"}}' > noisy.json\n"
                "python -m refpcm.reproduce fig3 --scale small --config noisy.json --data cifar10 --out runs/reproduce-control\n"
                f"python -m refpcm.train --architecture tiny-resnet8 --data cifar10 --start {start} \\\n"
                "    --epochs 1.5 --learning-rate 0.003 --schedule cosine --weight-noise 0.038 --clip-sigma 2 \\\n"
                "    --validation-images 0 --seed 10 --batch-norm frozen --backward noisy \\\n"
                "    --out runs/frozen-0\n"
                "python -m refpcm.evaluate --network runs/frozen-0/network.safetensors --data cifar10 --chips 8 \\\n"
                "    --images 2000 --times 25s --calibration train --seed 0"),
        "The others: `--batch-norm batch --out runs/batch-0`; noise-seed1 with `--seed 11` and, on chips, `--seed 1`.",
        table(["from", "no compensation", "AdaBS, images as they are"], rows)])


def small():
    """The whole section: what was run, the paper's statements and ours, Fig. 3 as a table, the figures as pictures."""
    result = read("small/fig3.json")
    seeds, images = len(result["numbers"]["seeds"]), result["test_images"]
    return "\n\n".join([
        "## The paper's figures at a small scale, three trainings each",
        f"`{result['architecture']}` (61,050 weights) on CIFAR-10, {seeds} trainings of every network, "
        f"{result['numbers']['chips']} chips each, {images:,} test images; intervals are of the mean over trainings, "
        f"Student's with {seeds - 1} degrees of freedom. Signs and shapes may be compared with the paper, levels not. "
        "[What the panels are](reproduce.md#what-the-panels-are-taken-to-be).",
        command("python -m refpcm.reproduce all --scale small --data cifar10 --workers 2"),
        statements(),
        "Fig. 3, on the paper's transfer model:",
        transfer(),
        control(),
        *(f"![{name}](results/small/{name}.png)" for name in FIGURES if name != "fig3"),
        frozen()])
