"""One step of training on a State, as the loop makes it."""

from refpcm.forms import find_forms
from refpcm.spec.training.step import training_step


def one_step(state, engine, decayed, images, labels, lr):
    """Return the loss and the number of images right; `state` changes in place, but for its number of steps."""
    return training_step(state.config, engine, state.parameters, state.velocity, decayed, images, labels, lr, state.step,
                         find_forms(state.config.kernels).rules)
