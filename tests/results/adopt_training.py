"""Takes a finished training into docs/results: `python -m tests.results.adopt_training FOLDER RUN [--keep]`.

config.json and result.json get paths as a reader has them, docs/results/chain.json an entry. --keep copies the network, too;
RUN then belongs into KEPT of tests/results/runs.py, where all of paper/ are, which need it.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

from tests.results.files import RESULTS
from tests.results.runs import CHAIN, INITIAL, PAPER, match_folder

NETWORK = "network.safetensors"


def start_of(config):
    """Return the run whose network a training began with. Raises ValueError for one that is not in the chain."""
    if config["start_sha256"] is None:
        return INITIAL
    found = [run for run, link in CHAIN.items() if link["network_sha256"] == config["start_sha256"]]
    if not found:
        raise ValueError(f"no run of chain.json has the network {config['start_sha256'][:16]} that this one began with")
    return found[0]


def with_readers_paths(config, run, start):
    """Return a configuration with the paths that the documentation has."""
    paths = {"--data": "cifar10", "--out": f"runs/{run}", "--start": f"docs/results/{start}/{NETWORK}", "--match": match_folder(start)}
    words = ["refpcm/train.py", *config["command"][1:]]
    words = [words[0], *(paths.get(before, word) for before, word in zip(words, words[1:]))]
    return {**config, "data": "cifar10", "command": words}


def link_of(config, result, network_sha256, start):
    """Return the entry of chain.json of a run with these config.json and result.json."""
    return {"network_sha256": network_sha256, "start": start, "start_sha256": config["start_sha256"],
            "start_noted_by_run": config["start_sha256"] is not None,
            "command": " ".join(["python -m refpcm.train", *config["command"][1:]]), "seed": config["seed"],
            "kernels": config["kernels"], "sources": result["versions"]["sources"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("run", help="such as paper/baseline")
    parser.add_argument("--keep", action="store_true", help="copy the network, too")
    options = parser.parse_args()
    if options.run.startswith(f"{PAPER}/") and not options.keep:
        parser.error(f"networks of {PAPER}/ are kept; add --keep")
    config, result = (json.loads((options.folder / f"{name}.json").read_text()) for name in ("config", "result"))
    start, target = start_of(config), RESULTS / options.run
    config = with_readers_paths(config, options.run, start)
    result = {**result, "data": "cifar10", "network": f"runs/{options.run}/{NETWORK}"}
    target.mkdir(parents=True)
    (target / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (target / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    shutil.copy(options.folder / "metrics.jsonl", target)
    if options.keep:
        shutil.copy(options.folder / NETWORK, target)
    digest = hashlib.sha256((options.folder / NETWORK).read_bytes()).hexdigest()
    links = {**CHAIN, options.run: link_of(config, result, digest, start)}
    (RESULTS / "chain.json").write_text(json.dumps(dict(sorted(links.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
