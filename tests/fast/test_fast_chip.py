"""refpcm.fast.chip against the specification, bit for bit."""

from dataclasses import replace

import numpy as np
import pytest

from refpcm.fast.chip import program, read, read_conductances
from refpcm.spec.pcm import chip as specification
from refpcm.spec.pcm.device import DEVICES, JOSHI2020

WEIGHTS = np.random.default_rng(0).standard_normal((130, 37)).astype(np.float32)
VARIANTS = [*DEVICES.values(), replace(JOSHI2020, reset_device="zero"), replace(JOSHI2020, stuck_fraction=0.1),
            replace(JOSHI2020, read_noise_from="programmed"), replace(JOSHI2020, identity="collapsed")]


def chip_of(device=JOSHI2020, **options):
    return program({"first": WEIGHTS, "second": WEIGHTS[:3]}, device, 1, 2, **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("device", VARIANTS, ids=lambda d: f"{d.name}-{d.reset_device}-{d.stuck_fraction}-{d.identity}")
def test_kernels_and_specification_agree_bit_for_bit(device, dtype):
    chip = chip_of(device, dtype=dtype)
    for number, (crossbar, matrix) in enumerate(zip(chip.crossbars, (WEIGHTS, WEIGHTS[:3]))):
        w_max, *state = specification.program_matrix(matrix, device, 1, 2, number, dtype)
        assert w_max == crossbar.w_max
        for naive, fast in zip(state, (crossbar.g_target_us, crossbar.g_prog_us, crossbar.nu)):
            assert fast.dtype == dtype and np.array_equal(naive, fast)
        for t_s, draw in ((device.t0_s, 0), (86400.0, 7)):
            assert np.array_equal(read_conductances(chip, crossbar, t_s, draw),
                                  specification.read_conductances(chip, crossbar, t_s, draw))


def test_weights_of_zero_leave_the_same_bytes_in_both_forms():
    """The sign of a zero is in the hash of a chip."""
    matrix = np.round(WEIGHTS)
    for device in (JOSHI2020, DEVICES["aihwkit-pcm"]):
        chip = program({"m": matrix}, device, 1, 2)
        x = chip.crossbars[0]
        for naive, fast in zip(specification.program_matrix(matrix, device, 1, 2, 0)[1:], (x.g_target_us, x.g_prog_us, x.nu)):
            assert naive.tobytes() == fast.tobytes()
        assert read_conductances(chip, x, 1e6, 0).tobytes() == specification.read_conductances(chip, x, 1e6, 0).tobytes()


@pytest.mark.parametrize("device", VARIANTS, ids=lambda d: f"{d.name}-{d.reset_device}-{d.stuck_fraction}-{d.identity}")
def test_a_whole_chip_has_the_same_hash_and_weights_in_both_forms(device):
    fast = chip_of(device)
    slow = specification.program({"first": WEIGHTS, "second": WEIGHTS[:3]}, device, 1, 2)
    assert specification.chip_hash(fast) == specification.chip_hash(slow)
    one, other = read(fast, 1e6, 3), specification.read(slow, 1e6, 3)
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
