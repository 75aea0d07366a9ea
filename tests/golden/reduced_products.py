"""Matrix products that round more than float32: factors cut off after some bits, and Winograd's transforms in float32.

Each function returns {name: function} to be put in the place of functions of refpcm.spec.nn.
"""

import numpy as np

from refpcm.spec import nn

F2 = 2, ([1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]), \
    ([1, 0, 0], [.5, .5, .5], [.5, -.5, .5], [0, 0, 1]), ([1, 1, 1, 0], [0, 1, -1, -1])
F4 = 4, ([4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0],
         [0, 4, 0, -5, 0, 1]), \
    ([1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
     [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]), \
    ([1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1])


def cut_off(bits):
    """Products of factors of which `bits` bits are kept (TF32 11, bfloat16 8), added up in float32."""
    mask = np.uint32(0xFFFFFFFF << (24 - bits) & 0xFFFFFFFF)

    def cut(x):
        return (np.ascontiguousarray(x, np.float32).view(np.uint32) & mask).view(np.float32)

    def linear_backward(dout, x, w, original=nn.linear_backward):
        return (*original(cut(dout), cut(x), cut(w))[:2], dout.sum(0))
    return {"conv2d_forward": lambda x, w, *shape, original=nn.conv2d_forward: original(cut(x), cut(w), *shape),
            "conv2d_backward": lambda dout, x, w, *shape, original=nn.conv2d_backward:
                original(cut(dout), cut(x), cut(w), *shape),
            "linear_forward": lambda x, w, bias, original=nn.linear_forward: original(cut(x), cut(w), bias),
            "linear_backward": linear_backward}


def winograd(form):
    """Convolutions of 3 x 3 with stride 1 by F(m x m, 3 x 3) in float32 (Lavin and Gray 2016), forward and dL/dx."""
    m, *matrices = form
    bt, g, at = (np.array(matrix, np.float32) for matrix in matrices)

    def convolution(x, w, padding):
        rows, columns = (size + 2 * padding - 2 for size in x.shape[2:])
        sizes = [(padding, -(-size // m) * m - size + padding) for size in (rows, columns)]
        tiles = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), *sizes)), (m + 2, m + 2), (2, 3))
        products = np.einsum("ncijab,kcab->nkijab", bt @ tiles[:, :, ::m, ::m] @ bt.T, g @ w @ g.T)
        out = (at @ products @ at.T).transpose(0, 1, 2, 4, 3, 5)
        return out.reshape(*out.shape[:2], out.shape[2] * m, -1)[:, :, :rows, :columns]

    def fits(w, stride):
        return w.shape[2] == 3 and stride == 1 and w.dtype == np.float32

    def forward(x, w, stride=1, padding=0, original=nn.conv2d_forward):
        return convolution(x, w, padding) if fits(w, stride) else original(x, w, stride, padding)

    def backward(dout, x, w, stride=1, padding=0, original=nn.conv2d_backward):
        dx, dw = original(dout, x, w, stride, padding)
        turned = np.ascontiguousarray(w[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
        return convolution(dout, turned, 2 - padding) if fits(w, stride) else dx, dw
    return {"conv2d_forward": forward, "conv2d_backward": backward}
