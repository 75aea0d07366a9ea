"""refpcm.exact: its rounding, and the key of its cache."""

from pathlib import Path

import refpcm
from refpcm.exact import SOURCES, exact_kernel


def test_every_file_with_exact_kernels_is_in_the_cache_key():
    """Otherwise old machine code could survive a change of that file."""
    home = Path(refpcm.__file__).parent
    using = {str(path.relative_to(home)) for path in home.rglob("*.py") if "exact_kernel(" in path.read_text()}
    assert using == set(SOURCES)


def test_no_fused_multiply_add_changes_a_rounding():
    """(1 + e)^2 - (1 + 2 e) is e^2 with a fused multiply-add and 0 without, e = 2^-30: kernels must give 0."""
    @exact_kernel()
    def product_sum(x, y):
        return x * x + y
    assert product_sum(1 + 2.0 ** -30, -(1 + 2.0 ** -29)) == 0.0
