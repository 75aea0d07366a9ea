"""The order in which the signal passes the outputs of a case, so that a report names the first that is wrong.

Outputs are stored in this order, except those of training: all losses in one tensor, then the gradients. There the
signal goes forward to the loss, backward to the gradients, through the update to the next step's loss, and so on. The
losses stand where the first wrong one does: a wrong loss of step 1 behind right gradients of step 0 means the update.
"""

from math import inf


def in_signal_order(case, verdicts):
    """Return [(Output, Verdict)] of a case in the order of the signal."""
    if case.operation != "train_steps":
        return verdicts
    watched = case.values()["watched"].split()
    return sorted(verdicts, key=lambda pair: _place(*pair, watched))


def _place(output, verdict, watched):
    """Return what sorts: step, forward before backward, in a backward pass the last layer first."""
    kind, _, rest = output.name.partition(".")
    if kind == "loss":
        return verdict.first[0] if verdict.first else 0, 0, 0
    if kind == "gradient":
        step, _, name = rest.partition(".")
        return int(step), 1, -watched.index(name)
    return inf, 0, 0
