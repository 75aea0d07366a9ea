"""The analog matrix-vector product: tiles of limited size, converters, output noise.

A matrix (R rows = inputs, K columns = outputs) is cut into ceil(R / limit) row parts whose sizes differ by at most one,
the larger first, and likewise into column parts. Every tile converts its inputs, sums currents along its columns, adds
noise and converts the sums; the results of the row parts are added digitally:

    y_k = sum over row parts p of  ADC(sum over r in p of W_rk DAC(x_r) + sigma z_pk)

Column limits change which tile a column sits in, not its result. N is the number of input vectors.
"""

from dataclasses import dataclass, field

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.pcm.converters import Converter, convert, saturated


@dataclass(frozen=True)
class Tiles:
    """rows, columns: largest tile, None = no limit. dac, adc: converters.

    output_noise: standard deviation of the noise on a column's sum before the ADC, in units of W_max times the input
    range (as aihwkit counts it; 0.06 in its IOParameters).
    """
    rows: int = 512
    columns: int = None
    dac: Converter = field(default_factory=Converter)
    adc: Converter = field(default_factory=Converter)
    output_noise: float = 0.0

    def __post_init__(self):
        for name in ("rows", "columns"):
            limit = getattr(self, name)
            if limit is not None and not (isinstance(limit, int) and limit >= 1):
                raise RefpcmError(f"tiles: {name} must be a whole number from 1 on, or None, not {limit!r}")
        if not 0 <= self.output_noise < float("inf"):
            raise RefpcmError(f"tiles: output_noise must not be negative, not {self.output_noise!r}")


@dataclass(frozen=True)
class Ranges:
    """Full scale of a layer's converters: of its inputs (DAC) and of a tile's column sums (ADC).

    Raises RefpcmError unless both are above 0 and finite.
    """
    inputs: float
    outputs: float

    def __post_init__(self):
        for name in ("inputs", "outputs"):
            if not 0 < getattr(self, name) < np.inf:
                raise RefpcmError(f"converter ranges: {name} must be above 0 and finite, not {getattr(self, name)!r}; "
                                  "take those of calibrate_ranges")


@dataclass
class Saturation:
    """How many values were converted, and how many of them lay beyond the range."""
    dac_values: int = 0
    dac_saturated: int = 0
    adc_values: int = 0
    adc_saturated: int = 0


def count(saturation, tiles, inputs, inputs_beyond, sums, sums_beyond):
    """Add to a Saturation what went through converters that are not ideal."""
    if tiles.dac.bits is not None:
        saturation.dac_values += inputs
        saturation.dac_saturated += inputs_beyond
    if tiles.adc.bits is not None:
        saturation.adc_values += sums
        saturation.adc_saturated += sums_beyond


def parts(size, limit):
    """Bounds [(begin, end), ...] of the ceil(size / limit) parts; sizes differ by at most one, the larger first.

    E-49.
    """
    count = 1 if limit is None else -(-size // limit)
    small, larger = divmod(size, count)
    sizes = [small + 1] * larger + [small] * (count - larger)
    ends = np.cumsum(sizes)
    return [(int(end) - n, int(end)) for end, n in zip(ends, sizes)]


def demand_shape(name, array, shape):
    """Raises RefpcmError unless the array has this shape."""
    if array is None or np.shape(array) != shape:
        found = "nothing" if array is None else f"shape {np.shape(array)}"
        raise RefpcmError(f"a product on these tiles wants {name} of shape {shape}, got {found}")


def product(x, weights, tiles, ranges, z=None, w_max=1.0, saturation=None, variance=None, z_read=None):
    """x (N, R), weights (R, K) -> y (N, K), as the equation above reads, in x's precision. E-50.

    z: standard normal (N, P, K), P row parts, wanted if output_noise is not 0. saturation: a Saturation to add to.
    variance (R, K): of each weight's read noise, drawn afresh for every product (I-9, `per_product`): a column's sum
    then gets sqrt(sum over r in p of DAC(x_r)^2 variance_rk) z_read_pk, z_read (N, P, K) standard normal.
    Raises RefpcmError for arrays of other shapes.
    """
    (rows, columns), bounds = weights.shape, parts(len(weights), tiles.rows)
    sigma = float(tiles.output_noise * w_max * ranges.inputs)
    demand_shape("x", x, (len(x), rows))
    if sigma:
        demand_shape("z", z, (len(x), len(bounds), columns))
    if variance is not None:
        demand_shape("variance", variance, (rows, columns))
        demand_shape("z_read", z_read, (len(x), len(bounds), columns))
    analog = convert(x, tiles.dac, ranges.inputs)
    y, sums_beyond = np.zeros((len(x), columns), x.dtype), 0
    for p, (begin, end) in enumerate(bounds):
        current = analog[:, begin:end] @ weights[begin:end]
        if variance is not None:
            read_noise = np.sqrt(analog[:, begin:end] ** 2 @ variance[begin:end]) * z_read[:, p]
            current = (current + read_noise).astype(x.dtype)
        if sigma:
            current = (current + sigma * z[:, p]).astype(x.dtype)
        y += convert(current, tiles.adc, ranges.outputs)
        sums_beyond += saturated(current, tiles.adc, ranges.outputs)
    if saturation is not None:
        count(saturation, tiles, x.size, saturated(x, tiles.dac, ranges.inputs), len(bounds) * y.size, sums_beyond)
    return y


class Tail:
    """The largest of many non-negative numbers that come in parts: enough of them for one quantile, exactly.

    total: how many numbers there will be; share: the quantile, as of `numpy.quantile` with linear interpolation.
    """

    def __init__(self, total, share):
        self.position = share * (total - 1)
        self.keep = total - int(self.position)
        self.largest = np.empty(0)

    def add(self, values):
        """Take an array of numbers, any shape."""
        values = np.concatenate([self.largest, np.abs(values).ravel().astype(np.float64)])
        cut = max(len(values) - self.keep, 0)
        self.largest = np.partition(values, cut)[cut:] if cut else values

    def quantile(self):
        """Return the quantile, and the largest number where that is 0. E-57."""
        ordered = np.sort(self.largest)
        low, high = ordered[0], ordered[min(1, len(ordered) - 1)]
        return float(low + (high - low) * (self.position - int(self.position))) or float(ordered[-1])
