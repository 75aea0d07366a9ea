"""Takes the folder of an evaluation or of `inspect loss` into docs/results: `python -m tests.results.adopt FOLDER RUN NAME`.

result.json becomes docs/results/RUN/NAME/result.json, with paths as a reader has them, and with the networks that the
training of RUN began with, from docs/results/chain.json: network files of refpcm 0.1 do not note them. The folder's units
are kept beside it, so that `python -m refpcm.inspect trace docs/results/RUN/NAME` follows each number. With --alone,
and for `inspect loss`, docs/results/RUN/NAME.json is all.
"""

import argparse
import json
import shutil
from pathlib import Path

from refpcm.evaluation.provenance import INITIAL
from tests.results.files import RESULTS
from tests.results.runs import CHAIN, KEPT, chain, network_file


def lineage(run):
    """Return {"starts": [SHA-256 of the networks before, last one first], "starts_end": how the list ends}."""
    return {"starts": [CHAIN[before]["network_sha256"] for before in reversed(chain(run)[:-1])], "starts_end": INITIAL}


def adopted(result, run):
    """Return a result as it is committed.

    Raises ValueError if it is not one of this run's network, or if readers do not have the network of its ranges (I-29).
    """
    if result["sha256"]["network"] != CHAIN[run]["network_sha256"]:
        raise ValueError(f"this is not a result of the network of {run}")
    ranges = result["protocol"].get("range_network")
    if ranges not in (None, *map(network_file, KEPT)):
        raise ValueError(f"the ranges are those of {ranges}; evaluate with one of docs/results, named as from the repository root")
    return {**result, "protocol": {**result["protocol"], "network": network_file(run), "data": "cifar10"},
            "sha256": {**result["sha256"], **lineage(run)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("run", choices=CHAIN)
    parser.add_argument("name")
    parser.add_argument("--alone", action="store_true", help="without units")
    options = parser.parse_args()
    result = adopted(json.loads((options.folder / "result.json").read_text()), options.run)
    text = json.dumps(result, indent=1) + "\n"
    if options.alone or "rows" not in result:  # an attribution's result has the numbers of every chip
        (RESULTS / options.run / f"{options.name}.json").write_text(text)
        return
    target = RESULTS / options.run / options.name
    shutil.copytree(options.folder / "units", target / "units")
    shutil.copy(options.folder / "result.csv", target)
    (target / "result.json").write_text(text)


if __name__ == "__main__":
    main()
