"""What an evaluation was computed from: network file, starts of its training, data, choices, code, equations.

Each link is {"link", "status", "what", "noted", "found"}: what the result notes and what is found now.
"""

import json
import os

from refpcm import cli
from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.evaluation.equations import code_digest, equations, place
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.protocol import RESULTS_VERSION
from refpcm.evaluation.provenance import INITIAL, NOT_NOTED, data_identity, network_finder, start_of
from refpcm.evaluation.unit import fingerprint
from refpcm.files.devices import find_device
from refpcm.files.network_file import load_network
from refpcm.files.reading import sha256_of
from refpcm.inspection.places import where_looked
from refpcm.inspection.trace_units import CHANGED, DIFFERS, NOT_THERE, OK
from refpcm.spec.pcm.device import DEVICES
from refpcm.spec.pcm.device_data import device_to_dict

DIGITS = 16  # of a hash in a sentence


def compared(name, noted, find, place, folder=None, what=None):
    """Return the link `name`: noted, a hash or a dict of them, against find(), which may raise RefpcmError for `place`.

    A place that is there and cannot be read differs. folder: that of the results, from which the place was looked for; what:
    the words for what was found, None: the place.
    """
    words = what or place or "built in"
    entry = {"link": name, "status": NOT_THERE, "noted": noted, "found": None}
    try:
        entry["found"] = find()
    except RefpcmError as error:
        gone = place is not None and not os.path.lexists(place)
        return {**entry, "status": NOT_THERE if gone else DIFFERS,
                "what": where_looked(place, folder) if gone and folder else str(error)}
    if noted is None:
        return {**entry, "what": f"{words}: the result notes no hash"}
    same = entry["found"] == noted
    return {**entry, "status": OK if same else DIFFERS,
            "what": words + ("" if same else f" has {shortened(entry['found'])}, not {shortened(noted)}")}


