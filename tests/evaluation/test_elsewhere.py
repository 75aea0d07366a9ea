"""refpcm.evaluation.elsewhere: a unit in another process, and the inputs that the process keeps."""

import os
import shutil
from dataclasses import dataclass, replace

import numpy as np
import pytest

from data_tools.writing import write
from refpcm.datasets import load
from refpcm.errors import RefpcmError
from refpcm.evaluation.elsewhere import portable, work_elsewhere
from refpcm.evaluation.inputs import load_inputs
from refpcm.evaluation.protocol import Protocol, tasks
from refpcm.evaluation.unit import fingerprint
from refpcm.files.network_file import load_network, save_network


@dataclass(frozen=True)
class Unit:
    """As much of a unit as travels."""
    protocol: Protocol


def parameters_of(inputs, task):
    """Work that gives the inputs' parameters themselves."""
    return inputs.file.parameters


def done(unit, mark="f", fingerprint_of=lambda inputs, protocol: "f"):
    """The parameters that a process finds for a unit."""
    return work_elsewhere(parameters_of, fingerprint_of, mark, unit)


def test_a_process_keeps_its_inputs_until_a_file_has_changed(small, tmp_path):
    file = load_network(small.network)
    unit = Unit(replace(small, network=str(tmp_path / "net.safetensors")))
    save_network(unit.protocol.network, file)
    first = done(unit)
    assert done(unit) is first
    save_network(unit.protocol.network, replace(file, parameters={**file.parameters, "fc.bias": file.parameters["fc.bias"] + 1}))
    np.testing.assert_array_equal(done(unit)["fc.bias"], first["fc.bias"] + 1)


@pytest.mark.parametrize("changed", [{"bias": 1.0}, {"label": 1}, {"g_max_us": 24.5}], ids=["network", "data", "device"])
def test_other_files_under_the_same_names_are_refused(small, tmp_path, changed):
    """As on a machine of a cluster that holds an older copy."""
    network, data, device = tmp_path / "net.safetensors", tmp_path / "data", tmp_path / "own.toml"
    file, dataset = load_network(small.network), load(small.data)
    arrays = {f"{split}_{part}": np.asarray(getattr(dataset, f"{split}_{part}"))
              for split in ("train", "test") for part in ("images", "labels")}

    def write_all(bias=0.0, label=0, g_max_us=25.0):
        parameters = {**file.parameters, "fc.bias": file.parameters["fc.bias"] + np.float32(bias)}
        save_network(network, replace(file, parameters=parameters))
        shutil.rmtree(data, ignore_errors=True)
        write(data, "noise", dataset.classes, {**arrays, "test_labels": (arrays["test_labels"] + label) % 10}, {})
        device.write_text(f'based_on = "joshi2020"\nname = "own"\ng_max_us = {g_max_us}\n')
    write_all()
    protocol = replace(small, network=str(network), data=str(data), device=str(device))
    mark = fingerprint(load_inputs(protocol), protocol)
    assert done(Unit(protocol), mark, fingerprint)
    write_all(**changed)
    with pytest.raises(RefpcmError, match="finds another network, other data, another device"):
        done(Unit(protocol), mark, fingerprint)


def test_a_unit_travels_with_absolute_paths_and_device_names_as_they_are(small, monkeypatch):
    monkeypatch.chdir(os.path.dirname(small.network))
    task = tasks(replace(small, network="net.safetensors", data=None, device="own.toml"))[0]
    protocol = portable(task).protocol
    assert protocol.network == small.network and protocol.data is None and protocol.device == os.path.abspath("own.toml")
    assert portable(tasks(small)[0]) == tasks(small)[0]
