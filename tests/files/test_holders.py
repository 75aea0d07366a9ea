"""refpcm.files.holders: the weights are found where people keep them, and what was done is said."""

import time

import numpy as np
import pytest
from test_names import counters, random_parameters, renamed

from data_tools.pickle_values import Inert
from refpcm.errors import RefpcmError
from refpcm.files.holders import HOLDERS, find_state_dict
from refpcm.files.names import to_parameters
from refpcm.spec.resnet import build

NETWORK = build("tiny-resnet8")
PLAIN, COPY = random_parameters(NETWORK), random_parameters(NETWORK, seed=8)


@pytest.mark.parametrize("holder", HOLDERS)
def test_the_state_dict_is_found_under_the_usual_keys(holder):
    state_dict = {"fc.bias": np.zeros(10)}
    for checkpoint in ({holder: state_dict, "epoch": 3, "optimizer": {"state": {}}}, {"epoch": 3, holder: state_dict}):
        assert find_state_dict("c.pt", checkpoint)[0] is state_dict


def test_a_bare_state_dict_is_itself():
    state_dict = {"fc.bias": np.zeros(10), "net": {}, "model": 3}
    assert find_state_dict("c.pt", state_dict)[0] is state_dict


@pytest.mark.parametrize("checkpoint, words", [
    ({}, "its keys are: none"), ({"\x1b[2J": 5}, r"its keys are: '\\x1b\[2J'"), ({"state_dict": {}}, "no tensors found"),
    ([np.zeros(1)], "holds a list"), (5, "holds a int"),
    (np.zeros(1), "holds a ndarray"), ({(): 1}, "no tensors found")])
def test_a_checkpoint_without_state_dict_is_refused(checkpoint, words):
    with pytest.raises(RefpcmError, match=f"c.pt.*{words}"):
        find_state_dict("c.pt", checkpoint)


def found(checkpoint, wanted=None):
    """(parameters, notes joined) of a checkpoint."""
    state_dict, notes = find_state_dict("c.pt", checkpoint, wanted)
    return to_parameters("c.pt", NETWORK, state_dict), "; ".join(notes)


def same(parameters, expected):
    return all(np.array_equal(parameters[name], array) for name, array in expected.items())


@pytest.mark.parametrize("prefix", ["model.", "net.", "backbone.", "module.model.", "model._orig_mod.", "encoder.net.module."])
def test_a_common_prefix_is_left_out_and_said(prefix):
    parameters, notes = found({"state_dict": renamed({**counters(NETWORK), **PLAIN}, prefix=prefix)})
    assert same(parameters, PLAIN) and f"begin with {prefix.removeprefix('module.')}, which was left out" in notes


def test_wrappers_alone_need_no_note():
    assert found(renamed(PLAIN, prefix="module."))[1] == found(PLAIN)[1] == ""


@pytest.mark.parametrize("keys", [["params"], ["network"], ["checkpoint", "net"], ["model", "state_dict"], ["my_resnet"],
                                  ["a", "b", "c"]])
def test_other_and_nested_keys_are_recognised_and_said(keys):
    checkpoint = PLAIN
    for key in reversed(keys):
        checkpoint = {"epoch": np.array(3), "optimizer": {"state": {0: {"momentum_buffer": np.zeros(3)}}}, key: checkpoint}
    parameters, notes = found(checkpoint)
    assert same(parameters, PLAIN) and f"found under {'.'.join(keys)}" in notes


COPIES = {
    "beside": ({"state_dict_ema": COPY, "state_dict": PLAIN}, "state_dict", "state_dict_ema"),
    "beside under an own key": ({"ema": COPY, "mine": PLAIN}, "mine", "ema"),
    "within": ({"state_dict": {"ema": COPY, "model": PLAIN}}, "state_dict.model", "state_dict.ema"),
    "by prefix": ({"state_dict": {**renamed(COPY, prefix="ema_model."), **renamed(PLAIN, prefix="model.")}},
                  "state_dict.model", "state_dict.ema_model"),
    "beside bare names": ({**renamed(COPY, prefix="ema.module."), **PLAIN}, "the top", "ema.module"),
}


@pytest.mark.parametrize("case", COPIES)
def test_of_two_sets_the_trained_one_is_taken_with_a_note_and_the_other_on_demand(case):
    checkpoint, taken, other = COPIES[case]
    parameters, notes = found(checkpoint)
    assert same(parameters, PLAIN) and f"those under {taken}; there are others under {other}: --weights" in notes
    assert same(found(checkpoint, other)[0], COPY)
    with pytest.raises(RefpcmError, match=f"no weights under nothing; there are some under .*{taken}"):
        found(checkpoint, "nothing")


def test_counters_and_what_is_no_tensor_are_left_out():
    counted = {**PLAIN, "n_averaged": np.array(5), "best": np.array([91.5]), "epoch": 3, "args": Inert("argparse.Namespace")}
    parameters, notes = found(counted)
    assert same(parameters, PLAIN) and list(parameters) == list(PLAIN)
    assert notes == "skipped without reading: args (an object of argparse.Namespace)"


def test_weights_that_are_no_tensors_are_named_with_their_class():
    with pytest.raises(RefpcmError, match="not floating-point .1.: fc.bias .an object of numpy.core.multiarray._reconstruct"):
        found({**PLAIN, "fc.bias": Inert("numpy.core.multiarray._reconstruct")})


def test_a_whole_model_beside_other_things_is_named():
    with pytest.raises(RefpcmError, match="under model is an object of __main__.Net, a whole model.*model.state_dict"):
        found({"model": Inert("__main__.Net"), "epoch": 3})


def test_very_many_prefixes_take_no_time_with_their_square():
    began = time.process_time()
    with pytest.raises(RefpcmError, match="does not fit"):
        found({f"n{number}.conv1.weight": PLAIN["fc.bias"] for number in range(20_000)})
    assert time.process_time() - began < 5


def test_dictionaries_that_hold_each_other_are_looked_into_once():
    loop = {"a": {}}
    loop["a"]["b"] = loop
    wide = {}
    for _ in range(4):
        wide = {f"k{number}": wide for number in range(3000)}
    for checkpoint in (loop, wide):
        with pytest.raises(RefpcmError, match="no tensors found"):
            found(checkpoint)
