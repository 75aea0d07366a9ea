"""refpcm.elementary against high-precision values (mpmath, 40 digits)."""

import numpy as np
import pytest

from refpcm.elementary import exp, exp_at, log, log_at

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


@pytest.mark.parametrize("function, device, low, high", [(log, log_at, 1e-12, 1e3), (exp, exp_at, -60.0, 60.0)])
def test_array_and_kernel_forms_agree_bit_for_bit(function, device, low, high):
    x = np.random.default_rng(0).uniform(low, high, 5000)
    assert np.array_equal(function(x), [device(value) for value in x])
