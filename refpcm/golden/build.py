"""What levels/ needs to write a case down: the expectation comes from the reference, in float64."""

from dataclasses import replace

import numpy as np

from refpcm.golden import reference
from refpcm.golden.case import UNITLESS, Case, Output, Tolerance, in_float64
from refpcm.golden.compare import CUS, probe

ROUNDING = "c u S: S adds up the magnitudes of all terms, c leaves room for another order of addition"


def case(id, operation, equation, catches, inputs, outputs, parameters=None, interpretation=""):
    """A Case of the level in its id ("L1-map": 1), whose outputs get the reference's values.

    inputs: as `stored` and `made` give them. parameters: {name: value or (value, unit)}.
    outputs: {name: (dtype, unit, Tolerance, scale)}, as `exact`, `ulp` and `rounded` below give them.
    The scale broadcasts to the output's shape; only the kind CUS needs one.
    Raises AttributeError for an operation that the reference does not have, KeyError for an output it does not return.
    """
    parameters = {name: value if isinstance(value, tuple) else (value, UNITLESS)
                  for name, value in (parameters or {}).items()}
    question = Case(id, int(id[1]), operation, equation, interpretation, catches, parameters, tuple(inputs), ())
    values = getattr(reference, operation)(in_float64(question.input_arrays()), question.values())
    return replace(question, outputs=tuple(_output(name, values[name], *wanted) for name, wanted in outputs.items()))


def _output(name, value, dtype, unit, tolerance, scale=None):
    value = np.asarray(value)
    shape = value.shape
    expected = {"value": value}
    if tolerance.kind == "probe":
        value, scale = probe(value)
        expected = {"value": value, "scale": scale}
    elif tolerance.kind == CUS:
        expected["scale"] = np.broadcast_to(np.asarray(scale, np.float64), value.shape).copy()
    return Output(name, dtype, shape, unit, tolerance, expected)


# --- what an output is, and how far it may be off: (dtype, unit, Tolerance, scale)

def exact(dtype):
    """Integers, which must be equal."""
    return dtype, UNITLESS, Tolerance("exact", 0.0, "integers and bit patterns have no tolerance"), None


def ulp(value, why, unit=UNITLESS, dtype="float64"):
    """Numbers within `value` units in the last place of the expected ones."""
    return dtype, unit, Tolerance("ulp", float(value), why), None


def rounded(scale, unit=UNITLESS, dtype="float64", value=8.0, why=ROUNDING):
    """Numbers within value u S; scale: S, the sum of the magnitudes of the terms, in the unit of the output."""
    return dtype, unit, Tolerance(CUS, float(value), why), scale
