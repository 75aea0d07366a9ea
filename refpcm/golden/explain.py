"""`python -m refpcm.golden explain`: cases in full, with the code of the reference and the specification."""

import inspect
from dataclasses import fields

import numpy as np

from data_tools.foreign_text import shown_lines
from refpcm.golden import reference
from refpcm.golden.pin import find_kit
from refpcm.golden.reference import chosen
from refpcm.golden.report import as_hex
from refpcm.golden.small_network import network_named
from refpcm.golden.spec_source import spec_source
from refpcm.spec.pcm.device_data import CURVES


def explain(options):
    """Print the cases whose id fits one of the patterns, one after the other. Raises RefpcmError if there is none."""
    kit = find_kit(options.kit)
    cases = kit.chosen(patterns=options.case)
    texts = [case_text(case, [e for e in kit.errata if e["case"] == case.id]) for case in cases]
    print(shown_lines("\n\n".join(texts)))
    return 0


def case_text(case, errata):
    """Return all that the kit says of a case, and `code_text`."""
    interpretation = f", interpretation {case.interpretation}" if case.interpretation else ""
    lines = [f"{case.id}: {case.operation}, level L{case.level}{interpretation}", f"  equation  {case.equation}",
             f"  catches   {case.catches}"]
    for name, (value, unit) in case.parameters.items():
        exact = f"  ({value.hex()})" if isinstance(value, float) else ""
        lines.append(f"  parameter {type(value).__name__} {name} = {value} [{unit}]{exact}")
    for entry in case.inputs:
        lines.append(f"  input     {entry.name} {entry.dtype} {entry.shape} [{entry.unit}]: {_some(entry.array())}")
    for output in case.outputs:
        lines += [f"  output    {output.name} {output.dtype} {output.shape} [{output.unit}]",
                  f"            tolerance {output.tolerance.kind} {output.tolerance.value:.4g}: {output.tolerance.why}"]
        lines += [f"            {part} {array.dtype} {array.shape}: {_some(array)}"
                  for part, array in output.expected.items()]
    lines += [f"  erratum since {erratum['since']}: {erratum['text']}" for erratum in errata]
    values = case.values()
    if "device" in values:
        lines += ["", *_device_lines(chosen.device(values))]
    if "architecture" in values:
        lines += ["", *_layer_lines(network_named(values["architecture"], values["classes"]))]
    return "\n".join([*lines, "", code_text(case.operation)])


def code_text(operation):
    """Return the reference's answer to an operation and the functions of refpcm.spec behind it, as source.

    For an operation of a kit that is not ours: that there is no answer.
    """
    if operation not in reference.__all__:
        return "The reference of this refpcm has no answer: the operation is of another kit or version."
    return (f"The reference's answer:\n\n{inspect.getsource(getattr(reference, operation))}\n"
            f"The specification, equations as in docs/equations.md:\n\n{spec_source(operation)}")


def _some(array, count=4):
    """Return the first few values in decimal and hex; those that are not 0, with their place, if the first all are."""
    flat = np.asarray(array).reshape(-1)
    places = np.arange(min(count, flat.size))
    if flat.size > count and not flat[places].any():
        places = np.flatnonzero(flat)[:count]
    if not places.size:
        return "all 0"
    shown = ", ".join(f"{v} ({as_hex(v)})" if flat.dtype.kind == "f" else str(v) for v in flat[places].tolist())
    first = f"from flat index {places[0]}: " if places[0] else ""
    return first + shown + (", ..." if flat.size > len(places) else "")


def _device_lines(device):
    """Return the constants of a device, one line each; a piece of a curve holds for g = G / G_max below its `below`."""
    lines = [f"Device {device.name}:"]
    for field in fields(device):
        value = getattr(device, field.name)
        if field.name in CURVES:
            lines += [f"  {field.name} {piece.form} {piece.coefficients}, within {piece.low:g} .. {piece.high:g}, "
                      f"below g = {piece.below:g}" for piece in value]
        elif field.name != "name":
            lines.append(f"  {field.name} = {value}")
    return lines


def _layer_lines(network):
    """Return the layers of a network, one line each: name, kind, inputs, sizes, strides, padding."""
    lines = [f"Layers of {network.architecture}, input {network.input_shape}:"]
    for layer in network.layers:
        sizes = [f"{f.name} {getattr(layer, f.name)}" for f in fields(layer) if f.name not in ("name", "inputs")]
        lines.append(f"  {layer.name:<28} {type(layer).__name__:<18} of {', '.join(layer.inputs)}"
                     + (f": {', '.join(sizes)}" if sizes else ""))
    return lines
