"""One unit of an evaluation, run here."""

from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.unit import recognised


def run_task(task, inputs=None):
    """Return the Counts of a unit; inputs: those of its protocol, loaded if left out."""
    return recognised(inputs or load_inputs(task.protocol), task)
