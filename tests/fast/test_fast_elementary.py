"""refpcm.fast.elementary against the specification, bit for bit."""

import numpy as np
import pytest

from refpcm.fast.elementary import exp_at, log_at
from refpcm.spec.elementary import exp, log


@pytest.mark.parametrize("function, device, low, high", [(log, log_at, 1e-12, 1e3), (exp, exp_at, -60.0, 60.0)])
def test_array_and_kernel_forms_agree_bit_for_bit(function, device, low, high):
    x = np.random.default_rng(0).uniform(low, high, 5000)
    assert np.array_equal(function(x), [device(value) for value in x])
