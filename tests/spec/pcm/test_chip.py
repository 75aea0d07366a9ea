"""refpcm.spec.pcm.chip, files.chips: options I-5 to I-8, files, refusals; by the fast form, which has the same bits."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.errors import RefpcmError
from refpcm.fast import chip as fast
from refpcm.fast.chip import program, read, read_conductances
from refpcm.files.chips import load_chip, save_chip
from refpcm.spec import random
from refpcm.spec.pcm import chip as specification
from refpcm.spec.pcm import mapping
from refpcm.spec.pcm.chip import chip_hash, effective_weights
from refpcm.spec.pcm.device import DEVICES, JOSHI2020, NO_READ_NOISE
from refpcm.spec.pcm.read_noise import accumulation
from tests.threads import on_threads

WEIGHTS = np.random.default_rng(0).standard_normal((130, 37)).astype(np.float32)
VARIANTS = [*DEVICES.values(), replace(JOSHI2020, reset_device="zero"), replace(JOSHI2020, stuck_fraction=0.1),
            replace(JOSHI2020, read_noise_from="programmed"), replace(JOSHI2020, identity="collapsed")]


def chip_of(device=JOSHI2020, **options):
    return program({"first": WEIGHTS, "second": WEIGHTS[:3]}, device, 1, 2, **options)


def test_the_mapping_is_undone_by_its_inverse():
    g_us = mapping.to_conductances(WEIGHTS, mapping.largest_weight(WEIGHTS), 25.0)
    assert g_us.min() == 0 and g_us.max() == 25.0 and np.all(g_us.min(0) == 0)
    np.testing.assert_allclose(mapping.to_weights(g_us, mapping.largest_weight(WEIGHTS), 25.0), WEIGHTS, rtol=1e-15)


def test_reads_repeat_and_differ_by_chip_seed_draw_and_time():
    def weights(seed=1, chip=2, t_s=3600.0, draw=0):
        return read(program({"first": WEIGHTS}, JOSHI2020, seed, chip), t_s, draw)["first"]
    base = weights()
    assert base.dtype == np.float32 and np.array_equal(base, weights())
    for change in (dict(seed=9), dict(chip=9), dict(t_s=3601.0), dict(draw=9)):
        assert np.mean(weights(**change) == base) < 0.01


def test_the_device_keeps_its_identity_over_time():
    """Correlation of the errors at two times is far above that of two chips."""
    ideal = WEIGHTS.reshape(-1)
    chip = program({"first": WEIGHTS}, JOSHI2020, 1, 2)
    other = program({"first": WEIGHTS}, JOSHI2020, 1, 3)
    error = [read(c, t)["first"].reshape(-1) * s - ideal for c, t, s in ((chip, 1e5, 1.5), (chip, 1e7, 1.8),
                                                                      (other, 1e5, 1.5))]
    assert np.corrcoef(error[0], error[1])[0, 1] > 0.5 and abs(np.corrcoef(error[0], error[2])[0, 1]) < 0.3


def test_layer_numbers_and_not_positions_address_the_noise():
    whole, part = chip_of(), program({"second": WEIGHTS[:3]}, JOSHI2020, 1, 2, numbers={"second": 1})
    assert np.array_equal(whole.crossbars[1].g_prog_us, part.crossbars[0].g_prog_us)


def test_idle_devices_are_exactly_zero_on_request():
    """I-5."""
    x = chip_of(replace(JOSHI2020, reset_device="zero")).crossbars[0]
    assert np.all(x.g_prog_us[x.g_target_us == 0] == 0) and np.all(x.g_prog_us[x.g_target_us > 10] > 0)


def test_the_stuck_share_sits_at_uniform_conductances():
    """I-6. 200,000 devices: the share is known to 0.2 %, the uniform distribution tested at alpha = 1e-6."""
    from scipy import stats
    device = replace(JOSHI2020, stuck_fraction=0.3)
    matrix = np.ones((1000, 100), np.float32)
    stuck, sound = (program({"m": matrix}, d, 1, 2).crossbars[0].g_prog_us for d in (device, JOSHI2020))
    changed = stuck != sound
    assert abs(changed.mean() - 0.3) < 5 * np.sqrt(0.21 / changed.size)
    assert stats.kstest(stuck[changed] / 25, "uniform").pvalue > 1e-6


def test_read_noise_of_strong_programmed_devices_follows_the_programmed_value_on_request():
    """I-7: the same z, another Q_s: the ratio of the two deviations is (G_prog / G_T)^-0.65."""
    chips = [chip_of(replace(JOSHI2020, read_noise_from=source)) for source in ("target", "programmed")]
    x = chips[0].crossbars[0]
    strong = x.g_target_us > 10
    drifted = x.g_prog_us.astype(np.float64) * (1000 / 20.0) ** -x.nu.astype(np.float64)
    by_target, by_programmed = ((read_conductances(c, x, 1000.0, 0) - drifted)[strong] for c in chips)
    big = np.abs(by_target) > 0.05
    expected = (x.g_prog_us[strong] / x.g_target_us[strong])[big] ** -0.65
    np.testing.assert_allclose(by_programmed[big] / by_target[big], expected, rtol=2e-3)


def test_a_collapsed_pair_holds_one_conducting_device():
    """I-8, as aihwkit: the net weight is split again and stretched to the whole range. Without read noise, at t0."""
    chip = chip_of(replace(DEVICES["aihwkit-pcm"], read_noise=NO_READ_NOISE))
    x = chip.crossbars[0]
    g_us = read_conductances(chip, x, 20.0, 0)
    assert np.all(g_us.min(0) == 0) and g_us.max() == 25.0
    net = x.g_prog_us[0] - x.g_prog_us[1]
    np.testing.assert_allclose(effective_weights(chip, x, g_us) * 25 / x.w_max, net, rtol=1e-6, atol=1e-6)


def test_a_layer_of_zeros_reads_as_zeros():
    assert np.all(read(program({"m": np.zeros((3, 4), np.float32)}, JOSHI2020, 1, 2), 25.0)["m"] == 0)


def test_saved_chips_come_back_whole(tmp_path):
    for device in VARIANTS:
        chip = chip_of(device)
        save_chip(tmp_path / "chip.safetensors", chip)
        back = load_chip(tmp_path / "chip.safetensors")
        assert back.device == device and chip_hash(back) == chip_hash(chip)
        assert np.array_equal(read(back, 1e6, 3)["first"], read(chip, 1e6, 3)["first"])


def test_the_hash_sees_every_part():
    chip = chip_of()
    x = chip.crossbars[0]
    changed = x.nu.copy()
    changed[0, 0, 0] += 1e-6
    others = [replace(chip, seed=2), replace(chip, chip=3), replace(chip, device=DEVICES["aihwkit-pcm"]),
              replace(chip, crossbars=(replace(x, nu=changed),) + chip.crossbars[1:])]
    assert len({chip_hash(c) for c in [chip, *others]}) == 5


def test_foreign_and_damaged_files_are_refused(tmp_path):
    from refpcm.files.tensors import write_tensors
    path = tmp_path / "other.safetensors"
    write_tensors(path, {"a": np.zeros(3)}, {})
    with pytest.raises(RefpcmError, match="other.safetensors is not a chip"):
        load_chip(path)
    save_chip(path, chip_of())
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(RefpcmError, match="other.safetensors"):
        load_chip(path)


def test_altered_identities_are_refused_in_a_sentence(tmp_path):
    import json

    from refpcm.files.tensors import read_tensors, write_tensors
    path = tmp_path / "chip.safetensors"
    save_chip(path, chip_of())
    tensors, metadata = read_tensors(path)
    chip = json.loads(metadata["chip"])
    altered = ["{", "[]", "{}", *(json.dumps({**chip, **change}) for change in (
        {"seed": 9}, {"format": "refpcm chip 2"}, {"device": {**chip["device"], "new_field": 1}}, {"layers": [1]},
        {"device": {**chip["device"], "nu_mean": [["spline", [1], None, None, None]]}}))]
    for text in altered:
        write_tensors(path, tensors, {"chip": text, "hash": metadata["hash"]})
        with pytest.raises(RefpcmError, match="chip.safetensors"):
            load_chip(path)


def test_the_largest_identity_is_addressed_like_any_other():
    end = 2 ** 32 - 1
    chip = program({"m": WEIGHTS[:3]}, JOSHI2020, end, end, numbers={"m": 2 ** 16 - 1})
    x = chip.crossbars[0]
    assert np.array_equal(x.g_prog_us, specification.program_matrix(WEIGHTS[:3], JOSHI2020, end, end, 2 ** 16 - 1)[2])
    assert np.array_equal(read_conductances(chip, x, 1e10, end), specification.read_conductances(chip, x, 1e10, end))


@pytest.mark.slow
def test_resnet34_lives_on_a_chip_for_a_year():
    """43,561,296 devices in less than 3 GB (512 MB of state)."""
    import resource

    from refpcm.forms import find_forms
    from refpcm.spec.compensation.adabs import calibrate
    from refpcm.spec.compensation.global_drift import Readout, compensated_read, reference_readouts
    from refpcm.spec.crossbars import program_network, with_matrices
    from refpcm.spec.resnet import build, initial_parameters
    network = build("imagenet-resnet34")
    parameters = initial_parameters(
        network, lambda layer, n: random.normals(1, 0, random.Purpose.INITIALISATION, layer, 0, 0, n, np.float32))
    images = np.random.default_rng(0).standard_normal((25, 3, 224, 224)).astype(np.float32)
    chip = program_network(network, parameters, JOSHI2020, 1, 0, program=program)
    assert sum(c.nu.size for c in chip.crossbars) == 43_561_296
    fast = Readout(conductances=read_conductances)
    matrices = compensated_read(chip, 365 * 86400.0, 0, reference_readouts(chip, fast), fast)[1]
    engine = find_forms("direct").make_engine(network)
    compensated = calibrate(engine, with_matrices(network, parameters, matrices), [images[:12], images[12:]])
    assert np.all(np.isfinite(engine.forward(compensated, images)))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 3 * 2 ** 20


@pytest.mark.parametrize("matrix", [np.zeros((0, 3)), np.zeros(5), np.full((2, 2), np.nan), np.array([[np.inf]])])
def test_matrices_that_cannot_be_programmed_are_refused(matrix):
    for form in (program, specification.program):
        with pytest.raises(RefpcmError):
            form({"m": matrix}, JOSHI2020, 1, 2)


@pytest.mark.parametrize("t_s", [19.99, 0, -5, float("nan"), float("inf"), 1e11])
def test_times_outside_the_drift_law_are_refused(t_s):
    for use in (lambda t_s: read(chip_of(), t_s), lambda t_s: specification.read(chip_of(), t_s), lambda t_s: accumulation(t_s, JOSHI2020)):
        with pytest.raises(RefpcmError, match="time"):
            use(t_s)


@pytest.mark.parametrize("seed, chip", [(-1, 0), (0, 2 ** 32), (1.5, 0)])
def test_identities_outside_32_bits_are_refused(seed, chip):
    for form in (program, specification.program):
        with pytest.raises(RefpcmError):
            form({"m": WEIGHTS}, JOSHI2020, seed, chip)


@pytest.mark.parametrize("options, said", [
    ({"numbers": {"first": 3, "second": 3}}, "'first' shares its number 3"),
    ({"numbers": {"first": 3, "second": np.int64(3)}}, "'first' shares its number 3"),
    ({"numbers": {"first": 3}}, "missing for 'second'"), ({"numbers": {"first": 0, "second": 2 ** 16}}, "layer"),
    ({"dtype": np.float16}, "float16"), ({"dtype": int}, "int64"), ({"dtype": complex}, "complex128")])
def test_numbers_and_precisions_that_cannot_be_are_refused(options, said):
    for form in (program, specification.program):
        with pytest.raises(RefpcmError, match=said):
            form({"first": WEIGHTS, "second": WEIGHTS[:3]}, JOSHI2020, 1, 2, **options)


@pytest.mark.parametrize("name", [0, ("a", "b"), None, b"first"])
def test_names_that_are_no_text_are_refused_since_no_file_has_them(name):
    for form in (program, specification.program):
        with pytest.raises(RefpcmError, match="names of matrices are text"):
            form({name: WEIGHTS}, JOSHI2020, 1, 2)


def test_draws_outside_32_bits_are_refused():
    for form in (read, specification.read):
        with pytest.raises(RefpcmError, match="draw"):
            form(chip_of(), 25.0, -1)


def test_the_number_of_threads_does_not_change_a_chip():
    def programmed_and_read():
        chip = program({"m": np.linspace(-1, 1, 90001, dtype="f4")[:, None]}, JOSHI2020, 1, 2)
        return chip_hash(chip), read(chip, 1e6, 5)["m"].tobytes()
    one, two = on_threads((1, 2), programmed_and_read)
    assert one == two


def test_the_order_of_reading_does_not_matter():
    chip = chip_of()
    forward = [read(chip, t, d)["second"] for t in (25.0, 1e6) for d in (0, 1)]
    backward = [read(chip, t, d)["second"] for t in (1e6, 25.0) for d in (1, 0)]
    assert all(np.array_equal(a, b) for a, b in zip(forward, backward[::-1]))


def test_read_noise_is_addressed_as_documented():
    """The block of a read begins at 2^32 times the bit pattern of float32(t)."""
    chip = program({"m": np.ones((1, 4), np.float32)}, JOSHI2020, 1, 2)
    x = chip.crossbars[0]
    start = 2 ** 32 * int(np.float32(86400.0).view(np.uint32))
    z = random.normals(1, 2, random.Purpose.READ_NOISE, 0, 3, start, 8).reshape(2, 1, 4)
    drifted = x.g_prog_us * 4320.0 ** -x.nu.astype(np.float64)
    q_s = np.array([0.0088, 0.2])[:, None, None]
    expected = np.maximum(drifted * (1 + q_s * np.sqrt(np.log((86400 + 250e-9) / 500e-9)) * z), 0)
    np.testing.assert_allclose(read_conductances(chip, x, 86400.0, 3), expected, rtol=1e-6)


def test_the_weights_of_a_chip_are_those_of_its_conductances():
    for device in VARIANTS:
        chip = chip_of(device)
        weights = read(chip, 1e6, 3)
        for x in chip.crossbars:
            expected = effective_weights(chip, x, read_conductances(chip, x, 1e6, 3))
            assert weights[x.name].tobytes() == expected.tobytes()


@pytest.mark.parametrize("t_s", [[25.0], np.array([25.0, 3600.0]), None, "25", 25j, np.array("25")], ids=repr)
@pytest.mark.parametrize("form", [fast, specification])
def test_a_time_is_one_number(form, t_s):
    chip = form.program({"m": np.ones((2, 2))}, JOSHI2020, 1, 2)
    with pytest.raises(RefpcmError, match="one number of seconds"):
        form.read(chip, t_s)
    for one in (np.float32(25), np.int64(25), np.array(25.0), 25):
        assert np.array_equal(form.read(chip, one)["m"], form.read(chip, 25.0)["m"])
