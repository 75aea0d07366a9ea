"""The operations of the kit, answered by refpcm: an adapter like any other, and the source of the expected values.

An operation takes (inputs, parameters), two dicts {name: array} and {name: int, float or str}, and returns
{output name: array}. Layers compute in the precision of their inputs, equations of devices and compensation in float64.
Array axes are those of v2/FORMAT.md: N images, C channels, H rows, W columns; crossbar matrices (R inputs, K outputs);
conductances (2, R, K), G+ then G-.

One theme a file, in the order of the levels: random_numbers (L0); device_equations, compensation, training (L1);
layers (L2); tiles (L3); networks (L4, L5); sampling (L6); protocol (L7); chip (L8). `chosen` reads the parameters they share.
"""

from refpcm.golden.reference.addressed_chip import addressed_chip
from refpcm.golden.reference.chip import chip_inference
from refpcm.golden.reference.compensation import adabs_layer, adabs_update, gdc_compensated, gdc_factor, gdc_readout
from refpcm.golden.reference.device_equations import (
    collapsed_pair,
    collapsed_weights,
    drift_exponents,
    drifted,
    map_weights,
    programmed,
    programming_sigma,
    read,
    relative_read_noise,
    stuck_devices,
    transferred,
    unmap_weights,
)
from refpcm.golden.reference.layers import (
    average_pool,
    batch_norm_inference,
    batch_norm_training,
    conv2d,
    conv2d_clean_backward,
    cross_entropy,
    global_average_pool,
    linear,
    max_pool,
    pad_shortcut,
    relu,
    update_running,
)
from refpcm.golden.reference.networks import network_forward, sgd_training, train_steps
from refpcm.golden.reference.protocol import accuracies, protocol_accuracy
from refpcm.golden.reference.random_numbers import (
    philox4x32,
    random_normals,
    random_permutation,
    random_uniforms,
    random_words,
)
from refpcm.golden.reference.sampling import (
    sample_chips,
    sample_drift_exponents,
    sample_noise_steps,
    sample_programmed,
    sample_read,
    sample_reads,
    sample_transferred,
    sample_weight_noise,
)
from refpcm.golden.reference.tiles import converter_codes, converter_range, tile_product
from refpcm.golden.reference.training import clipped_weights, sgd_step, weight_noise

__all__ = [
    "accuracies", "adabs_layer", "adabs_update", "addressed_chip", "average_pool", "batch_norm_inference",
    "batch_norm_training", "chip_inference", "clipped_weights", "collapsed_pair", "collapsed_weights", "conv2d",
    "conv2d_clean_backward", "converter_codes", "converter_range", "cross_entropy", "drift_exponents", "drifted",
    "gdc_compensated", "gdc_factor", "gdc_readout", "global_average_pool", "linear", "map_weights", "max_pool",
    "network_forward", "pad_shortcut", "philox4x32", "programmed", "programming_sigma", "protocol_accuracy",
    "random_normals", "random_permutation", "random_uniforms", "random_words", "read", "relative_read_noise", "relu",
    "sample_chips", "sample_drift_exponents", "sample_noise_steps", "sample_programmed", "sample_read",
    "sample_reads", "sample_transferred", "sample_weight_noise", "sgd_step", "sgd_training", "stuck_devices",
    "tile_product", "train_steps", "transferred", "unmap_weights", "update_running", "weight_noise",
]
