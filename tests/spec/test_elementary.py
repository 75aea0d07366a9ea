"""refpcm.spec.elementary against high-precision values (mpmath, 40 digits)."""

import numpy as np
import pytest

from refpcm.fast.elementary import exp_at, log_at
from refpcm.spec.elementary import exp, log

LOG = [(1e-300, -690.77552789821370518), (1.1641532182693481e-10, -22.873856958478195211),
       (0.1, -2.3025850929940456285), (0.7071067811865476, -0.34657359027997258635),
       (0.9999999999, -1.0000000827903710074e-10), (1.0, 0.0), (1.5, 0.40546510810816438198),
       (1e10, 23.02585092994045684), (1e300, 690.77552789821370526)]
EXP = [(-700.5, 5.9801961186397912064e-305), (-10.25, 0.000035357500850409982405), (-1e-9, 0.9999999990000000005),
       (0.0, 1.0), (0.3, 1.349858807576003089), (0.35, 1.4190675485932572168), (1.0, 2.7182818284590452354),
       (20.0, 485165195.40979027797), (700.25, 1.3022997366991783935e304)]


@pytest.mark.parametrize("function, cases", [(log, LOG), (exp, EXP)])
def test_error_is_at_most_one_ulp(function, cases):
    x, expected = np.array(cases).T
    assert np.all(np.abs(function(x) - expected) <= np.spacing(np.abs(expected)))


@pytest.mark.parametrize("function, device, x, expected", [
    (log, log_at, [np.nan, 0.0, -0.0, -5.0, -np.inf, np.inf, 5e-324], [np.nan] * 7),
    (exp, exp_at, [np.nan, -800.0, -np.inf, 2000.0, np.inf],
     [np.nan, exp(-708.0), exp(-708.0), exp(709.0), exp(709.0)])])
def test_outside_its_domain_a_function_is_nan_or_at_its_end_without_a_word(function, device, x, expected, recwarn):
    np.testing.assert_array_equal(function(np.array(x)), expected)
    np.testing.assert_array_equal([function(value) for value in x], expected)
    np.testing.assert_array_equal([device(value) for value in x], expected)
    assert not recwarn.list


def test_the_ends_of_the_domains_have_the_known_values():
    assert exp(-708.0) == pytest.approx(3.307553003638408e-308, rel=1e-15) and exp(709.0) == pytest.approx(
        8.218407461554972e307, rel=1e-15)
    assert log(2.0 ** -1022) == pytest.approx(-708.3964185322641, rel=1e-15)
