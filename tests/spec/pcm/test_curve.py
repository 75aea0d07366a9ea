"""refpcm.spec.pcm.curve: pieces, tables, where no piece reaches."""

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.spec.pcm.curve import Piece, curve_value, logarithm, polynomial, power, table


@pytest.mark.parametrize("form, coefficients", [("spline", (1.0,)), ("polynomial", ()), ("polynomial", (1.0,) * 5),
                                                ("power", (1.0, 2.0, 3.0))])
def test_a_piece_of_no_known_form_is_refused(form, coefficients):
    with pytest.raises(RefpcmError, match="polynomial, logarithm, power, reciprocal"):
        Piece(form, coefficients)


def test_a_curve_is_nan_where_no_piece_reaches():
    g = np.array([0.2, 0.7, np.nan, np.inf])
    for curve in ((polynomial(3.0, below=0.5),), (power(3.0, 0.0, below=0.5),), (logarithm(0.0, 3.0, below=0.5),)):
        np.testing.assert_array_equal(curve_value(curve, g), [3.0, np.nan, np.nan, np.nan])


def test_a_table_is_interpolated_and_constant_outside():
    curve = table([0.1, 0.4, 1.0], [3.0, 6.0, 0.0])
    value = curve_value(curve, [0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 1.1])
    np.testing.assert_allclose(value, [3, 3, 4, 6, 3, 0, 0], atol=1e-12)


def test_each_form_is_its_formula_clipped_to_its_bounds():
    g = np.array([0.01, 0.5, 1.0])
    np.testing.assert_allclose(curve_value((polynomial(1.0, 2.0, 3.0, 4.0),), g), 1 + 2 * g + 3 * g ** 2 + 4 * g ** 3)
    np.testing.assert_allclose(curve_value((logarithm(-0.1, 0.2, 0.25, 0.5),), g), np.clip(0.2 - 0.1 * np.log(g), 0.25, 0.5))
    np.testing.assert_allclose(curve_value((power(0.3, -0.5, high=2.0),), g), np.minimum(0.3 / np.sqrt(g), 2.0))
    np.testing.assert_allclose(curve_value((Piece("reciprocal", (8.0, 2.0)),), g), 1 / (8 * g + 2))


def test_a_piece_holds_below_its_bound_and_the_next_from_there_on():
    curve = (polynomial(1.0, below=0.5), polynomial(2.0))
    assert curve_value(curve, [0.0, np.nextafter(0.5, 0), 0.5, 1.0]).tolist() == [1, 1, 2, 2]
