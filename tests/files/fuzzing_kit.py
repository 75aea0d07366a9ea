"""What is fuzzed of the golden kit: its manifest, its tensors, and answers to it."""

import json

import numpy as np

from refpcm.files.reading import sha256_of
from refpcm.golden import kit_writing, runner
from refpcm.golden.exchange import write_case, write_plain
from refpcm.golden.explain import case_text
from refpcm.golden.kit import Kit
from tests.files.fuzzing_digests import header_of
from tests.files.fuzzing_targets import target

LARGEST_RUN = 1e6  # numbers of an array that a mutant may ask for and that are then made, too
CASES = ("L0-normals-plain", "L1-nu", "L1-stuck", "L2-linear-64", "L3-product-noise", "L6-joint-steps")


def small_kit(folder):
    """A kit of a few cases."""
    cases = [case for case in Kit().cases if case.id in CASES]
    assert len(cases) == len(CASES)
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
