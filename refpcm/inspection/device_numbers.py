"""A device in numbers: its curves at some targets, and what they amount to in one read of a device.

Q_s is not the noise of one read: that is Q_s sqrt(ln((t + t_read) / (2 t_read))), four to five times as much.
"""

import numpy as np

from refpcm.files.devices import find_device
from refpcm.spec.compensation.global_drift import time_of_first_read
from refpcm.spec.pcm.curve import curve_value
from refpcm.spec.pcm.device import JOSHI2020, differences
from refpcm.spec.pcm.programming import programming_sigma_us
from refpcm.spec.pcm.read_noise import accumulation, relative_read_noise
from refpcm.times import time_text

TARGETS = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)  # of G_max
DAY_S = 86400.0
COLUMNS = ("target_us", "sigma_prog_us", "sigma_prog", "nu_mean", "nu_sigma", "q_s", "read_noise_first", "read_noise_late")


def describe_device(name_or_path):
    """Return what a device of a name or a TOML file does, as `refpcm.inspection.contents.describe`.

    Rows: targets [uS]; sigma_prog, that of the programming error, in uS and as share of G_max; mean and standard deviation
    of the drift exponent; Q_s; standard deviation of one read as share of the conductance (E-36 to E-38), at the first
    read and after a day. Raises RefpcmError as `find_device`.
    """
    device = find_device(name_or_path)
    first_s = time_of_first_read(device)
    late_s = max(first_s, DAY_S)
    facts = {"device": device.name, "source": device.source, "model": device.model, "G_max [uS]": device.g_max_us,
             "t0 [s]": device.t0_s, "t_read [s]": device.t_read_s, "idle devices": device.reset_device,
             "stuck devices [%]": 100 * device.stuck_fraction, "Q_s taken at conductance": device.read_noise_from,
             "identity of a pair": device.identity, "differs from joshi2020 in": sorted(differences(device, JOSHI2020)),
             "read_noise_first, read_noise_late": f"one read over its conductance, at {time_text(first_s)} and at "
                                                  f"{time_text(late_s)}",
             "sigma_prog": "share of G_max"}
    g_us = np.array(TARGETS) * device.g_max_us
    g = g_us / device.g_max_us
    sigma_us, q_s = programming_sigma_us(g_us, device), relative_read_noise(g_us, device)
    columns = (g_us, sigma_us, sigma_us / device.g_max_us, curve_value(device.nu_mean, g), curve_value(device.nu_sigma, g), q_s,
               q_s * accumulation(first_s, device), q_s * accumulation(late_s, device))
    return {"kind": "device", "path": str(name_or_path), "facts": facts, "columns": COLUMNS,
            "rows": [list(map(float, row)) for row in zip(*columns)]}


def device_line(found):
    """Return `found`, of `describe_device`, as one line that shows a wrong unit at a glance."""
    def span(name, factor=1.0):
        values = [factor * row[COLUMNS.index(name)] for row in found["rows"]]
        return f"{min(values):.3g} to {max(values):.3g}"
    facts = found["facts"]
    return (f"device {facts['device']} of {found['path']}: G_max {facts['G_max [uS]']:g} uS; programming error "
            f"{span('sigma_prog', 100)} % of G_max; mean nu {span('nu_mean')}; one read {span('read_noise_first', 100)} % of the "
            f"conductance at the first read; {facts['stuck devices [%]']:g} % of devices stuck")
