"""The functions of the specification that made a number of an evaluation, and a hash of each that prose does not change."""

import ast
import hashlib
import inspect
from functools import lru_cache

from refpcm.evaluation.compensations import WITH_ADABS, WITH_GDC
from refpcm.evaluation.nested import summarise_shares
from refpcm.evaluation.protocol import RESULTS_VERSION
from refpcm.files.devices import find_device
from refpcm.spec.compensation import adabs, global_drift
from refpcm.spec.pcm import drift, mapping, note2, product_noise, programming, read_noise, tile, transfer


def equations(protocol, device, compensation):
    """Return [(step, function)] of a number, in the order of the signal. device: Device, of whose model they are."""
    steps = [("weights to conductances", mapping.to_conductances)]
    if device.model == "transfer":
        steps.append(("programming", transfer.transferred_us))
    elif device.model == "note2":
        steps += [("drift exponents", note2.note2_exponents), ("programming", note2.note2_programmed_us),
                  ("drift and late error", note2.note2_read_us)]
    else:
        steps += [("programming", programming.programmed_us), ("drift exponents", drift.drift_exponents),
                  ("drift", drift.drifted_us), ("read noise", read_noise.read_us)]
    steps.append(("conductances to weights", mapping.to_weights))
    per_product = protocol.read_noise == "per_product"
    for step, function, used in (("read noise per product", product_noise.weight_variances, per_product),
                                 ("GDC", global_drift.drift_factor, compensation in WITH_GDC),
                                 ("tiles", tile.product, protocol.needs_tiles()),
                                 ("AdaBS", adabs.calibrate, compensation in WITH_ADABS),
                                 ("mean and interval", summarise_shares, True)):
        steps += [(step, function)] if used else []
    return steps


def place(function):
    """Return "FILE FUNCTION", by which `code_identity` knows a function."""
    return f"{function.__module__.replace('.', '/')}.py {function.__name__}"


def code_identity(protocol):
    """Return {"results_version", "equations": {`place`: digest}}: the code behind an evaluation, as far as numbers go."""
    device = find_device(protocol.device)
    functions = {function for name in protocol.compensations for _, function in equations(protocol, device, name)}
    return {"results_version": RESULTS_VERSION,
            "equations": {place(function): code_digest(function) for function in sorted(functions, key=place)}}


@lru_cache(maxsize=None)
def code_digest(function):
    """Return the first 16 digits of a SHA-256 of the module that a function is in, without comments and docstrings."""
    return text_digest(inspect.getsource(inspect.getmodule(function)))


def text_digest(source):
    """Return the digest of the text of a module; see `code_digest`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16]
