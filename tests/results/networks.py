"""Section of docs/results.md about the chain of networks: hashes, starts and commands of all training runs."""

from tests.results.files import command, table
from tests.results.paper_recipe import BASELINE, RETRAINED
from tests.results.runs import (
    CHAIN,
    CONTROL,
    FP32,
    INITIAL,
    KEPT,
    NOISE,
    chain,
    epochs_of,
    kernels_of,
    runs_in,
    train_command,
)

SHOWN = {*chain(FP32), *chain(NOISE), CONTROL, BASELINE, RETRAINED}  # runs whose commands stand in other sections
DIGITS = 16  # of a SHA-256, in the table


def networks():
    """Return the section."""
    runs = [*KEPT, *runs_in("shorter"), *runs_in("shorter-noise")]
    rows = []
    for run in runs:
        link = CHAIN[run]
        start = link["start"] if link["start"] == INITIAL else f"[{link['start']}](results/{link['start']})"
        rows.append([f"[{run}](results/{run})", epochs_of(run), start, link["seed"], kernels_of(run),
                     link["sources"] or "-", (link["network_sha256"] or "-")[:DIGITS]])
    started = [link for link in CHAIN.values() if link["start"] != INITIAL]
    noted = sum(link["start_noted_by_run"] for link in started)
    return "\n\n".join([
        "## Where each network came from",
        f"The network files of the first {len(KEPT)} runs are in this repository. Of the others it has configuration, log, "
        "accuracy and hash; the files are in older commits, except those of shorter/15-winograd4 and shorter/15-f4-gradient. To make one anew, run the "
        "commands of its chain in order. They write `runs/RUN/network.safetensors`, which other commands of the documentation "
        "name.",
        "[chain.json](results/chain.json) holds for each run the whole SHA-256 of its network and of the network that it "
        f"began with, and the command of that time. Of {len(started)} runs that began with a network, {noted} noted its hash "
        f"themselves; for the other {len(started) - noted} it is the hash of the file that `--start` named. `sources` is a "
        "digest of the source files when the run ended. A dash stands for what was not recorded.",
        table(["run", "epochs", "began with", "seed", "kernels", "sources", f"SHA-256, first {DIGITS} digits"], rows),
        "The commands that stand in no other section (shorter/30 ran on F(2x2) alone, which is no longer a choice; its "
        "command takes `winograd`):",
        command("\n".join(train_command(run) for run in runs if run not in SHOWN))])
