"""refpcm.golden.statistics against SciPy's own tests."""

import numpy as np
import pytest
from scipy import stats

from refpcm.golden.case import Output, Tolerance
from refpcm.golden.compare import compare


@pytest.mark.parametrize("distance, passes", [(3.2, False), (3.7, False), (3.77, True)])
def test_equivalence_is_students_test_where_the_reference_is_known(distance, passes):
    """16 chips so many standard errors below the upper margin; the normal quantile would be 3.09."""
    z = stats.norm.ppf((np.arange(16) + 0.5) / 16)
    accuracies = 0.9 + 0.05 - 0.01 * distance + 0.01 * 4 * z / z.std(ddof=1)
    expected = {"mean": np.full((1, 1), 0.9), "variance_of_mean": np.zeros((1, 1))}
    output = Output("accuracy", "float64", (1, 1, 16), "1", Tolerance("equivalence", 0.05, ""), expected)
    assert compare(output, accuracies[None, None]).ok == passes
    assert (stats.ttest_1samp(accuracies, 0.95, alternative="less").pvalue < 1e-3) == passes
