"""`python -m tests.docs.house`: writes the map in README.md and the reading order in docs/audit.md, with line counts."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAP = (  # folder or files, what it is, page
    ("refpcm/spec", "**the specification**: NumPy only, read top to bottom it is the method of the paper", "audit"),
    ("refpcm/fast", "the same names in Numba; the only place that knows lanes, caches and LLVM", "kernels"),
    ("refpcm/forms.py", "the switch: one name for each capability, specification or fast form", None),
    ("refpcm/files", "formats in and out: networks, chips, devices, checkpoints, PyTorch, safetensors, npz", "files"),
    ("refpcm/datasets", "images and labels from folders that data_tools prepared", "data"),
    ("refpcm/training", "training runs: loop, checkpoints, resumption, report", "training"),
    ("refpcm/evaluation", "chips x reads x times x compensations, with intervals", "evaluation"),
    ("refpcm/inspection", "where accuracy is lost: causes, layers, devices; what a number was made from; files", "inspect"),
    ("refpcm/reproduction", "the paper's figures, from training to picture", "reproduce"),
    ("refpcm/golden", "golden values, and the runner that checks other implementations", "golden"),
    ("refpcm/*.py", "the commands, the public names and what they share", "api"),
    ("data_tools", "CIFAR-10, ImageNet, the built-in set; usable without refpcm", "data"),
    ("tests", "mirrors the packages; `tests/benchmarks` measures, `tests/results` writes [the results](docs/results.md)", None),
)
ORDER = (  # of reading: file of refpcm/spec, what it holds
    ("random.py", "every random number by its address: Philox4x32-10, uniforms, normals (AS 241)"),
    ("arrays.py", "what counts as an array of real numbers"),
    ("elementary.py", "log and exp with the same bits on every machine"),
    ("nn/__init__.py", "which operators there are"),
    ("nn/conv2d.py", "convolution by im2col, forward and backward: a column is what a crossbar sees"),
    ("nn/batch_norm.py", "batch norm in training and inference; running statistics"),
    ("nn/relu.py", "rectified linear unit"),
    ("nn/add.py", "residual addition"),
    ("nn/pad_shortcut.py", "option-A shortcut"),
    ("nn/pooling.py", "average and max pooling"),
    ("nn/linear.py", "the last layer"),
    ("nn/cross_entropy.py", "the loss"),
    ("nn/noise.py", "noise on activations"),
    ("nn/gradient_check.py", "the numeric gradient that every backward pass must agree with"),
    ("layers.py", "the kinds of layers; a network as a list of them; which parameters it has"),
    ("resnet.py", "the networks by name; 361,722 weights; He-normal initialisation"),
    ("shapes.py", "the shape of every tensor; layers that do not fit one another are refused"),
    ("network.py", "two tables and two loops: forward and backward through the list"),
    ("engine.py", "the same as an object that remembers its last forward pass"),
    ("pcm/__init__.py", "the order of the physical stages"),
    ("pcm/curve.py", "how a device parameter depends on conductance"),
    ("pcm/device.py", "the devices and where their numbers come from"),
    ("pcm/mapping.py", "a weight becomes a pair of target conductances"),
    ("pcm/rectified.py", "moments of a normal number that is cut at zero"),
    ("pcm/programming.py", "programming error; RESET and stuck devices"),
    ("pcm/drift.py", "drift exponents; decay with time"),
    ("pcm/read_noise.py", "1/f noise of a read"),
    ("pcm/transfer.py", "the paper's transfer model: one Gaussian a weight"),
    ("pcm/note2.py", "the paper's model over time, as far as it is recorded"),
    ("pcm/chip.py", "program and read a chip, stage by stage; its hash"),
    ("pcm/device_data.py", "a device as plain data, for the hash and for files"),
    ("pcm/converters.py", "digital-to-analog and analog-to-digital converters"),
    ("pcm/tile.py", "the product on tiles: row parts, converters, output noise"),
    ("pcm/product_noise.py", "read noise drawn for every product: mean and variance in closed form"),
    ("crossbars.py", "where a network meets a chip: weights to matrices and back"),
    ("network_on_tiles.py", "a whole network on tiles"),
    ("compensation/__init__.py", "what is done against drift"),
    ("compensation/global_drift.py", "global drift compensation: one factor a layer"),
    ("compensation/adabs.py", "adaptive batch norm statistics"),
    ("training/__init__.py", "what a training step is made of"),
    ("training/config.py", "every hyper-parameter, and the paper's recipes as presets"),
    ("training/augmentation.py", "crop, flip, Cutout, normalisation"),
    ("training/weight_noise.py", "noise on the weights of the forward pass"),
    ("training/weight_noise_kinds.py", "multiplicative noise, which the paper compares, and state-dependent noise, ours"),
    ("training/image_noise.py", "noise of each image: on inputs, pre-activations or weights"),
    ("training/clipping.py", "clipping after every update"),
    ("training/quantisation.py", "4-bit and ternary weights"),
    ("training/sgd.py", "stochastic gradient descent with momentum"),
    ("training/schedules.py", "learning rates"),
    ("training/averaging.py", "averaging of weights"),
    ("training/rules.py", "the rules of a step as one object"),
    ("training/step.py", "one training step, from images to new weights"),
    ("__init__.py", "what the folder is"),
)
LINES_A_MINUTE = 16  # a pace for reading code and formula together: 3,000 lines in three hours


def lines(pattern):
    """Lines of the Python files in a folder, or of the files that a pattern names."""
    folder = ROOT / pattern
    files = folder.rglob("*.py") if folder.is_dir() else ROOT.glob(pattern)
    return sum(len(path.read_text().splitlines()) for path in files)


def thousands(count):
    """'3,000': rounded to a hundred, so that not every change of the code changes the page."""
    return f"{round(count, -2):,}" if count >= 100 else str(count)


def map_table():
    """The map of the house, as Markdown."""
    rows = ["| where | lines | what |", "|---|---|---|"]
    for where, what, page in MAP:
        rows.append(f"| `{where}` | {thousands(lines(where))} | {what}" + (f" ([page](docs/{page}.md))" if page else "")
                    + " |")
    return "\n".join(rows)


def reading_table():
    """The files of the specification in reading order, as Markdown."""
    rows, total = ["| file | lines | minutes | what |", "|---|---|---|---|"], 0
    for name, what in ORDER:
        count = lines(f"refpcm/spec/{name}")
        total += count
        rows.append(f"| [{name}](../refpcm/spec/{name}) | {count} | {max(1, round(count / LINES_A_MINUTE))} | {what} |")
    return "\n".join([*rows, f"| all | {total:,} | {round(total / LINES_A_MINUTE)} | |"])


def replaced(text, mark, content):
    """The text with what stands between <!-- mark --> and <!-- end --> replaced."""
    return re.sub(rf"(<!-- {mark} -->\n).*?(\n<!-- end -->)", lambda found: found[1] + content + found[2], text,
                  flags=re.S)


def main():
    for page, mark, content in ((ROOT / "README.md", "map", map_table()),
                                (ROOT / "docs" / "audit.md", "reading order", reading_table())):
        page.write_text(replaced(page.read_text(), mark, content))


if __name__ == "__main__":
    main()
