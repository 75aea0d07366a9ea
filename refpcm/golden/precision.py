"""Judging an implementation in float32, and one whose matrix products round more than float32 does.

Both turn a case into another case, which is asked and judged like any other. Stored values stay the expectation.
"""

from dataclasses import replace

import numpy as np

from refpcm.golden.case import PRECISION, Recipe
from refpcm.golden.compare import CUS
from refpcm.spec.pcm.converters import Converter

FLOAT32 = "float32"
U_RATIO = PRECISION[FLOAT32] / PRECISION["float64"]
ROUNDINGS = 3  # of float32 before a code is chosen: the input, the step, the quotient
CONVOLUTIONS = ("conv2d", "conv2d_clean_backward")
UNBOUNDED = dict.fromkeys(("train_steps", "sgd_training", "tile_product", "chip_inference"))
WIDENED = {  # arithmetic: {operation: factor on its tolerances in float32; None: not judged}
    # Largest error measured with transforms in float32: F(2x2, 3x3) 0.7, F(4x4, 3x3) 3.5 tolerances.
    "winograd": dict.fromkeys((*CONVOLUTIONS, "network_forward", "train_steps", "sgd_training"), 8),
    # A product of two numbers cut off after 11 or 8 bits is off by at most 4 x 2^-11 or 4 x 2^-8: c = 8 of float32,
    # times this factor. Networks, measured: 526 and 4389 tolerances of float32.
    "tf32": {**dict.fromkeys((*CONVOLUTIONS, "linear"), 4096), "network_forward": 1024, **UNBOUNDED},
    "bf16": {**dict.fromkeys((*CONVOLUTIONS, "linear"), 32768), "network_forward": 8192, **UNBOUNDED}}
NOT_JUDGED = "not judged in {}: one rounding switches a ReLU or a converter's code, and the error has no bound"


def judged_as(case, precision="float64", arithmetic=None):
    """Return the case as it is asked in this precision and arithmetic; None where the arithmetic cannot be judged."""
    if precision == FLOAT32:
        case = in_float32(case)
    factor = WIDENED.get(arithmetic, {}).get(case.operation, 1)
    if factor is None:
        return None
    return replace(case, outputs=tuple(_widened(output, arithmetic, factor) for output in case.outputs))


def in_float32(case):
    """Return the case with float32 in the place of float64, in inputs and outputs.

    Inputs are rounded to nearest. u of "cus" and "probe" becomes 2^-24; "ulp" counts ULPs of float32, one more than
    stored for the rounding of the inputs. Integers: see `_codes_in_float32`.
    """
    if case.operation == "converter_codes":
        return _codes_in_float32(case)
    return replace(case, inputs=tuple(_rounded(entry, _nearest) for entry in case.inputs),
                   outputs=tuple(_judged_in_float32(output) for output in case.outputs))


def answers_in_float32(ask):
    """Return the asker with answers in float64 rounded to float32: an implementation may be more exact than asked."""
    def asked(case):
        with np.errstate(over="ignore"):
            return {name: array.astype(np.float32) if array.dtype == np.float64 else array
                    for name, array in ask(case).items()}
    return asked


def _nearest(array):
    return array.astype(np.float32)


def _rounded(entry, rounding):
    if entry.dtype != "float64":
        return entry
    content = entry.content if isinstance(entry.content, Recipe) else rounding(entry.content)
    return replace(entry, dtype=FLOAT32, content=content)


def _judged_in_float32(output):
    if output.dtype != "float64":
        return output
    tolerance = output.tolerance
    if tolerance.kind == "ulp":
        tolerance = replace(tolerance, value=tolerance.value + 1, why=f"{tolerance.why}; 1 ULP for rounding the inputs")
    if tolerance.kind == "probe":  # its value has u in it
        tolerance = replace(tolerance, value=tolerance.value * U_RATIO, why=f"{tolerance.why}; u of float32")
    return replace(output, dtype=FLOAT32, tolerance=tolerance)


def _codes_in_float32(case):
    """Return a case of converter codes with inputs in float32.

    What lies beside a float32 number goes to the next one on that side, so that what was placed one ULP beside a tie
    stays beside it. Where the step is a power of two, the quotient is exact, and the stored code is the only right one.
    Elsewhere the code on the other side of a tie is right too, if the tie is within ROUNDINGS.
    """
    case = replace(case, inputs=tuple(_rounded(entry, _outward) for entry in case.inputs))
    values = case.values()
    step = values["full_scale"] / Converter(values["bits"]).levels
    if np.frexp(step)[0] == 0.5:
        return case
    steps = np.clip(case.input_arrays()["x"].astype(np.float64) / step, *_range(values["bits"]))
    tie = np.floor(steps) + 0.5
    near = np.abs(steps - tie) <= ROUNDINGS * PRECISION[FLOAT32] * np.abs(steps)
    output, = case.outputs
    code = output.expected["value"]
    other = np.where(near, 2 * tie - code, code).astype(code.dtype)
    return replace(case, outputs=(replace(output, expected={**output.expected, "other": other}),))


def _range(bits):
    return -Converter(bits).levels, Converter(bits).levels


def _outward(array):
    nearest = array.astype(np.float32)
    back = nearest.astype(np.float64)
    side = np.where(array > back, np.float32(np.inf), np.float32(-np.inf))
    return np.where(array == back, nearest, np.nextafter(nearest, side))


def _widened(output, arithmetic, factor):
    if output.dtype != FLOAT32 or factor == 1 or output.tolerance.kind not in (CUS, "probe"):
        return output
    tolerance = output.tolerance
    return replace(output, tolerance=replace(tolerance, value=tolerance.value * factor,
                                             why=f"{tolerance.why}; x {factor} for {arithmetic}"))
