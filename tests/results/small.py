"""Section of docs/results.md about the paper's figures at a small scale, from docs/results/small."""

from refpcm.reproduction.variants import label
from tests.results.chips import paired
from tests.results.files import command, percent, read, table, with_interval

FIGURES = ("fig2", "fig3", "fig4", "fig5")
THEN = ('{"calibration": "train", "transfer_device": "joshi2020", "etas_tr": [0.02, 0.038, 0.06, 0.1], '
        '"day_s": [25, 1000, 3600, 86400], "retraining": {"backward": "noisy"}}')  # what has another default today


def transfer(name):
    """Fig. 3, from the file `name`, as a table: networks trained in different ways, digital and at the first read."""
    rows = read(name)["rows"]
    names = list(dict.fromkeys(row["network"] for row in rows))
    found = {(row["network"], row["compensation"]): row for row in rows}
    return table(["network", "digital", "std of a training", "on PCM, 25 s", "std of a chip"],
                 [[label(name), with_interval(found[name, "digital"]), percent(found[name, "digital"]["std_run"]),
                   with_interval(found[name, "none"]), percent(found[name, "none"]["std_draw"])] for name in names])


def control(name):
    """What of it clipping and more epochs do without noise (I-18), from the file `name`."""
    rows = {row["network"]: row for row in read(name)["rows"] if row["compensation"] == "none"}
    gains = {other: paired(rows["noise"], rows[other]) for other in ("fp32", "control")}
    (fp32, fp32_half), (own, half) = gains["fp32"], gains["control"]
    verdict = "can be told from" if abs(own) > half else "cannot be told from"
    return ("How much of the gain is the noise's, and how much that of the clipping that comes with it? The control is "
            "retrained and clipped alike, without noise. On PCM, paired by training and chip (95 % over trainings), the "
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
        "1.5 more epochs of two noise-aware networks of the run with a control, with frozen statistics "
        "([training](training.md)), and the same with those of the batch: points by which frozen is better on PCM at 25 s, "
        "8 chips, 2,000 test images, paired by chip (95 % over chips). Two trainings, so no more than a hint; the network of "
        "seed 2 was not tried.",
        command(f"python -m refpcm.train --architecture tiny-resnet8 --data cifar10 --start {start} \\\n"
                "    --epochs 1.5 --learning-rate 0.003 --schedule cosine --weight-noise 0.038 --clip-sigma 2 \\\n"
                "    --validation-images 0 --seed 10 --batch-norm frozen --backward noisy \\\n"
                "    --out runs/frozen-0\n"
                "python -m refpcm.evaluate --network runs/frozen-0/network.safetensors --data cifar10 --chips 8 \\\n"
                "    --images 2000 --times 25s --calibration train --seed 0"),
        "The others: `--batch-norm batch --out runs/batch-0`; noise-seed1 with `--seed 11` and, on chips, `--seed 1`.",
        table(["from", "no compensation", "AdaBS, images as they are"], rows)])


def small():
    """The whole section: what was run, Fig. 3 as a table, the other figures as pictures."""
    result = read("small/fig3.json")
    seeds, images = len(result["numbers"]["seeds"]), result["test_images"]
    return "\n\n".join([
        "## The paper's figures at a small scale, three trainings each",
        f"`{result['architecture']}` (61,050 weights) on CIFAR-10, {seeds} trainings of every network, "
        f"{result['numbers']['chips']} chips each, {images:,} test images; intervals are of the mean over trainings, "
        f"Student's with {seeds - 1} degrees of freedom. Signs and shapes may be compared with the paper, levels not. "
        "AdaBS calibrates with images as they are (I-11), the default then; today's is images as in training (I-20). "
        "Tables next to the paper's statements: "
        + ", ".join(f"[{name}](results/small/{name}.txt)" for name in FIGURES)
        + "; [what the panels are](reproduce.md).",
        command(f"echo '{THEN}' > then.json\n"
                "for figure in fig2 fig3 fig4 fig5; do\n"
                "    python -m refpcm.reproduce $figure --scale small --config then.json --data cifar10 --workers 2\n"
                "done"),
        "The backward pass through noisy weights, the default device in Fig. 3 and other eta_tr and times were the "
        "defaults then. "
        "The control was not yet part of this scale, so the command prints one more line today.",
        transfer("small/fig3.json"),
        "The same again, trained anew by later code, with a control:",
        command("echo '{\"transfer\": [\"fp32\", \"control\", \"noise\"], \"transfer_device\": \"joshi2020\", "
                "\"retraining\": {\"backward\": \"noisy\"}}' > control.json\n"
                "python -m refpcm.reproduce fig3 --scale small --config control.json --data cifar10 --workers 2 \\\n"
                "    --out runs/reproduce-control"),
        transfer("small/control.json"),
        control("small/control.json"),
        *(f"![{name}](results/small/{name}.png)" for name in FIGURES if name != "fig3"),
        frozen()])
