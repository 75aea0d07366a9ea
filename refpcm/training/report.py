"""What a finished training run says: accuracy, network file, result, and the network's fate on a few chips."""

import json
import math
from dataclasses import asdict
from importlib.util import find_spec

from refpcm import cli
from refpcm.datasets.imagenet import is_index
from refpcm.errors import RefpcmError
from refpcm.evaluation.prediction import accuracy
from refpcm.evaluation.protocol import MOST_UNITS, Protocol
from refpcm.files.atomic import write_bytes
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.forms import find_forms
from refpcm.spec.compensation import adabs
from refpcm.spec.resnet import build, pcm_weight_count
from refpcm.training.outcome import outcome
from refpcm.training.session import CHECKPOINT

NETWORK, RESULT, PICTURE, CHIPS = "network.safetensors", "result.json", "chips.png", "chips"
NO_PICTURE = 'no picture: matplotlib is not installed (pip install "refpcm[plots]" brings it)'
CHIP_TIMES_S = (25.0, 86400.0, 31536000.0)  # 25 seconds, a day, a year


def finish(folder, state, training, dataset):
    """Evaluate the finished network once on the test images, write it and the result. -> the result as a dict.

    training: the Dataset the run was trained on; dataset: the one it is tested on. Raises RefpcmError if it cannot be
    tested or written.
    """
    network = build(state.config.architecture, state.classes)
    forms = find_forms(state.config.kernels)
    engine = forms.make_engine(network)
    try:
        parameters = outcome(state, engine, training)
        share, correct = accuracy(forms, engine, parameters, dataset)
    except RefpcmError as error:  # an image file that is gone, or outputs that are not finite
        raise RefpcmError(f"{error}; all steps are done and kept in {folder / CHECKPOINT}, from where the run can be "
                          "resumed once that is mended") from None
    images = state.step * state.config.batch_size
    result = {"architecture": network.architecture, "weights": pcm_weight_count(network), "data": dataset.name,
              "epochs": state.config.epochs, "steps": state.step, "seed": state.config.seed, "start_sha256": state.start,
              "accuracy": share, "correct": correct, "total": len(dataset.test_images),
              "training_seconds": state.seconds, "images_per_second": images / state.seconds,
              "network": str(folder / NETWORK), "versions": cli.versions()}
    notes = {"config": asdict(state.config), "data": dataset.name, "versions": result["versions"],
             "start_sha256": state.start, "test_accuracy": share}
    write_bytes(folder / RESULT, (json.dumps(result, indent=2) + "\n").encode())
    # The network last: where it is, the run is finished.
    save_network(folder / NETWORK, NetworkFile(network, parameters, dataset.classes, dataset.mean, dataset.std, notes))
    return result


def report(folder, state, training, dataset, request):
    """`finish` the run, try the network on chips if asked, print the tables."""
    result = finish(folder, state, training, dataset)
    if request.chips:
        from refpcm.evaluation.inputs import load_inputs
        protocol = chip_protocol(folder, request.chips, request.data, state.config)
        inputs = load_inputs(protocol)
        result["chips"] = on_chips(folder, protocol, inputs)
        write_bytes(folder / RESULT, (json.dumps(result, indent=2) + "\n").encode())
        result["picture"] = picture_of(folder, inputs, protocol, result["chips"])
    if request.as_json:
        cli.print_json(result)
        return
    print(cli.table([
        ("network", f"{result['architecture']}, {result['weights']:,} weights"),
        ("data", f"{dataset.name}, {len(dataset.test_images):,} test images"),
        ("training", f"{state.config.epochs:g} epochs in {cli.clock(state.seconds)}, "
                     f"{result['images_per_second']:.0f} images/s, seed {state.config.seed}"),
        ("test accuracy", f"{100 * result['accuracy']:.2f} %  ({result['correct']} of {len(dataset.test_images)})"),
        ("network file", folder / NETWORK)]))
    if request.chips:
        print(f"\nThe same network on {request.chips} simulated PCM chips:\n\n{chip_table(result['chips'])}")
        print("\n" + (f"picture  {result['picture']}" if result["picture"] else NO_PICTURE))
    print(f"\nNext: python -m refpcm.evaluate --network {cli.quoted(folder / NETWORK)}"
          + (f" --data {cli.quoted(request.data)}" if request.data else "") + " --chips 10 --plot accuracy.png")
    if not request.data:
        print("The paper's figures on a small scale: python -m refpcm.reproduce all")


def check_chips(chips, data, dataset):
    """Raises RefpcmError, before anything is trained, for too many chips, and for too few images of AdaBS on them.

    data: the folder that `dataset` was read from, or None.
    """
    most, needed = MOST_UNITS // len(CHIP_TIMES_S), math.prod(adabs.usual_size(is_index(data)))
    if not 0 <= chips <= most:
        raise RefpcmError(f"--chips {chips} must be zero or more, and at most {most:,}")
    if chips and len(dataset.train_images) < needed:
        raise RefpcmError(f"--chips tries AdaBS, which takes {needed:,} training images; {dataset.name} has "
                          f"{len(dataset.train_images):,}: leave out --chips, and use refpcm.evaluate afterwards")


def chip_protocol(folder, chips, data, config):
    """The evaluation of the finished network at 25 s, a day and a year."""
    return Protocol(str(folder / NETWORK), data, chips=chips, times_s=CHIP_TIMES_S, seed=config.seed, kernels=config.kernels)


def picture_of(folder, inputs, protocol, result):
    """Draw the evaluation into `folder`. Return the path as text, or None without matplotlib."""
    if not find_spec("matplotlib"):
        return None
    from refpcm.evaluation.plot import draw
    draw(folder / PICTURE, inputs, protocol, result)
    return str(folder / PICTURE)


def on_chips(folder, protocol, inputs):
    """Result of an evaluation; it and its units are kept in the folder CHIPS within `folder`."""
    from refpcm.evaluation.report import write_report
    from refpcm.evaluation.run import run
    progress = cli.Progress(protocol.chips * len(CHIP_TIMES_S), "chips: unit", unit="units", decimals=2)
    result = run(protocol, folder / CHIPS, progress=lambda done, total: progress.update(done), inputs=inputs)
    progress.clear()
    write_report(folder / CHIPS, {**result, "versions": cli.versions()})
    return result


def chip_table(result):
    """Mean accuracy over the chips: a line per time, a column per compensation."""
    from refpcm.times import time_text
    names = result["protocol"]["compensations"]
    mean = {(row["t_s"], row["compensation"]): f"{100 * row['mean']:.2f} %" for row in result["rows"]}
    lines = [("", *names), *((time_text(t_s), *(mean[t_s, name] for name in names)) for t_s in CHIP_TIMES_S)]
    return "\n".join("".join(f"{cell:>10}" for cell in line) for line in lines)
