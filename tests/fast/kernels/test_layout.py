import numpy as np
import pytest

from refpcm.fast.kernels import layout


@pytest.mark.parametrize("n", [1, 16, 21])
@pytest.mark.parametrize("halo", [1, 3])
def test_unpack_inverts_pack_and_the_border_stays_zero(n, halo):
    plane = layout.Plane(5, 7, halo)
    images = np.random.default_rng(0).standard_normal((n, 3, 5, 7)).astype(np.float32)
    tensor = layout.empty_lanes(layout.groups(n), 3, plane)
    layout.pack(images, tensor, plane)
    np.testing.assert_array_equal(layout.unpack(tensor, plane, n), images)
    assert np.count_nonzero(tensor) == np.count_nonzero(images)


def test_planes_are_odd_and_tensors_aligned():
    for size in (7, 8, 14, 16, 32):
        assert layout.Plane(size, size).pixels % 2 == 1
    assert layout.empty_lanes(2, 3, layout.Plane(4, 4)).ctypes.data % 64 == 0


def test_pixel_zero_is_at_the_origin():
    plane = layout.Plane(4, 6, 2)
    tensor = layout.empty_lanes(1, 1, plane)
    layout.interior(tensor, plane)[0, 0, 0, 0] = 1
    layout.interior(tensor, plane)[0, 0, 1, 2] = 2
    assert tensor[0, 0, plane.origin, 0] == 1
    assert tensor[0, 0, plane.origin + plane.row + 2, 0] == 2
