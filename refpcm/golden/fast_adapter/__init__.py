"""The fast forms of refpcm as an adapter like any other: `python -m refpcm.golden check --self` asks this module.

An operation takes (inputs, parameters) and returns {output name: array}, as `refpcm.golden.reference` defines it; here
the answers come from `refpcm.fast`. What the kernels do not have is unsupported: float64 where they compute in float32
only, and average pooling with a window.

Some operations have one form, the specification's, which the fast programs use too: weights of collapsed pairs,
readouts and factors of global drift compensation, AdaBS, the loss, running statistics, the transfer model and the
ranges of converters. They are a few numbers a layer, or done once.
"""

from refpcm.golden.fast_adapter.addressed_chip import addressed_chip
from refpcm.golden.fast_adapter.chip import chip_inference
from refpcm.golden.fast_adapter.device_equations import (
    collapsed_pair,
    drift_exponents,
    drifted,
    map_weights,
    programmed,
    programming_sigma,
    read,
    relative_read_noise,
    stuck_devices,
    unmap_weights,
)
from refpcm.golden.fast_adapter.layers import (
    batch_norm_inference,
    batch_norm_training,
    conv2d,
    conv2d_clean_backward,
    global_average_pool,
    linear,
    max_pool,
    pad_shortcut,
    relu,
)
from refpcm.golden.fast_adapter.networks import network_forward, sgd_training, train_steps
from refpcm.golden.fast_adapter.protocol import protocol_accuracy
from refpcm.golden.fast_adapter.random_numbers import (
    philox4x32,
    random_normals,
    random_permutation,
    random_uniforms,
    random_words,
)
from refpcm.golden.fast_adapter.sampling import (
    sample_chips,
    sample_drift_exponents,
    sample_noise_steps,
    sample_programmed,
    sample_read,
    sample_reads,
    sample_transferred,
    sample_weight_noise,
)
from refpcm.golden.fast_adapter.tiles import converter_codes, tile_product
from refpcm.golden.fast_adapter.training import clipped_weights, sgd_step, weight_noise
from refpcm.golden.reference import (
    adabs_layer,
    adabs_update,
    collapsed_weights,
    converter_range,
    cross_entropy,
    gdc_compensated,
    gdc_factor,
    gdc_readout,
    transferred,
    update_running,
)

__all__ = [
    "adabs_layer", "adabs_update", "addressed_chip", "batch_norm_inference", "batch_norm_training", "chip_inference",
    "clipped_weights", "collapsed_pair", "collapsed_weights", "conv2d", "conv2d_clean_backward", "converter_codes",
    "converter_range", "cross_entropy", "drift_exponents", "drifted", "gdc_compensated", "gdc_factor", "gdc_readout",
    "global_average_pool", "linear", "map_weights", "max_pool", "network_forward", "pad_shortcut", "philox4x32",
    "programmed", "programming_sigma", "protocol_accuracy", "random_normals", "random_permutation", "random_uniforms",
    "random_words", "read", "relative_read_noise", "relu", "sample_chips", "sample_drift_exponents",
    "sample_noise_steps", "sample_programmed", "sample_read", "sample_reads", "sample_transferred",
    "sample_weight_noise", "sgd_step", "sgd_training", "stuck_devices", "tile_product", "train_steps", "transferred",
    "unmap_weights", "update_running", "weight_noise",
]
