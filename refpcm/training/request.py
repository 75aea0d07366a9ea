"""What a training run is asked for beside its configuration: files, folders, times, and what follows the training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Request:
    """data: prepared folder or ImageNet index, None: the built-in images; out: output folder, None: a numbered one.

    start: network file to begin with, None: initial weights; match: folder of the baseline whose network and learning
    rates the run goes on with (refpcm.training.match), in place of start; matched: what was found then; chips: how many
    the finished network is tried on, None: not said; time_budget_s: time for the whole run, of a resumed one for this
    session, None: no limit;
    checkpoint_every_s: time between checkpoints; as_json: print the result as JSON; for_trained: the configuration is
    meant for a network that was trained before.
    """
    data: str | None = None
    out: str | None = None
    start: str | None = None
    match: str | None = None
    matched: dict | None = None
    chips: int | None = None
    time_budget_s: float | None = None
    checkpoint_every_s: float = 60.0
    as_json: bool = False
    for_trained: bool = False
