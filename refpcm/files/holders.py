"""Where in a checkpoint the weights of the network are: under which key, and behind which prefix of their names."""

import re

from data_tools.foreign_text import shown
from data_tools.pickle_values import Inert
from refpcm.errors import RefpcmError

HOLDERS = ("state_dict", "model_state_dict", "model", "net", "network", "params", "weights")  # the usual keys, best first
DEEPEST = 4  # dictionaries within each other that are looked into
MOST_PREFIXES = 20  # networks within one dictionary; each is compared with all names
_COPY = re.compile(r"(^|[_.])(ema|swa|avg|averaged|shadow|teacher)([_.]|$)")  # a second set beside the trained one
_WRAPPERS = re.compile(r"^(module\.|_orig_mod\.)+")
_FIRST = "conv1.weight"  # every network of the family begins with it


def find_state_dict(path, checkpoint, wanted=None):
    """({name: tensor}, list of sentences on what was done) within the object that a checkpoint holds.

    Dictionaries within dictionaries are looked into; among several with tensors, the usual keys come first and averaged
    copies (ema, swa) last. wanted: dotted keys, or prefix of names, of the set to take instead. A prefix before the names
    of the network is removed. Entries that are no tensors are left in, so that `to_parameters` can name them. Raises
    RefpcmError if there are no tensors, or not the wanted ones.
    """
    if not isinstance(checkpoint, dict):
        raise RefpcmError(f"{path}: it holds a {type(checkpoint).__name__}, not a dictionary of tensors")
    found = _with_tensors(checkpoint)
    if not found:
        raise RefpcmError(f"{path}: {_why_none(checkpoint)}")
    sets = {(place, prefix): members for place, members in found.items() for prefix in _prefixes(members)}
    names = {".".join([*place, prefix]).rstrip(".") or "the top": (place, prefix) for place, prefix in sets}
    if wanted is not None and wanted not in names:
        raise RefpcmError(f"{path}: there are no weights under {wanted}; there are some under "
                          f"{', '.join(shown(name, 60) for name in list(names)[:20])}")
    taken = wanted or min(names, key=lambda name: _rank(name, *names[name], sets[names[name]]))
    place, prefix = names[taken]
    others = [name for name in names if name != taken and _is_network(sets[names[name]])]
    notes = []
    if place and (len(place) > 1 or place[0] not in HOLDERS[:4]):
        notes.append(f"the weights were found under {shown('.'.join(place))}")
    if prefix:
        notes.append(f"the names of the weights begin with {shown(prefix)}, which was left out")
    if others:
        notes.append(f"these weights are those under {shown(taken)}; there are others under "
                     f"{', '.join(shown(name, 60) for name in others[:5])}: --weights NAME takes those")
    skipped = [f"{shown(key, 40)} ({value!r})" for key, value in checkpoint.items() if isinstance(value, Inert)]
    if skipped:
        notes.append(f"skipped without reading: {', '.join(skipped[:5])}{', ...' if len(skipped) > 5 else ''}")
    return _without_prefix(found[place], prefix), notes


def is_tensor(value):
    """Whether a value of a checkpoint is a tensor or an array."""
    return hasattr(value, "shape") and hasattr(value, "__array__")


def _with_tensors(checkpoint):
    """{keys that lead to it: dictionary} of all dictionaries with tensors under names; each is looked into once."""
    found, level, seen = {}, [((), checkpoint)], {id(checkpoint)}
    for _ in range(DEEPEST):
        below = []
        for place, members in level:
            if any(isinstance(key, str) and is_tensor(value) for key, value in members.items()):
                found[place] = members
            for key, value in members.items():
                if isinstance(key, str) and isinstance(value, dict) and id(value) not in seen:
                    seen.add(id(value))
                    below.append(((*place, key), value))
        level = below
    return found


def _prefixes(members):
    """What stands before the names of each network in a dictionary, wrappers aside; [""] without a known first layer."""
    names = [_WRAPPERS.sub("", name) for name in members if isinstance(name, str)]
    found = [name.removesuffix(_FIRST) for name in names if name.endswith(_FIRST)]
    found = dict.fromkeys(prefix for prefix in found if re.fullmatch(r"((?!layer\d|block)\w+\.)*", prefix))
    return list(found)[:MOST_PREFIXES] or [""]


def _without_prefix(members, prefix):
    """The members without `prefix` before their names, and without those of other networks beside it."""
    others = [other for other in _prefixes(members) if other not in ("", prefix)]
    if not prefix and not others:
        return members
    result = {}
    for name, value in members.items():
        bare = _WRAPPERS.sub("", name) if isinstance(name, str) else name
        if isinstance(name, str) and prefix and bare.startswith(prefix):
            result[bare.removeprefix(prefix)] = value
        elif not isinstance(name, str) or not bare.startswith(tuple(others)):
            result.setdefault(name, value)
    return result


def _is_network(members):
    return sum(isinstance(name, str) and name.endswith(".weight") for name in members) > 2


def _rank(name, place, prefix, members):
    """Smallest for the set to take: no copy, under a usual key, with many tensors."""
    usual = [HOLDERS.index(key) for key in place if key in HOLDERS]
    return (_COPY.search(name) is not None, min(usual, default=len(HOLDERS)), -sum(map(is_tensor, members.values())),
            len(place), prefix != "")


def _why_none(checkpoint):
    whole = next((f"under {shown(key, 40)} is {value!r}, a whole model, whose code is needed to read it; in PyTorch, save "
                  "model.state_dict() instead" for key, value in checkpoint.items()
                  if isinstance(value, Inert) and (key in HOLDERS or value.name.startswith("torch.nn."))), None)
    keys = ", ".join(shown(repr(key) if isinstance(key, str) else key, 40) for key in list(checkpoint)[:10])
    return whole or (f"no tensors found, neither at the top nor under {', '.join(HOLDERS)} or other keys; its keys are: "
                     f"{keys or 'none'}")
