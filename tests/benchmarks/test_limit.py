"""The work of a step that the limit counts, by hand for a small case."""

import pytest

from refpcm import build
from refpcm.spec.resnet import Conv2d
from tests.benchmarks.limit import step_work


def test_direct_products_are_three_times_those_of_a_pass_but_for_the_image():
    """The first convolution has no gradient of its input."""
    network, pixels = build("joshi2020-resnet32"), {16: 32 * 32, 28: 16 * 16, 56: 8 * 8}
    macs = {layer.name: layer.in_channels * layer.out_channels * layer.kernel ** 2 * pixels[layer.out_channels]
            for layer in network.layers if isinstance(layer, Conv2d)}
    first = next(iter(macs.values()))
    flop, _ = step_work("joshi2020-resnet32", 2, "direct")
    assert flop == 2 * 2 * (3 * sum(macs.values()) - first)


def test_winograd_counts_a_quarter_where_squares_of_four_pixels_fit():
    direct, winograd = (step_work("joshi2020-resnet32", 1, kernels) for kernels in ("direct", "winograd"))
    assert 0.25 < winograd[0] / direct[0] < 0.35  # all but the first, the strided and the 1x1 convolutions
    assert winograd[1] == direct[1]


def test_bytes_grow_with_the_batch():
    assert step_work("tiny-resnet8", 6, "direct")[1] == pytest.approx(3 * step_work("tiny-resnet8", 2, "direct")[1])
