"""A network that remembers its last forward pass: `refpcm.spec.network` as the object that programs work with."""

from refpcm.errors import RefpcmError
from refpcm.spec import network as passes


class Engine:
    """Runs one network; `refpcm.fast.network.engine.Engine` has the same methods.

    statistics: {batch-norm name: refpcm.spec.nn.batch_norm.Statistics} of the last training pass.
    """

    def __init__(self, network):
        self.network, self.statistics, self._tape = network, {}, None

    def forward(self, parameters, images, training=False, noise=None, frozen=False):
        """Return the logits (N, classes) of images (N, C, H, W); `statistics` are then those of the batch.

        noise: of each image, see `refpcm.spec.network.forward`; frozen: batch norm uses the running statistics in
        training, too, and its gradient takes them for constants.
        """
        logits, tape = passes.forward(self.network, parameters, images, training and not frozen, noise)
        self.statistics, self._tape = tape.statistics, tape if training else None
        return logits

    def forward_each(self, variants, images):
        """Return [logits (N, classes)] of images (N, C, H, W) for every parameters in `variants`."""
        return [self.forward(parameters, images) for parameters in variants]

    def backward(self, parameters, dlogits):
        """Return the gradients {name: array} of the last forward pass from dL/dlogits (N, classes).

        Raises RefpcmError if there was no forward pass in training.
        """
        if self._tape is None:
            raise RefpcmError("backward needs a forward(..., training=True) just before it")
        return passes.backward(self.network, parameters, self._tape, dlogits)
