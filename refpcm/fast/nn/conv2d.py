"""Convolution by the kernel that the engine takes for its shape."""

from functools import partial

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.fast.kernels import convolution
from refpcm.fast.kernels.finish import AFFINE, finish
from refpcm.fast.kernels.layout import Plane, empty_lanes, groups, in_last_group, unpack
from refpcm.fast.network.buffers import Scratch
from refpcm.fast.nn.operands import demand_shape, float32, lanes
from refpcm.fast.threads import Chain, run_together
from refpcm.spec.nn.conv2d import check_shapes, output_size
from refpcm.spec.resnet import Conv2d

SQUARE = convolution.FORMS["winograd"]
new_array = partial(np.empty, dtype=np.float32)


def conv2d_forward(x, w, stride=1, padding=0):
    """Return the convolution of x (N, C, H, W) with w (K, C, k, k): (N, K, H_out, W_out).

    Raises RefpcmError for a kernel, stride and padding without a fast form.
    """
    x_lanes, x_plane, plane = _operands(x, w, stride, padding)
    out, chain = empty_lanes(groups(len(x)), len(w), plane), Chain(groups(len(x)))
    packed = convolution.packing(SQUARE, new_array, float32(w), np.ones(len(w), np.float32), stride, plane)
    run_together([packed.pack])
    convolution.convolve(chain, packed, Scratch(), stride, x_lanes, x_plane, padding, out, plane,
                         finish(AFFINE, np.zeros(len(w), np.float32), out), in_last_group(len(x)))
    chain.run()
    return unpack(out, plane, len(x))


def conv2d_backward(dout, x, w, stride=1, padding=0):
    """Return dL/dx (N, C, H, W) and dL/dw (K, C, k, k); `w` is used for dx only (I-2).

    Raises RefpcmError as `conv2d_forward`, for another dout than (N, K, H_out, W_out), and for a 7 x 7 kernel: it reads
    images, which have no gradient.
    """
    x_lanes, x_plane, plane = _operands(x, w, stride, padding)
    demand_shape("dout", dout, (len(x), len(w), plane.height, plane.width))
    if w.shape[2] == 7:
        raise RefpcmError("a 7x7 convolution has no fast gradient of its input; use refpcm.spec.nn")
    dout_lanes, dx = lanes(dout, plane), empty_lanes(groups(len(x)), x.shape[1], x_plane)
    packed, chain = convolution.input_gradient_packing(SQUARE, new_array, float32(w), stride, x_plane), Chain(len(dx))
    run_together([packed.pack])
    convolution.input_gradient(chain, packed, Scratch(), w.shape[2], stride, dout_lanes, plane, dx, x_plane,
                               finish(AFFINE, np.zeros(x.shape[1], np.float32), dx), in_last_group(len(x)))
    layer = Conv2d("conv", ("x",), x.shape[1], len(w), w.shape[2], stride, padding)
    dw = convolution.weight_gradient_of(chain, SQUARE, Scratch(), layer, x_lanes, x_plane, dout_lanes, plane)
    chain.run()
    return unpack(dx, x_plane, len(x)), dw()


def _operands(x, w, stride, padding):
    """Return x in lanes, its plane and that of the output. Raises RefpcmError for shapes without a fast form."""
    check_shapes(x, w)
    kernel = w.shape[2]
    if (kernel, stride) not in convolution.SHAPES or padding != kernel // 2:
        raise RefpcmError(f"a convolution with kernel {kernel}, stride {stride} and padding {padding} has no fast "
                          "form; use refpcm.spec.nn")
    x_plane = Plane(*x.shape[2:], max(1, padding))
    plane = Plane(*(output_size(size, kernel, stride, padding) for size in x.shape[2:]))
    return lanes(x, x_plane), x_plane, plane
