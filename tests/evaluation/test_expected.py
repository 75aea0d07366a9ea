"""Batch norm's statistics on the expected chip (I-21): closed forms on a device without noise, and the command."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.evaluation import expected
from refpcm.evaluation.calibration import MiniBatches
from refpcm.evaluation.expected import FIRST_CHIP, changes, expected_statistics, made_for_another_device
from refpcm.evaluation.protocol import MOST_UNITS, Protocol
from refpcm.fast.chip import read
from refpcm.files.network_file import NetworkFile, load_network, save_network
from refpcm.forms import find_forms
from refpcm.spec import random
from refpcm.spec.compensation.adabs import calibration_images
from refpcm.spec.compensation.global_drift import time_of_first_read
from refpcm.spec.crossbars import program_network
from refpcm.spec.nn.batch_norm import Statistics, mean_statistics
from refpcm.spec.pcm.chip import program
from refpcm.spec.pcm.curve import polynomial
from refpcm.spec.pcm.device import DEVICES, HERMES_2, JOSHI2020, NO_READ_NOISE
from refpcm.spec.pcm.device_data import device_to_dict
from refpcm.spec.resnet import initial_parameters, tiny_resnet8
from tests.commands import command

NU = 0.05
NOISELESS = replace(JOSHI2020, name="noiseless", programming_us=(polynomial(0.0),), nu_mean=(polynomial(NU),),
                    nu_sigma=(polynomial(0.0),), read_noise=NO_READ_NOISE)
IMAGES, EACH, CHIPS = 30, 8, 2


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A network file."""
    network, path = tiny_resnet8(), tmp_path_factory.mktemp("expected") / "network.safetensors"
    parameters = initial_parameters(network,
                                    lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n))
    config = {"crop_padding": 2, "flip": True, "cutout": 3}
    save_network(path, NetworkFile(network, parameters, tuple(f"class {i}" for i in range(10)), (0.5,) * 3, (0.25,) * 3,
                                   {"config": config}))
    return str(path)


@pytest.fixture(scope="module")
def inputs(path):
    """What Inputs holds, with 30 images of noise and the NumPy engine."""
    file, images = load_network(path), np.random.default_rng(3).integers(0, 256, (IMAGES, 3, 32, 32), np.uint8)
    return SimpleNamespace(file=file, data=SimpleNamespace(name="noise", train_images=images),
                           forms=find_forms("numpy"), engine=find_forms("numpy").make_engine(file.network))


@pytest.fixture
def noiseless(monkeypatch):
    monkeypatch.setitem(DEVICES, "noiseless", NOISELESS)


def statistics(inputs, path, t_s, device="noiseless", **settings):
    settings = {"chips": CHIPS, "calibration": "train", "adabs_batch_size": EACH, "times_s": (t_s,), **settings}
    return expected_statistics(inputs, Protocol(path, device=device, kernels="numpy", **settings))


def test_the_mean_of_statistics_weighs_every_batch_alike():
    batches = [{"a": Statistics(np.array([1.0, 5.0]), np.array([1.0, 1.0]), 2)},
               {"a": Statistics(np.array([2.0, -5.0]), np.array([6.0, 0.0]), 4)}]
    found = mean_statistics(iter(batches))
    np.testing.assert_array_equal(found["a.running_mean"], [1.5, 0.0])
    np.testing.assert_array_equal(found["a.running_var"], [5.0, 1.0])


def test_without_noise_and_drift_they_are_those_of_the_digital_network(inputs, path, noiseless):
    def exact():
        for chip in range(FIRST_CHIP, FIRST_CHIP + CHIPS):
            chosen = calibration_images(7, chip, 0, IMAGES, 1, EACH)
            batch = MiniBatches(inputs, inputs.data.train_images, chosen)[0]
            inputs.engine.forward(inputs.file.parameters, batch, training=True)
            yield inputs.engine.statistics
    found, wanted = statistics(inputs, path, NOISELESS.t0_s, seed=7), mean_statistics(exact())
    assert set(found) == set(wanted)
    for name, value in found.items():
        np.testing.assert_allclose(value, wanted[name], rtol=1e-3, atol=1e-4)
        assert value.dtype == inputs.file.parameters[name].dtype


def test_uniform_drift_scales_every_mean_by_its_factor_and_every_variance_by_its_square(inputs, path, noiseless):
    """A layer's input is normalised by its own chip's statistics, so drift does not add up from layer to layer."""
    now, later = (statistics(inputs, path, NOISELESS.t0_s * since) for since in (1, 16))
    factor = 16.0 ** -NU
    for name, value in now.items():
        power = 2 if name.endswith("var") else 1
        scale = np.sqrt(now[name.replace("mean", "var")].max()) ** power  # a mean may be near 0
        np.testing.assert_allclose(later[name], factor ** power * value, rtol=2e-3, atol=2e-3 * scale)
    variance, mean = changes(now, later)
    moved = [(1 - factor) * now[name.replace("var", "mean")] / np.sqrt(now[name]) for name in now if "var" in name]
    assert variance == pytest.approx(factor ** 2 - 1, abs=1e-3)
    assert mean == pytest.approx(np.sqrt(np.square(np.concatenate(moved)).mean()), rel=0.02)


