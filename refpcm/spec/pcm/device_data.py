"""Devices as plain data: what a saved chip says of its device."""

from dataclasses import fields
from math import inf

from refpcm.spec.pcm.curve import Piece
from refpcm.spec.pcm.device import MODEL, Device

CURVES = ("programming_us", "nu_mean", "nu_sigma", "read_noise")


def device_to_dict(device):
    """Return the device as JSON-ready data; infinite bounds become None."""
    def plain(piece):
        bounds = (piece.low, piece.high, piece.below)
        return [piece.form, list(piece.coefficients), *(None if abs(b) == inf else b for b in bounds)]
    kept = [f for f in fields(device) if f.name != "model" or device.model != MODEL[0]]  # older chips have no model
    return {f.name: [plain(p) for p in getattr(device, f.name)] if f.name in CURVES else getattr(device, f.name)
            for f in kept}


def device_from_dict(values):
    """Return the Device that `device_to_dict` made `values` of."""
    def piece(form, coefficients, low, high, below):
        return Piece(form, tuple(coefficients), -inf if low is None else low, inf if high is None else high,
                     inf if below is None else below)
    return Device(**{key: tuple(piece(*p) for p in value) if key in CURVES else value
                     for key, value in values.items()})
