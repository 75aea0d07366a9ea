"""refpcm: reference implementation of neural-network inference on phase-change memory (PCM).

The names below are the public ones; docs/api.md lists each with an example. They are loaded when they are first used, so
that importing refpcm takes no time. Everything else may move without notice.
"""

import sys
from importlib import import_module
from types import ModuleType

__version__ = "0.2.0"

_HOMES = {
    "refpcm.errors": ("RefpcmError",),
    "refpcm.spec.resnet": ("build",),
    "refpcm.spec.layers": ("Add", "BatchNorm", "Conv2d", "GlobalAveragePool", "Linear", "MaxPool", "Network", "ReLU"),
    "refpcm.spec.network": ("backward", "forward"),
    "refpcm.spec.nn": ("cross_entropy",),
    "refpcm.spec.random": ("Purpose",),
    "refpcm.spec.crossbars": ("to_matrices", "with_matrices"),
    "refpcm.spec.compensation.adabs": ("calibrate",),
    "refpcm.spec.pcm.chip": ("Chip", "chip_hash"),
    "refpcm.files.network_file": ("NetworkFile", "load_network", "save_network"),
    "refpcm.files.chips": ("load_chip", "save_chip"),
    "refpcm.files.devices": ("find_device",),
    "refpcm.api": ("compensated_read", "device_curves", "evaluate", "initial_parameters", "load_data", "make_engine",
                   "normals", "program", "program_network", "read", "read_conductances", "reference_readouts"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name):
    if name not in _HOME_OF:
        raise AttributeError(f"refpcm has no public name {name!r}; it has {', '.join(__all__)}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__():
    return [*__all__, "__version__"]


class _Package(ModuleType):
    """The package keeps a public name where a program imports the command of that name, such as refpcm.evaluate."""

    def __setattr__(self, name, value):
        if name not in _HOME_OF or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
