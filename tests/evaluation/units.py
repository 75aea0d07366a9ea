"""One unit of an evaluation, run here, and what marks an evaluation."""

from dataclasses import replace

from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.unit import fingerprint, recognised
from refpcm.files.network_file import save_network


def run_task(task, inputs=None):
    """Return the Counts of a unit; inputs: those of its protocol, loaded if left out."""
    return recognised(inputs or load_inputs(task.protocol), task)


def mark(protocol):
    """The protocol's fingerprint."""
    return fingerprint(load_inputs(protocol), protocol)


def with_file(small, folder, **changes):
    """The protocol on a copy of its network file with other classes or notes."""
    path = folder / "other.safetensors"
    save_network(path, replace(load_inputs(small).file, **changes))
    return replace(small, network=str(path))
