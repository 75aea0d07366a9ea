"""Option-A shortcut (He et al. 2016, section 4.2): subsample, then add channels of zeros.

before: number of channels of zeros before the old ones, the rest come behind; None: half of the new ones, rounded down.
Both placements are in use, and no checkpoint says which of them its network has.
"""

import numpy as np

from refpcm.spec.layers import channels_before


def pad_shortcut_forward(x, c_out, stride, before=None):
    """x (N, C, H, W) -> (N, c_out, ceil(H / stride), ceil(W / stride)). E-17."""
    before = channels_before(x.shape[1], c_out) if before is None else before
    after = c_out - x.shape[1] - before
    return np.pad(x[:, :, ::stride, ::stride], ((0, 0), (before, after), (0, 0), (0, 0)))


def pad_shortcut_backward(dout, shape, stride, before=None):
    """dL/dx of `shape` (N, C, H, W): non-zero only at the pixels that were kept. E-17."""
    before = channels_before(shape[1], dout.shape[1]) if before is None else before
    dx = np.zeros(shape, dout.dtype)
    dx[:, :, ::stride, ::stride] = dout[:, before:before + shape[1]]
    return dx
