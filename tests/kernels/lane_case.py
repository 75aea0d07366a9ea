"""One convolution in the lane layout with random contents, for the tests of its kernels."""

from dataclasses import dataclass

import numpy as np

from refpcm.kernels import conv, layout, parallel, winograd
from refpcm.kernels.emit import OUT_TILE
from refpcm.nn import conv2d_backward, conv2d_forward

NO_FLOOR = np.float32(-np.inf)


def blocks(channels):
    return -(-channels // OUT_TILE)


@dataclass
class Case:
    """C -> K channels, H x W pixels, kernel size, stride, N images; `form` is conv, conv_plain or winograd."""
    form: object
    c: int
    k: int
    h: int
    w: int
    size: int
    stride: int
    n: int

    def __post_init__(self):
        rng = np.random.default_rng(1)
        pad = self.padding = self.size // 2
        self.x_plane = layout.Plane(self.h, self.w, max(1, pad))
        self.out_h, self.out_w = ((v + 2 * pad - self.size) // self.stride + 1 for v in (self.h, self.w))
        self.y_plane = layout.Plane(self.out_h, self.out_w)
        self.x = rng.standard_normal((self.n, self.c, self.h, self.w), np.float32)
        self.weights = rng.standard_normal((self.k, self.c, self.size, self.size), np.float32)
        self.dy = rng.standard_normal((self.n, self.k, self.out_h, self.out_w), np.float32)
        self.groups = layout.groups(self.n)
        self.last_lanes = self.n - layout.LANES * (self.groups - 1)

    def lanes(self, images, plane):
        tensor = layout.empty_lanes(self.groups, images.shape[1], plane)
        layout.pack(images, tensor, plane)
        return tensor

    def corner(self, plane):
        """Index of the input pixel under the first tap of output (0, 0)."""
        return plane.origin - self.padding * (plane.row + 1)

    def packed(self, scale, transposed, rows):
        """-> packed weights, the function that takes them, its tasks a group."""
        inputs, outputs = (self.k, self.c) if transposed else (self.c, self.k)
        if self.form is winograd:
            packed = np.zeros((blocks(outputs), winograd.PLACES, inputs, OUT_TILE), np.float32)
            pack, convolve, tasks = winograd.pack_weights, winograd.convolve_row_pairs, (rows + 1) // 2
        else:
            packed = np.zeros((blocks(outputs), self.size, inputs, self.size, OUT_TILE), np.float32)
            pack, convolve, tasks = conv.pack_weights, self.form.convolve_rows, rows
        pack(self.weights, scale, transposed, packed)
        return packed, convolve, tasks

    def forward(self, mode, constants, floor=NO_FLOOR, addend=None):
        """-> out (N, K, H', W'), sums (K, 2)."""
        packed, convolve, tasks = self.packed(np.ones(self.k, np.float32), False, self.out_h)
        out, p = layout.empty_lanes(self.groups, self.k, self.y_plane), self.y_plane
        sums = np.empty((self.groups * tasks, self.k, 2))
        other = out if addend is None else self.lanes(addend, p)
        parallel.run(convolve, len(sums), self.lanes(self.x, self.x_plane), self.corner(self.x_plane), self.x_plane.row,
                     self.stride, packed, out, p.origin, p.row, p.height, p.width, mode, constants,
                     floor, other, addend is not None, out, out, sums, self.last_lanes)
        return layout.unpack(out, p, self.n), sums.sum(0)

    def input_gradient(self, mode, constants, addend=None, output=None, activation=None):
        """-> dx (N, C, H, W), sums (C, 2)."""
        out, p, below = layout.empty_lanes(self.groups, self.c, self.x_plane), self.x_plane, self.y_plane
        dy, tasks = self.lanes(self.dy, below), self.h
        if self.stride == 1:
            packed, convolve, tasks = self.packed(constants, True, self.h)
        sums = np.empty((self.groups * tasks, self.c, 2))
        addend_lanes, output_lanes, activation_lanes = (out if v is None else self.lanes(v, p)
                                                        for v in (addend, output, activation))
        finish = (out, p.origin, p.row, p.height, p.width, mode, constants, NO_FLOOR, addend_lanes, addend is not None,
                  output_lanes, activation_lanes, sums, self.last_lanes)
        if self.stride == 1:
            parallel.run(convolve, len(sums), dy, self.corner(below), below.row, 1, packed, *finish)
        else:
            packed = np.zeros((4, blocks(self.c), 2, self.k, 2, OUT_TILE), np.float32)
            conv.pack_weights_by_parity(self.weights, packed)
            parallel.run(self.form.input_gradient_rows_stride_2, len(sums), dy, below.origin, below.row, packed,
                         self.size, *finish)
        return layout.unpack(out, p, self.n), sums.sum(0)

    def weight_gradient(self, image_parts=2, sections=2, band=3):
        """-> dw (K, C, k, k)."""
        image_parts = min(image_parts, self.groups)
        partial = np.full((image_parts, sections, -(-blocks(self.k) // sections), -(-self.c // conv.in_tile(self.size)),
                           self.size, conv.tile_sums(self.size)), np.nan, np.float32)
        below, gradient = self.y_plane, np.empty_like(self.weights)
        parallel.run(self.form.weight_gradient_parts, image_parts * sections, self.lanes(self.x, self.x_plane),
                     self.corner(self.x_plane), self.x_plane.row, self.stride, self.lanes(self.dy, below), below.origin,
                     below.row, below.height, below.width, self.size, image_parts, band, partial)
        parallel.run(conv.collect_weight_gradient, self.k, partial, gradient)
        return gradient

    def exact_forward(self, transform=np.asarray):
        return conv2d_forward(transform(self.x.astype(np.float64)), transform(self.weights.astype(np.float64)),
                              self.stride, self.padding)

    def exact_backward(self, transform=np.asarray):
        """-> dx, dw in float64."""
        dy, x, w = (transform(v.astype(np.float64)) for v in (self.dy, self.x, self.weights))
        return conv2d_backward(dy, x, w, self.stride, self.padding)
