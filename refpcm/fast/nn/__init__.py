"""The operators of `refpcm.spec.nn` on the kernels, one at a time, under the same names: float32, (N, C, H, W).

The engine joins these operators into steps and keeps tensors in the lane layout. Here an operator packs its inputs,
calls the engine's kernel and unpacks the result, so that every tensor of a network can be looked at. Convolutions take
the Winograd forms where the engine takes them. Every function raises RefpcmError for arrays that are not float32.
"""

from refpcm.fast.nn.batch_norm import batch_norm_backward, batch_norm_inference, batch_norm_training
from refpcm.fast.nn.conv2d import conv2d_backward, conv2d_forward
from refpcm.fast.nn.elementwise import add_forward, relu_backward, relu_forward
from refpcm.fast.nn.linear import linear_backward, linear_forward
from refpcm.fast.nn.pooling import (
    global_average_pool_backward,
    global_average_pool_forward,
    max_pool_backward,
    max_pool_forward,
    pad_shortcut_backward,
    pad_shortcut_forward,
)

__all__ = [
    "add_forward", "batch_norm_backward", "batch_norm_inference", "batch_norm_training", "conv2d_backward",
    "conv2d_forward", "global_average_pool_backward", "global_average_pool_forward", "linear_backward",
    "linear_forward", "max_pool_backward", "max_pool_forward", "pad_shortcut_backward", "pad_shortcut_forward",
    "relu_backward", "relu_forward",
]
