"""What is fuzzed of the programs' own files: configurations, devices, checkpoints, chips, logs, results, the golden kit.

As fuzzing_targets.py, into whose TARGETS these go. A digest that would end every mutant at the door is made to agree again:
what stands behind it must hold against somebody who can compute a SHA-256, too.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

from data_tools import synthetic
from data_tools.prepared import sealed
from refpcm.evaluation.calibration import parsed_augmentation
from refpcm.evaluation.protocol import Protocol, tasks
from refpcm.evaluation.report import refuse_foreign, write_report
from refpcm.evaluation.run import run
from refpcm.evaluation.store import Store, digest_of_unit
from refpcm.evaluation.unit import fingerprint
from refpcm.files import chips
from refpcm.files.checkpoints import load_checkpoint, save_checkpoint
from refpcm.files.devices import read_device
from refpcm.files.network_file import NetworkFile, load_network, save_network
from refpcm.files.reading import sha256_of
from refpcm.files.tensors import read_tensors, write_tensors
from refpcm.forms import find_forms
from refpcm.golden import kit_writing, runner
from refpcm.golden.exchange import write_case, write_plain
from refpcm.golden.explain import case_text
from refpcm.golden.kit import Kit
from refpcm.inspection.contents import describe
from refpcm.inspection.report import as_text
from refpcm.inspection.tables import contents_blocks
from refpcm.inspection.trace import trace_number
from refpcm.inspection.trace_table import links_blocks
from refpcm.reproduction.scales import SCALES
from refpcm.reproduction.scales import override as override_scale
from refpcm.spec.pcm.chip import program, read
from refpcm.spec.pcm.device import JOSHI2020
from refpcm.spec.resnet import build
from refpcm.spec.training.config import TrainingConfig, override, preset
from refpcm.times import parse_times
from refpcm.training import loop
from refpcm.training.match import read_curve
from refpcm.training.metrics import keep_records
from refpcm.training.request import Request
from refpcm.training.run import as_begun
from tests.files import fuzzing_targets
from tests.files.fuzzing_targets import NETWORK, TARGETS, plain, random_parameters, target

MATRIX = np.linspace(-1, 1, 12).reshape(3, 4)
LARGEST_RUN = 1e6  # numbers of an array that a mutant may ask for and that are then made, too
CASES = ("L0-normals-plain", "L1-nu", "L1-stuck", "L2-linear-64", "L3-product-noise", "L6-nu-moments")


def show(path):
    """What `inspect` shows of a file or folder, as text and as JSON."""
    found = describe(path)
    as_text(contents_blocks(found))
    json.dumps(found)


def show_trace(folder):
    found = trace_number(folder, 25.0, "gdc")
    as_text(links_blocks(found))
    json.dumps(found)


# --- devices and configurations

DEVICE = """name = "mine"
based_on = "joshi2020"
g_max_us = 20.0
stuck_fraction = 0.01
reset_device = "zero"
programming_us = [0.25, 1.9, -1.1]
[drift]
g_us = [0.0, 5.0, 20.0]
nu_mean = [0.10, 0.06, 0.05]
nu_sigma = {slope = -0.01, offset = 0.0, low = 0.008, high = 0.04}
[read_noise]
factor = 0.0088
exponent = -0.65
high = 0.2
"""


def use_device(path):
    """Read a device and use it: what is accepted must be of use."""
    chip = program({"layer": MATRIX}, read_device(path), 0, 0)
    assert np.isfinite(read(chip, chip.device.t0_s * 2)["layer"]).all()


def toml(path, name):
    """A file of the same content under a name that ends as its form."""
    named = path.with_name(name)
    named.write_bytes(path.read_bytes())
    return named


def read_configuration(path):
    from refpcm.files.configuration import read_config_file
    override(preset("demo"), read_config_file(path), path)


def read_scale(path):
    from refpcm.files.configuration import read_config_file
    override_scale(SCALES["smoke"], read_config_file(path), path)


CONFIGURATION = {"architecture": "tiny-resnet8", "epochs": 3, "learning_rate": 0.1, "schedule": "cosine", "flip": True,
                 "clip_sigma": "none", "weight_noise": 0.03, "seed": 7}
SCALE = {"chips": 3, "day_s": [25.0, 86400.0], "device": "joshi2020", "seeds": [0, 1], "fp32": {"epochs": 2.0}}


def as_toml(values):
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)) + "".join(
        f"\n[{key}]\n{as_toml(value)}" for key, value in values.items() if isinstance(value, dict))


if sys.version_info >= (3, 11):
    plain("device, TOML", DEVICE.encode(), use_device)
    plain("configuration of a training, TOML", as_toml(CONFIGURATION).encode(), read_configuration)
    plain("configuration of a reproduction, TOML", as_toml(SCALE).encode(), read_scale)
plain("configuration of a training, JSON", json.dumps(CONFIGURATION).encode(),
      lambda path: read_configuration(toml(path, "file.json")))
plain("configuration of a reproduction, JSON", json.dumps(SCALE).encode(), lambda path: read_scale(toml(path, "file.json")))
plain("times", b"25s, 1h, 1.5day, 2e3 s, .5 year", lambda path: parse_times(path.read_bytes().decode("latin-1")))
plain("augmentation", b"crop 4, flip, cutout 8, resized-crop",
      lambda path: parsed_augmentation(path.read_bytes().decode("latin-1")))
plain("architecture spelled out", b"cifar-resnet-8x1-12x2-projection", lambda path: build(
    path.read_bytes().decode("latin-1"), 10))


# --- files with a digest: the metadata are damaged, the digest agrees

def resealed(name, save, read, *keys):
    """A target of the JSON in metadata entries of a file in the safetensors layout, written again with a new digest."""
    def make(folder):
        path = folder / "file"
        save(path)
        tensors, metadata = read_tensors(path)

        def put(content):
            parts = content.decode("utf-8", "replace").split("\v", len(keys) - 1)
            texts = dict(zip(keys, [*parts, *[""] * len(keys)]))
            write_tensors(path, tensors, {**metadata, **texts})
        return "\v".join(metadata[key] for key in keys).encode(), put, lambda: read(path)
    TARGETS[name] = make


def header(name, save, read):
    """A target of the header of a file in the safetensors layout; its digest is computed again."""
    def make(folder):
        path = folder / "file"
        save(path)
        return *header_of(path), lambda: read(path)
    TARGETS[name] = make


def header_of(path):
    """The header of a file without its digest, and a function that puts another one there, with a right digest."""
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    head, data = whole[8:8 + length], whole[8 + length:]
    digest = json.loads(head)["__metadata__"]["refpcm.sha256"].encode()

    def put(content):
        zeroed = len(content).to_bytes(8, "little") + content
        right = hashlib.sha256(zeroed + data).hexdigest().encode()
        path.write_bytes(zeroed.replace(b"0" * 64, right, 1) + data)
    return head.replace(digest, b"0" * 64), put


def save_state(path):
    state = loop.start(override(TrainingConfig(), {"architecture": "tiny-resnet8"}, ""), 2, "of these images")
    save_checkpoint(path, state)


def save_small_chip(path):
    chips.save_chip(path, program({"a": MATRIX, "b": MATRIX[:2]}, JOSHI2020, 1, 2))


def save_small_network(path):
    save_network(path, NetworkFile(NETWORK, random_parameters(NETWORK), ("cat", "dog"), (0.5,) * 3, (0.25,) * 3,
                                   {"config": {"crop_padding": 4, "flip": True}, "start_sha256": "0" * 64}))


def use_chip(path):
    """Load a chip, its own hash believed, and read it with the kernels, which do not check bounds."""
    noted = read_tensors(path)[1].get("hash")
    honest = chips.chip_hash

    def hash_of(chip):
        honest(chip)
        return noted
    chips.chip_hash = hash_of
    try:
        chip = chips.load_chip(path)
        fast = find_forms("winograd").chip
        fast.read(chip, chip.device.t0_s * 2)
        show(path)
    finally:
        chips.chip_hash = honest


plain("checkpoint", fuzzing_targets.saved(save_state), load_checkpoint)
header("checkpoint, header", save_state, lambda path: (load_checkpoint(path), show(path)))
resealed("checkpoint, its numbers and configuration", save_state, lambda path: (load_checkpoint(path), show(path)),
         "counters", "config")
plain("chip", fuzzing_targets.saved(save_small_chip), chips.load_chip)
header("chip, header", save_small_chip, use_chip)
resealed("chip, its description", save_small_chip, use_chip, "chip")
header("network file, header", save_small_network, lambda path: (load_network(path), show(path)))
resealed("network file, its description", save_small_network, lambda path: (load_network(path), show(path)),
         "classes", "mean", "std", "notes", "architecture")


# --- what runs leave: logs, config.json, result.json, units

@target
def log_of_a_training(folder):
    path = folder / "metrics.jsonl"
    lines = [{"epoch": n, "step": 10 * n, "train_loss": 1.5, "train_accuracy": 0.1 * n} for n in range(1, 5)]

    def use():
        keep_records(path, 30)
        read_curve(path)
    return "".join(json.dumps(line) + "\n" for line in lines).encode(), path.write_bytes, use


@target
def configuration_of_a_run(folder):
    path = folder / "config.json"
    content = {**CONFIGURATION, "data": None, "data_identity": "ab", "start_sha256": None, "chips": 2, "matched": None,
               "versions": {"numpy": "2.0"}, "command": ["train", "--out", "x"]}
    (folder / "result.json").write_text('{"accuracy": 0.5, "total": 10}')
    return json.dumps(content).encode(), path.write_bytes, lambda: (as_begun(folder, Request()), show(folder))


@target
def result_of_a_run(folder):
    (folder / "config.json").write_text("{}")
    path = folder / "result.json"
    content = {"architecture": "tiny-resnet8", "accuracy": 0.5, "correct": 5, "total": 10, "versions": {"numpy": "2.0"}}
    return json.dumps(content).encode(), path.write_bytes, lambda: show(folder)


def evaluated(folder):
    """An evaluation of one chip at one time in `folder`/results: its Protocol and Inputs."""
    from refpcm.evaluation.inputs import load_inputs
    synthetic.make(folder / "set", 10, 10)
    network = build("tiny-resnet8", 10)
    save_network(folder / "network.safetensors", NetworkFile(
        network, random_parameters(network), tuple(json.loads((folder / "set/dataset.json").read_text())["classes"]),
        (0.5,) * 3, (0.25,) * 3))
    protocol = Protocol(str(folder / "network.safetensors"), str(folder / "set"), chips=1, times_s=(25.0,), images=2,
                        compensations=("none", "gdc"), kernels="numpy")
    inputs = load_inputs(protocol)
    write_report(folder / "results", run(protocol, folder / "results", inputs=inputs))
    return protocol, inputs


@target
def result_of_an_evaluation(folder):
    protocol, inputs = evaluated(folder)
    path, mark = folder / "results/result.json", fingerprint(inputs, protocol)

    def use():
        refuse_foreign(folder / "results", mark)
        show(folder / "results")
        show_trace(folder / "results")
    return path.read_bytes(), path.write_bytes, use


@target
def result_of_an_evaluation_with_this_fingerprint(folder):
    """Of a mutant that refuse_foreign would refuse, the description and the trace must hold as well."""
    evaluated(folder)
    path = folder / "results/result.json"
    return path.read_bytes(), path.write_bytes, lambda: both(
        lambda: show(folder / "results"), lambda: show_trace(folder / "results"))


def both(*calls):
    """Make all calls, the later ones also when an earlier one refuses; the first refusal is raised in the end."""
    refusals = []
    for call in calls:
        try:
            call()
        except fuzzing_targets.expected_errors() as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


@target
def unit_of_an_evaluation(folder):
    """With its digest computed again where it is JSON; a unit of no use must be run again, so it counts as refused."""
    from refpcm.errors import RefpcmError
    protocol, inputs = evaluated(folder)
    task = tasks(protocol)[0]
    store = Store(folder / "results", fingerprint(inputs, protocol))
    path = Path(store.path(task))

    def put(content):
        try:
            unit = json.loads(content)
            unit["sha256"] = digest_of_unit({key: value for key, value in unit.items() if key != "sha256"})
            content = json.dumps(unit).encode()
        except (ValueError, TypeError, RecursionError):
            pass
        path.write_bytes(content)

    def use():
        show(folder / "results")
        show_trace(folder / "results")
        if not store.load(task):
            raise RefpcmError("of no use")
    return path.read_bytes(), put, use


@target
def description_of_a_prepared_set_resealed(folder):
    from data_tools import prepared
    synthetic.make(folder / "set", 10, 10)
    path = folder / "set/dataset.json"

    def put(content):
        try:
            content = json.dumps(sealed(json.loads(content))).encode()
        except (ValueError, TypeError, RecursionError):
            pass
        path.write_bytes(content)
    return path.read_bytes(), put, lambda: (prepared.read(folder / "set"), show(folder / "set"))


@target
def imagenet_json_resealed(folder):
    from data_tools.imagenet_index import check_cache, read_index
    index = fuzzing_targets.indexed(folder)

    def put(content):
        try:
            content = json.dumps(sealed(json.loads(content))).encode()
        except (ValueError, TypeError, RecursionError):
            pass
        (index / "imagenet.json").write_bytes(content)

    def use():
        check_cache(index, read_index(index).description)
        show(index)
    return (index / "imagenet.json").read_bytes(), put, use


# --- the golden kit and answers to it

def small_kit(folder):
    """A kit of a few cases."""
    cases = [case for case in Kit().cases if case.id in CASES]
    kit_writing.write_kit(folder, cases, {"numpy": "2.0"})
    return folder


def use_kit(folder):
    """Verify a kit, make its inputs, explain and answer its cases."""
    kit = Kit(folder)
    for case in kit.cases:
        if all(np.prod(each.shape, dtype=float) <= LARGEST_RUN for each in (*case.inputs, *case.outputs)):
            case_text(case, [])
            runner.run_case(case, runner.adapter_asker("refpcm.golden.reference"))
            write_case(folder / "exported", case)


@target
def manifest_of_a_golden_kit(folder):
    small_kit(folder / "kit")
    path = folder / "kit/manifest.json"
    return path.read_bytes(), path.write_bytes, lambda: use_kit(folder / "kit")


@target
def tensors_of_a_golden_kit(folder):
    """With the digests of the file agreeing, its own and that in the manifest."""
    small_kit(folder / "kit")
    path = folder / "kit/l1.safetensors"
    head, put_header = header_of(path)
    manifest = json.loads((folder / "kit/manifest.json").read_bytes())

    def put(content):
        put_header(content)
        manifest["files"][path.name] = sha256_of(path)
        (folder / "kit/manifest.json").write_text(json.dumps(manifest))
    return head, put, lambda: use_kit(folder / "kit")


@target
def answer_to_a_golden_case(folder):
    """outputs.safetensors of a program; what is broken is the program's failure, so it counts as refused."""
    from refpcm.errors import RefpcmError
    case = next(case for case in Kit().cases if case.id == "L1-stuck")
    write_case(folder / case.id, case)
    path = folder / case.id / "outputs.safetensors"
    write_plain(path, {output.name: output.expected["value"] for output in case.outputs})
    ask = runner.files_asker(folder)

    def use():
        status, reason, _ = runner.run_case(case, ask)
        if status != "passed":
            raise RefpcmError(reason or status)
    return path.read_bytes(), path.write_bytes, use


