"""What a case of the golden kit is: inputs, parameters, expected outputs, and how far an answer may be off.

The same classes serve to write the kit (levels/) and to read it back (kit.py).
"""

from dataclasses import dataclass

import numpy as np

from refpcm.spec import random

PRECISION = {"float64": 2.0 ** -53, "float32": 2.0 ** -24}  # u, half the distance between 1 and the next number
UNITLESS = "1"


@dataclass(frozen=True)
class Recipe:
    """An input that is made, not stored: offset + scale * normals(seed, 0, INITIALISATION, layer, 0, 0, count).

    Computed in float64, rounded to the input's dtype last. It keeps the weights of whole networks out of the kit.
    """
    seed: int
    layer: int
    scale: float = 1.0
    offset: float = 0.0

    def make(self, shape, dtype):
        """The array, of this shape and dtype, in the unit of the input."""
        count = int(np.prod(shape))
        z = random.normals(self.seed, 0, random.Purpose.INITIALISATION, self.layer, 0, 0, count)
        return (self.offset + self.scale * z).reshape(shape).astype(dtype)


@dataclass(frozen=True)
class Input:
    """name, dtype, shape, unit, and the array itself or the Recipe for it."""
    name: str
    dtype: str
    shape: tuple
    unit: str
    content: object

    def array(self):
        """The values, of .shape and .dtype; a Recipe is carried out anew at each call."""
        return self.content.make(self.shape, self.dtype) if isinstance(self.content, Recipe) else self.content


@dataclass(frozen=True)
class Tolerance:
    """kind and value as compare.py and statistics.py define them; why: where the number comes from."""
    kind: str
    value: float
    why: str


@dataclass(frozen=True)
class Output:
    """name, dtype and shape that an implementation returns, unit, tolerance, and the stored expectation.

    expected: {part: array}, the parts being those that the tolerance's kind wants ("value", "scale", ...).
    """
    name: str
    dtype: str
    shape: tuple
    unit: str
    tolerance: Tolerance
    expected: dict


@dataclass(frozen=True)
class Case:
    """One question to an implementation. `id` is never used again for another question.

    parameters: {name: (value, unit)} with values int, float or str. interpretation: "I-7", or "" where the paper leaves
    no choice. catches: the mistake it is there for. outputs: in the order of the signal.
    """
    id: str
    level: int
    operation: str
    equation: str
    interpretation: str
    catches: str
    parameters: dict
    inputs: tuple
    outputs: tuple

    def input_arrays(self):
        """{name: array} of the inputs, in their order."""
        return {i.name: i.array() for i in self.inputs}

    def values(self):
        """Parameters without their units, as an implementation gets them."""
        return {name: value for name, (value, _) in self.parameters.items()}


def stored(name, array, unit=UNITLESS):
    """An Input that carries its values."""
    array = np.asarray(array)
    return Input(name, str(array.dtype), array.shape, unit, array)


def made(name, shape, dtype, seed, layer, unit=UNITLESS, scale=1.0, offset=0.0):
    """An Input that is made from a Recipe."""
    return Input(name, dtype, tuple(shape), unit, Recipe(seed, layer, scale, offset))


def in_float64(arrays):
    """The arrays with float32 widened: the expectation of a float32 case is computed in float64."""
    return {name: a.astype(np.float64) if a.dtype == np.float32 else a for name, a in arrays.items()}
