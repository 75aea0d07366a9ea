"""What levels/ needs to write a case down: the expectation comes from the reference, in float64."""

import numpy as np

from refpcm.golden import reference
from refpcm.golden.case import UNITLESS, Case, Output, Tolerance, in_float64
from refpcm.golden.compare import probe

ROUNDING = "c u S: S adds up the magnitudes of all terms, c leaves room for another order of addition"


def case(id, level, operation, equation, catches, inputs, outputs, parameters=None, interpretation=""):
    """A Case whose outputs {name: (dtype, unit, Tolerance, scale or None)} get the reference's values.

    scale: array of the output's shape for kind "cus". parameters: {name: value or (value, unit)}.
    """
    parameters = {name: value if isinstance(value, tuple) else (value, UNITLESS)
                  for name, value in (parameters or {}).items()}
    found = Case(id, level, operation, equation, interpretation, catches, parameters, tuple(inputs), ())
    values = getattr(reference, operation)(in_float64(found.input_arrays()), found.values())
    return Case(id, level, operation, equation, interpretation, catches, parameters, tuple(inputs),
                tuple(_output(name, values[name], *wanted) for name, wanted in outputs.items()))


def _output(name, value, dtype, unit, tolerance, scale=None):
    value = np.asarray(value)
    shape = value.shape
    expected = {"value": value}
    if tolerance.kind == "probe":
        value, scale = probe(value)
        expected = {"value": value, "scale": scale}
    elif tolerance.kind == "cus":
        expected["scale"] = np.broadcast_to(np.asarray(scale, np.float64), value.shape).copy()
    return Output(name, dtype, shape, unit, tolerance, expected)


def exact():
    return Tolerance("exact", 0.0, "integers and bit patterns have no tolerance")


def ulp(value, why):
    return Tolerance("ulp", float(value), why)


def cus(value=8.0, why=ROUNDING):
    return Tolerance("cus", float(value), why)
