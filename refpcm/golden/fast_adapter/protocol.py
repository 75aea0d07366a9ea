"""L7 protocol: the fast chip, engine and images in the place of the specification's."""

from refpcm.forms import find_forms
from refpcm.golden.reference.protocol import accuracies


def protocol_accuracy(inputs, parameters):
    """Return the accuracies of the reference's protocol with the fast chip, engine and images."""
    return {"accuracy": accuracies(inputs, parameters, 1, find_forms("winograd"))}