def shortened(value):
    """Return a hash, or a dict of hashes, as short text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {shortened(each)}" for key, each in value.items())
    return str(value)[:DIGITS]


def loaded(protocol):
    """Return NetworkFile and Inputs of the protocol, each None if it cannot be loaded."""
    try:
        inputs = load_inputs(protocol)
        return inputs.file, inputs
    except RefpcmError:
        pass
    try:
        return load_network(protocol.network), None
    except RefpcmError:
        return None, None


def source_links(folder, result, protocol, file, inputs):
    """Return the links from the network file to the code. folder: of the result; file, inputs: of `loaded`."""
    known = result.get("sha256") or {}
    links = [compared("network", known.get("network"), lambda: sha256_of(protocol.network), protocol.network, folder),
             *start_links(known, protocol.network, file),
             compared("data", known.get("data"), lambda: data_identity(inputs.data if inputs else load(protocol.data)),
                      protocol.data, folder)]
    choices = {"link": "choices", "status": NOT_THERE, "noted": result["fingerprint"], "found": None,
               "what": "network and data are needed to compute the fingerprint again"}
    if inputs:
        what = f"fingerprint of network, data, device {protocol.device}, seed {protocol.seed} and the protocol"
        gone = next((name for name in (protocol.device, protocol.range_network)
                     if name and name not in DEVICES and not os.path.lexists(name)), None)
        choices = compared("choices", result["fingerprint"], lambda: fingerprint(inputs, protocol), gone, what=what)
        changed = changed_device(result.get("device"), protocol.device)
        if changed:
            choices.update(status=DIFFERS, what=choices["what"] + changed)
    return [*links, choices, code_link(result.get("versions"), result.get("code"), choices)]


def changed_device(noted, name):
    """Return in words in which fields the device of a name or file is another than a result notes; "" if in none."""
    try:
        found = json.loads(json.dumps(device_to_dict(find_device(name))))  # with the lists of JSON
    except RefpcmError:
        return ""
    noted = noted if isinstance(noted, dict) else found  # older results do not note it
    changed = sorted(key for key in {*noted, *found} if noted.get(key) != found.get(key))
    return f"; the device has another {', '.join(changed)} than noted" if changed else ""


def start_links(known, path, file):
    """Return a link for each network that the training began with, last one first, and one for how the chain ends.

    known: `sha256` of a result; file: the NetworkFile at `path`, None if it cannot be read. A network of the chain is
    looked for beside the one before, by its hash; the notes of each file must name the hash that the result notes.
    """
    links, find = [], None
    for digest in known.get("starts", []):
        says = _start_of(file)
        entry = {"link": "start", "status": NOT_THERE, "noted": digest, "found": says,
                 "what": "no file with this hash lies beside the network"}
        if says not in (None, NOT_NOTED, digest):
            what = f"the network file says that its training began with {says[:DIGITS]}"
            return [*links, {**entry, "status": DIFFERS, "what": what}]
        find = find or network_finder(path)
        place, file = find(digest), None
        if place is not None:
            entry.update(status=OK, found=digest, what=place)
            try:
                file = load_network(place)
            except RefpcmError as error:
                entry.update(status=DIFFERS, what=str(error))
        links.append(entry)
    return [*links, _end_of_chain(known.get("starts_end"), file)]


def _end_of_chain(end, file):
    says = _start_of(file)
    entry = {"link": "start", "status": NOT_THERE, "noted": end, "found": says,
             "what": end or "the result does not note it"}
    if end in (INITIAL, NOT_NOTED) and says not in (None, NOT_NOTED, end):
        return {**entry, "status": DIFFERS, "what": f"the result notes {end}, the network file {says[:DIGITS]}"}
    return {**entry, "status": OK if end == INITIAL == says else NOT_THERE}


def _start_of(file):
    """Return what a network file says its training began with: a hash, INITIAL or NOT_NOTED; None without a file."""
    if file is None:
        return None
    starts, end = start_of(file.notes)
    return starts[0] if starts else end


def code_link(noted, code, choices):
    """Return the link to the code: the modules as noted and as they are here.

    noted: `versions` of a result; code: its `code`, None in results that do not note it yet; choices: the link of that
    name, whose fingerprint has the results' version in it, too. Modules that are not the same have CHANGED, which differs
    only where the results' version, raised with every change of a number, is another one.
    """
    here = {name: value for name, value in cli.versions().items() if name in ("refpcm", "sources")}
    entry = {"link": "code", "noted": noted or None, "found": here}
    if not isinstance(noted, dict) or not noted:
        return {**entry, "status": NOT_THERE, "what": "the result notes no version"}
    then = {name: noted.get(name) for name in here}
    what = f"refpcm {then['refpcm']}, modules {then['sources']}"
    if then == here:
        return {**entry, "status": OK, "what": what}
    what = f"{what}; here {here['refpcm']}, {here['sources']}"
    version = code["results_version"] if code else RESULTS_VERSION if choices["status"] == OK else None
    if version is None:
        return {**entry, "status": NOT_THERE, "what": f"{what}; whether numbers changed is not noted"}
    same = version == RESULTS_VERSION
    return {**entry, "status": CHANGED if same else DIFFERS,
            "what": f"{what}, whose numbers are {'the same' if same else 'others'} (results' version {version}"
                    + ("" if same else f", here {RESULTS_VERSION}") + ")"}


def equation_links(protocol, device, compensation, code, same_modules):
    """Return [{"step", "status", "file", "line", "function", "says"}] of the functions that made a number, as they are here.

    code: `code` of the result or None; same_modules: whether all modules are those of the result. A function has CHANGED
    if its module has, comments and docstrings aside.
    """
    known, links = (code or {}).get("equations", {}), []
    for step, function in equations(protocol, device, compensation):
        noted = known.get(place(function))
        status = OK if same_modules else NOT_THERE if noted is None else OK if noted == code_digest(function) else CHANGED
        links.append({"step": step, "status": status, "file": place(function).split()[0],
                      "line": function.__code__.co_firstlineno, "function": function.__name__,
                      "says": function.__doc__.strip().splitlines()[0]})
    return links