def test_changes_are_a_geometric_mean_and_a_root_mean_square_over_the_living_channels():
    before = {"a.running_mean": np.array([0.0, 2.0, 5.0]), "a.running_var": np.array([1.0, 4.0, 0.0])}
    after = {"a.running_mean": np.array([3.0, 10.0, 9.0]), "a.running_var": np.array([2.0, 2.0, 1.0])}
    variance, mean = changes(before, after)
    assert variance == pytest.approx(0.0, abs=1e-12) and mean == pytest.approx(np.sqrt((3 ** 2 + 4 ** 2) / 2))
    assert changes(before, {**after, "a.running_var": np.array([2.0, 32.0, 0.0])})[0] == pytest.approx(3.0)
    assert changes({name: 0 * value for name, value in before.items()}, after) == (0.0, 0.0)


def test_statistics_made_for_another_device_are_told():
    notes = json.loads(json.dumps({"statistics": {"device": device_to_dict(JOSHI2020)}}))
    assert made_for_another_device(notes, JOSHI2020) == made_for_another_device({}, JOSHI2020) == ""
    assert "made for device joshi2020, which is not this hermes" in made_for_another_device(notes, DEVICES["hermes"])


def test_programmed_idle_devices_make_a_layer_of_one_sign_smaller():
    """Where every weight is W_max the conductance of the idle device, sigma / sqrt(2 pi) on average, is taken away."""
    device = replace(JOSHI2020, read_noise=NO_READ_NOISE)
    chip = program({"m": np.ones((200, 200), np.float32)}, device, 3, 0)
    sigma = 0.26348
    assert read(chip, device.t0_s)["m"].mean() == pytest.approx(1 - sigma / np.sqrt(2 * np.pi) / 25, abs=1e-3)


def test_the_chips_are_of_the_device_and_numbered_beyond_all_that_are_evaluated(inputs, path, monkeypatch):
    programmed = []

    def program(network, parameters, device, seed, chip, on_chip, form):
        programmed.append((device.name, seed, chip, on_chip))
        return program_network(network, parameters, device, seed, chip, on_chip, form)
    monkeypatch.setattr(expected, "program_network", program)
    statistics(inputs, path, 300.0, "hermes", seed=7, on_chip="inner")
    assert programmed == [("hermes", 7, FIRST_CHIP, "inner"), ("hermes", 7, FIRST_CHIP + 1, "inner")]
    assert FIRST_CHIP >= MOST_UNITS


def test_augmented_views_give_other_statistics(inputs, path, noiseless):
    plain, augmented = (statistics(inputs, path, 20.0, calibration=c)["bn1.running_var"]
                        for c in ("train", "train-augmented"))
    assert (augmented < plain).all()  # squares cut out of noise, and a border


def test_weights_beyond_all_bounds_are_refused(inputs, path):
    large = {name: value * np.float32(1e25) if value.ndim == 4 else value
             for name, value in inputs.file.parameters.items()}
    broken = SimpleNamespace(**{**vars(inputs), "file": replace(inputs.file, parameters=large)})
    with np.errstate(all="ignore"), pytest.raises(RefpcmError, match="not finite on a chip"):
        statistics(broken, path, 20.0, "joshi2020")


def test_the_command_changes_nothing_but_the_statistics(path, tmp_path):
    out = tmp_path / "out.npz"
    done = command("refpcm.expect", "--network", path, "--out", out, "--chips", 2, "--images", 8, "--device", "hermes",
                   "--seed", 5, "--on-chip", "inner")
    assert done.returncode == 0, done.stderr
    assert "of 2 chips, hermes, 5 min after programming, 8 images each" in done.stdout
    before, after = load_network(path), load_network(out)
    changed = {name for name, value in before.parameters.items() if not np.array_equal(value, after.parameters[name])}
    assert changed == {name for name in before.parameters if ".running_" in name}
    variance, mean = changes(before.parameters, {name: after.parameters[name] for name in changed})
    assert f"{100 * variance:+.1f} %" in done.stdout and f"{mean:.3f} standard" in done.stdout
    note = after.notes.pop("statistics")
    assert after.notes == before.notes and note.pop("device") == json.loads(json.dumps(device_to_dict(HERMES_2)))
    assert note == {"of": "expected chips (I-21)", "t_s": 300.0, "seed": 5, "chips": 2, "images": 8,
                    "calibration": "train-augmented", "on_chip": "inner", "kernels": "winograd"}


def test_a_chip_is_first_read_at_25_s_or_at_a_later_t0():
    assert (time_of_first_read(JOSHI2020), time_of_first_read(HERMES_2)) == (25.0, 300.0)


@pytest.mark.parametrize("arguments, said", [
    (("--out", "{path}"), "--network and --out are the same file"),
    (("--out", "{tmp}/out.pt"), "must end in .safetensors or .npz"),
    (("--out", "{tmp}/none/out.npz"), "there is no folder"),
    (("--out", "{tmp}/out.npz", "--images", "1"), "not 1,"),
    (("--out", "{tmp}/out.npz", "--images", "1000000"), "no more than"),
    (("--out", "{tmp}/out.npz", "--chips", "0"), "chips must be at least 1"),
    (("--out", "{tmp}/out.npz", "--device", "flash"), "unknown device"),
    (("--out", "{tmp}/out.npz", "--images", "0"), "--images 0 must be at least 1"),
    (("--out", "{tmp}/out.npz", "--network", "none.npz"), "none.npz"),
])
def test_a_mistake_is_one_sentence_and_writes_nothing(path, tmp_path, arguments, said):
    done = command("refpcm.expect", "--network", path, *[a.format(path=path, tmp=tmp_path) for a in arguments])
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1
    assert not any(tmp_path.iterdir())
