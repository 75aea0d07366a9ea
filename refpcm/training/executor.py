"""Which code runs the network: fast kernels or the NumPy specification, behind the same interface."""

from types import SimpleNamespace

from refpcm import network as reference
from refpcm.errors import RefpcmError
from refpcm.training import clipping, sgd, weight_noise, weight_noise_kinds


class NumpyEngine:
    """`refpcm.network` with the interface of `refpcm.kernels.engine.Engine`: forward, statistics, backward."""

    def __init__(self, network):
        self.network, self.statistics, self._tape = network, {}, None

    def forward(self, parameters, images, training=False, noise=None, frozen=False):
        """images (N, C, H, W) float32 -> logits (N, classes); `statistics` are then those of the batch.

        noise: of activations, see `refpcm.network.forward`; frozen: batch norm uses the running statistics in training, too.
        """
        logits, tape = reference.forward(self.network, parameters, images, training and not frozen, noise)
        self.statistics, self._tape = tape.statistics, tape if training else None
        return logits

    def backward(self, parameters, dlogits):
        """dlogits (N, classes) -> gradients {name: array} of the last forward pass. Raises RefpcmError if there was none."""
        if self._tape is None:
            raise RefpcmError("backward needs a forward(..., training=True) just before it")
        return reference.backward(self.network, parameters, self._tape, dlogits)


def make_engine(network, kernels):
    """kernels: a name of `Engine`, or numpy."""
    if kernels == "numpy":
        return NumpyEngine(network)
    from refpcm.kernels.engine import Engine
    return Engine(network, kernels=kernels)


def update_rules(kernels):
    """What changes the weights of a step: update, noisy_parameters, multiplicative_parameters, clip_parameters.

    The same bits for all kernels.
    """
    if kernels == "numpy":
        return SimpleNamespace(update=sgd.update, noisy_parameters=weight_noise.noisy_parameters,
                               multiplicative_parameters=weight_noise_kinds.multiplicative_parameters,
                               clip_parameters=clipping.clip_parameters)
    from refpcm.training import fast_update
    return fast_update
