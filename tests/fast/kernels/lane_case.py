"""One convolution in the lane layout with random contents, for the tests of its kernels."""

from dataclasses import dataclass

import numpy as np

from refpcm.fast import threads as parallel
from refpcm.fast.kernels import layout, weight_gradient
from refpcm.fast.kernels.convolution import (
    convolve,
    corner,
    input_gradient,
    input_gradient_packing,
    packing,
    weight_gradient_of,
)
from refpcm.fast.kernels.emit import in_tile, tile_sums
from refpcm.fast.kernels.finish import finish
from refpcm.fast.kernels.packing import blocks
from refpcm.fast.network.buffers import Scratch
from refpcm.fast.nn.conv2d import new_array
from refpcm.spec.nn import conv2d_backward, conv2d_forward
from refpcm.spec.resnet import Conv2d


@dataclass
class Case:
    """C -> K channels, H x W pixels, kernel size, stride, N images; `square` is 0 (direct), 2 or 4, see FORMS."""
    square: int
    c: int
    k: int
    h: int
    w: int
    size: int
    stride: int
    n: int

    def __post_init__(self):
        rng = np.random.default_rng(1)
        pad = self.size // 2
        self.padding, self.x_plane = pad, layout.Plane(self.h, self.w, max(1, pad))
        self.out_h, self.out_w = ((v + 2 * pad - self.size) // self.stride + 1 for v in (self.h, self.w))
        self.y_plane = layout.Plane(self.out_h, self.out_w)
        self.x = rng.standard_normal((self.n, self.c, self.h, self.w), np.float32)
        self.weights = rng.standard_normal((self.k, self.c, self.size, self.size), np.float32)
        self.dy = rng.standard_normal((self.n, self.k, self.out_h, self.out_w), np.float32)
        self.groups = layout.groups(self.n)
        self.last_lanes = self.n - layout.LANES * (self.groups - 1)

    def chain(self):
        return parallel.Chain(self.groups)

    def lanes(self, images, plane):
        tensor = layout.empty_lanes(self.groups, images.shape[1], plane)
        layout.pack(images, tensor, plane)
        return tensor

    def forward(self, mode, constants, floor=np.float32(-np.inf), addend=None):
        """-> out (N, K, H', W'), sums (K, 2)."""
        out, plane = layout.empty_lanes(self.groups, self.k, self.y_plane), self.y_plane
        epilogue = finish(mode, constants, out, floor, None if addend is None else self.lanes(addend, plane))
        packed, chain = packing(self.square, new_array, self.weights, np.ones(self.k, np.float32), self.stride, plane), self.chain()
        parallel.run_together([packed.pack])
        sums = convolve(chain, packed, Scratch(), self.stride, self.lanes(self.x, self.x_plane), self.x_plane, self.padding,
                        out, plane, epilogue, self.last_lanes)
        chain.run()
        return layout.unpack(out, plane, self.n), sums.sum(0)

    def input_gradient(self, mode, constants, addend=None, output=None, activation=None):
        """-> dx (N, C, H, W), sums (C, 2)."""
        out, plane = layout.empty_lanes(self.groups, self.c, self.x_plane), self.x_plane
        others = {name: self.lanes(images, plane) for name, images in
                  {"addend": addend, "output": output, "activation": activation}.items() if images is not None}
        packed, chain = input_gradient_packing(self.square, new_array, self.weights, self.stride, plane), self.chain()
        parallel.run_together([packed.pack])
        sums = input_gradient(chain, packed, Scratch(), self.size, self.stride, self.lanes(self.dy, self.y_plane),
                              self.y_plane, out, plane, finish(mode, constants, out, **others), self.last_lanes)
        chain.run()
        return layout.unpack(out, plane, self.n), sums.sum(0)

    def gradient_of_weights(self):
        """-> dw (K, C, k, k), by the form that the engine takes."""
        layer, chain = Conv2d("conv", ("x",), self.c, self.k, self.size, self.stride, self.padding), self.chain()
        collected = weight_gradient_of(chain, self.square, Scratch(), layer, self.lanes(self.x, self.x_plane), self.x_plane,
                                       self.lanes(self.dy, self.y_plane), self.y_plane)
        chain.run()
        return collected()

    def weight_gradient(self, image_parts=2, sections=2, band=3):
        """-> dw (K, C, k, k)."""
        image_parts = min(image_parts, self.groups)
        partial = np.full((image_parts, sections, -(-blocks(self.k) // sections), -(-self.c // in_tile(self.size)),
                           self.size, tile_sums(self.size)), np.nan, np.float32)
        gradient = np.empty_like(self.weights)
        parallel.run_tasks(weight_gradient.weight_gradient_parts, image_parts * sections, self.lanes(self.x, self.x_plane),
                     corner(self.x_plane, self.padding), self.x_plane.row, self.stride,
                     self.lanes(self.dy, self.y_plane), self.y_plane.grid, self.size, image_parts, band, partial)
        parallel.run_tasks(weight_gradient.collect_weight_gradient, self.k, partial, gradient)
        return gradient

    def exact_forward(self, transform=np.asarray):
        return conv2d_forward(transform(self.x.astype(np.float64)), transform(self.weights.astype(np.float64)),
                              self.stride, self.padding)

    def exact_backward(self, transform=np.asarray):
        """-> dx, dw in float64."""
        dy, x, w = (transform(v.astype(np.float64)) for v in (self.dy, self.x, self.weights))
        return conv2d_backward(dy, x, w, self.stride, self.padding)
