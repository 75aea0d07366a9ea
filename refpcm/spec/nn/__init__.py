"""The operators of the network as plain NumPy: the specification that every fast form is held against.

One operator a file, forward and backward. Shapes: N images, C channels, H rows, W columns; any float dtype
in, the same dtype out. `gradient_check` verifies each backward by central differences in float64.
"""

from refpcm.spec.nn.add import add_backward, add_forward
from refpcm.spec.nn.batch_norm import (
    EPSILON,
    Statistics,
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_inference_backward,
    batch_norm_training,
    running_statistics,
    unbiased,
    update_running,
)
from refpcm.spec.nn.conv2d import conv2d_backward, conv2d_forward, im2col, output_size
from refpcm.spec.nn.cross_entropy import cross_entropy
from refpcm.spec.nn.linear import linear_backward, linear_forward
from refpcm.spec.nn.noise import add_noise
from refpcm.spec.nn.pad_shortcut import pad_shortcut_backward, pad_shortcut_forward
from refpcm.spec.nn.pooling import (
    average_pool_backward,
    average_pool_forward,
    global_average_pool_backward,
    global_average_pool_forward,
    max_pool_backward,
    max_pool_forward,
)
from refpcm.spec.nn.relu import relu_backward, relu_forward

__all__ = [
    "EPSILON", "Statistics", "add_backward", "add_forward", "add_noise", "average_pool_backward", "average_pool_forward",
    "batch_norm_backward", "batch_norm_inference", "batch_norm_inference_backward", "batch_norm_training",
    "conv2d_backward", "conv2d_forward", "cross_entropy", "global_average_pool_backward",
    "global_average_pool_forward", "im2col", "linear_backward", "linear_forward", "max_pool_backward",
    "max_pool_forward", "output_size", "pad_shortcut_backward", "pad_shortcut_forward", "relu_backward",
    "relu_forward", "running_statistics", "unbiased", "update_running",
]
