"""refpcm: reference implementation of neural-network inference on phase-change memory."""

__version__ = "0.1.0"
