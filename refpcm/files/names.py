"""From the tensors of a checkpoint to the parameters of a network: what they are called, and whether they fit.

Names that are understood (the left ones become the right ones, which are torchvision's):

    module.NAME, _orig_mod.NAME      NAME                   wrappers of DataParallel and torch.compile
    linear.weight, linear.bias       fc.weight, fc.bias     the common CIFAR ResNets
    layer2.0.shortcut.0.weight       layer2.0.downsample.0.weight      (and .1.*: their projection shortcuts)
    bn1.num_batches_tracked          left out: it counts training batches and has no part in inference
    n_averaged, epoch, ...           left out: one number, or no tensor, under a name without a dot
"""

import math
import re

import numpy as np

from data_tools.foreign_text import shown
from data_tools.pickle_values import Inert
from refpcm.errors import RefpcmError
from refpcm.files.holders import is_tensor
from refpcm.files.inference import infer_network, other_network
from refpcm.spec.resnet import other_placement, parameter_shapes

MOST_CLASSES = 2 ** 16  # labels have 16 bits; a damaged file may claim any number, with a view that repeats one element
MOST_LISTED = 200  # names of one kind in a message
_RENAMES = ((r"^(module\.|_orig_mod\.)+", ""), (r"^linear\.", "fc."),
            (r"^(layer\d+\.\d+)\.shortcut\.", r"\1.downsample."))


def canonical(name):
    """The name in refpcm of a tensor called `name` in a checkpoint."""
    for pattern, replacement in _RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def read_network(path, state_dict, size=None):
    """(Network, a sentence on what was read) of a checkpoint's {name: tensor}, by their names and shapes.

    size: height and width of the images; None: the usual. Raises RefpcmError with the reason if it is another network.
    """
    shapes = {canonical(name): tuple(tensor.shape) for name, tensor in state_dict.items()
              if isinstance(name, str) and is_tensor(tensor) and not _is_counter(name, tensor)}
    try:
        return infer_network(shapes, class_count(state_dict), size)
    except RefpcmError as reason:
        raise RefpcmError(f"{path} holds no network that refpcm knows: {reason}; refpcm runs ResNets of basic blocks, named "
                          "as in torchvision") from None


def to_parameters(path, network, state_dict):
    """{name: float32 array} in the order of `parameter_shapes(network)` from a checkpoint's {name: tensor}.

    Whatever does not fit (unknown, missing, named twice, misshapen, not numbers, not finite) is listed in one
    RefpcmError. What is no tensor and no parameter, and counters, are left out.
    """
    tensors, twice, shapes = {}, [], parameter_shapes(network)
    batch_norms = {name.removesuffix(".running_var") for name in shapes}
    for source, tensor in state_dict.items():
        name = canonical(source) if isinstance(source, str) else repr(source)
        owner, _, part = name.rpartition(".")
        if part == "num_batches_tracked" and owner in batch_norms:
            continue
        if name not in shapes and (not is_tensor(tensor) or _is_counter(source, tensor)):
            continue
        if name in tensors:
            twice.append(source)
        tensors[name] = tensor
    return check_parameters(path, network, tensors, twice, np.float32)


def _is_counter(name, tensor):
    """Whether a tensor is one number under a name without a dot: n_averaged, epoch, best_accuracy."""
    return isinstance(name, str) and "." not in name and math.prod(tensor.shape) == 1


def check_parameters(path, network, tensors, twice=(), dtype=None):
    """The arrays in the order of `parameter_shapes(network)`, converted to `dtype` if given.

    Without `dtype` they must be all float32 or all float64. Raises RefpcmError with all that is wrong, of any kind.
    """
    shapes = parameter_shapes(network)
    wrong = {"missing": [name for name in shapes if name not in tensors],
             "unknown": [name for name in tensors if name not in shapes],
             "named twice": list(twice), "wrong shape": [], "not floating-point": [], "not finite": [],
             "negative variance": []}
    parameters = {}
    for name, shape in shapes.items():
        if name not in tensors:
            continue
        tensor = tensors[name]
        if not is_tensor(tensor):
            wrong["not floating-point"].append(f"{name} ({tensor!r})" if isinstance(tensor, Inert) else name)
        elif tuple(tensor.shape) != shape:
            wrong["wrong shape"].append(f"{name} {shown(tuple(tensor.shape))} instead of {shape}")
        else:
            array = np.asarray(tensor)
            if array.dtype.kind != "f":
                wrong["not floating-point"].append(f"{name} ({array.dtype})")
                continue
            with np.errstate(over="ignore"):
                array = np.array(array, dtype or array.dtype, order="C")
            if not np.isfinite(array).all():
                wrong["not finite"].append(name)
            elif name.endswith(".running_var") and array.min() < 0:
                wrong["negative variance"].append(name)
            parameters[name] = array
    lines = [f"  {kind} ({len(names)}): {_listed(names)}" for kind, names in wrong.items() if names]
    if lines:
        lines += _suggestion(tensors, network)
        raise RefpcmError("\n".join([f"{path} does not fit {network.architecture} with {network.classes} classes:",
                                     *lines]))
    if {array.dtype for array in parameters.values()} not in ({np.dtype("f4")}, {np.dtype("f8")}):
        raise RefpcmError(f"{path}: the parameters must be all float32 or all float64")
    return parameters


def _listed(names):
    """Names of a file of anybody's, as text that a terminal can show."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(shown(name) for name in names[:MOST_LISTED]) + more


def class_count(state_dict):
    """Number of classes by the tensor that will become fc.bias; None without one of 1 to MOST_CLASSES elements."""
    for name, tensor in state_dict.items():
        if isinstance(name, str) and canonical(name) == "fc.bias" and is_tensor(tensor) and len(tensor.shape) == 1:
            return tensor.shape[0] if 0 < tensor.shape[0] <= MOST_CLASSES else None
    return None


def _suggestion(tensors, network):
    """A line on the network that the tensors are of instead of `network`, in a list that is empty if none is known."""
    shapes = {name: tuple(getattr(tensor, "shape", ())) for name, tensor in tensors.items()
              if not name.endswith(".num_batches_tracked")}
    other = other_network(shapes)
    if other:
        return [f"  it is another kind of network: it has {other}"]
    try:
        fitting, _ = infer_network(shapes, network.classes)
    except RefpcmError:
        return []
    if shapes == parameter_shapes(network) or shapes != parameter_shapes(fitting):
        return []
    other = other_placement(fitting)
    return [f"  its tensors fit {fitting.architecture}" + (f" or {other.architecture}" if other else "")]
