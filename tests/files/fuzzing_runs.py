"""What is fuzzed of what runs leave: logs, config.json, result.json, units of evaluations, prepared data sets."""

import json
from pathlib import Path

from data_tools import synthetic
from data_tools.prepared import sealed
from refpcm.evaluation.protocol import Protocol, tasks
from refpcm.evaluation.report import refuse_foreign, write_report
from refpcm.evaluation.run import run
from refpcm.evaluation.store import Store, digest_of_unit
from refpcm.evaluation.unit import fingerprint
from refpcm.files.network_file import NetworkFile, save_network
from refpcm.inspection.report import as_text
from refpcm.inspection.trace import trace_number
from refpcm.inspection.trace_table import links_blocks
from refpcm.spec.resnet import build
from refpcm.training.config_file import as_begun
from refpcm.training.match import read_curve
from refpcm.training.metrics import keep_records
from refpcm.training.request import Request
from tests.files import fuzzing_targets
from tests.files.fuzzing_configurations import CONFIGURATION
from tests.files.fuzzing_targets import random_parameters, show, target


def show_trace(folder):
    found = trace_number(folder, 25.0, "gdc")
    as_text(links_blocks(found))
    json.dumps(found)


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
