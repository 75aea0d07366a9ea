"""The ways to make a mistake, each of which returns [(module, attribute, replacement), ...], and to put it in place."""

from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from refpcm.golden import reference
from refpcm.golden.reference import chosen
from refpcm.spec.pcm import device as devices
from refpcm.spec.pcm import drift, programming, read_noise


@contextmanager
def in_place(replacements):
    """The replacements are in force inside the `with` block."""
    with ExitStack() as stack:
        for place, name, replacement in replacements:
            stack.enter_context(patch.object(place, name, replacement))
        yield


def replaced(place, name, function):
    """Another function (or constant) under the name that refpcm looks up."""
    return [(place, name, function)]


def changed_inputs(operation, change):
    """The operation with changed inputs or parameters: change(inputs, parameters) works in place."""
    original = getattr(reference, operation)

    def mutated(inputs, parameters):
        inputs, parameters = dict(inputs), dict(parameters)
        change(inputs, parameters)
        return original(inputs, parameters)
    return replaced(reference, operation, mutated)


def parameter(name, value):
    """A change for `changed_inputs`: this value, whatever the case asks for."""
    def change(inputs, parameters):
        parameters[name] = value
    return change


def exchanged(first, second):
    """A change for `changed_inputs`: two parameters exchanged."""
    def change(inputs, parameters):
        parameters[first], parameters[second] = parameters[second], parameters[first]
    return change


def changed_output(operation, name, change):
    """The operation with one output changed: change(value) -> value."""
    original = getattr(reference, operation)

    def mutated(inputs, parameters):
        found = original(inputs, parameters)
        return {**found, name: change(found[name])}
    return replaced(reference, operation, mutated)


def changed_curve(name, change):
    """joshi2020 with one curve's values changed: change(value, g) -> value, g = G / G_max."""
    original = devices.curve_value
    own = getattr(devices.JOSHI2020, name)

    def value(curve, g):
        return change(original(curve, g), g) if curve is own else original(curve, g)
    return [(place, "curve_value", value) for place in (programming, drift, read_noise)]


def one_interpretation(name, value):
    """One interpretation used everywhere, whatever the case asks for."""
    original = chosen.device

    def device(parameters):
        return original({**parameters, name: value})
    return replaced(chosen, "device", device)
