"""Measurements: conductances of many devices over time, checked and in order."""

from dataclasses import dataclass

import numpy as np

from refpcm.errors import RefpcmError
from refpcm.spec.pcm.device import LARGEST_T_S

LARGEST_NUMBER = 2 ** 53  # of a device or a read: whole numbers up to here are exact in float64
FAR_BEYOND, FAR_BELOW = 10, 1e-3  # times G_max: no device, but another unit
REMEDY = {
    "g_us": "a conductance is 0 uS or more; take the instrument's offset out, and give what is still below 0 as 0, where the law "
            "is cut, too",
    "time_s": "a time is above 0, in seconds since the device was programmed",
    "target_us": "a target is 0 uS or more"}


@dataclass(frozen=True, eq=False)
class Measurements:
    """D devices, n readings, ordered by device and time.

    number (D,): the devices' numbers in the file; target_us (D,); owner (n,): which of the D devices; t_s, g_us (n,).
    place: row of the ordered readings -> where it stands in the file, in words.
    """
    number: np.ndarray
    target_us: np.ndarray
    owner: np.ndarray
    t_s: np.ndarray
    g_us: np.ndarray
    place: object = str

    def __len__(self):
        return self.t_s.size

    @property
    def devices(self):
        return self.number.size


def measured(columns, place):
    """Return Measurements of columns {name: (n,)}: device, target_us, time_s, g_us and, for repeated reads, read.

    place: row -> where it stands in the file, in words. Raises RefpcmError, naming the first such place, for numbers
    that are not finite or negative, a device with two targets, and one read that occurs twice.
    """
    number, target_us, t_s, g_us = (columns[name] for name in ("device", "target_us", "time_s", "g_us"))
    read = columns.get("read", np.zeros_like(t_s))
    for name, values in (("device", number), ("read", read)):
        whole = np.isfinite(values) & (values == np.floor(values)) & (np.abs(values) < LARGEST_NUMBER)
        _refuse(~whole, place, lambda i: f"{name} {values[i]:g} is no whole number")
    for name, values in (("target_us", target_us), ("time_s", t_s), ("g_us", g_us)):
        _refuse(~np.isfinite(values), place, lambda i: f"{name} {values[i]:g} is no finite number; leave out that reading")
        wrong = values <= 0 if name == "time_s" else values < 0
        _refuse(wrong, place, lambda i: f"{name} {values[i]:g}: {REMEDY[name]}")
    order = np.lexsort((read, t_s, number))
    number, target_us, t_s, g_us, read = (values[order] for values in (number, target_us, t_s, g_us, read))

    def ordered_place(row):
        return place(order[row])

    new = np.append(True, number[1:] != number[:-1])
    owner = np.cumsum(new) - 1
    _refuse(target_us != target_us[new][owner], ordered_place, lambda i: (
        f"device {number[i]:.0f} has another target ({target_us[i]:g} uS) than before; programmed again, it is another "
        "device: give it another number"))
    again = np.append(False, (number[1:] == number[:-1]) & (t_s[1:] == t_s[:-1]) & (read[1:] == read[:-1]))
    _refuse(again, ordered_place, lambda i: (
        f"device {number[i]:.0f} was read at {t_s[i]:g} s before, by the same read number; number repeated reads in "
        "a column named read"))
    return Measurements(number[new], target_us[new], owner, t_s, g_us, ordered_place)


def check_within_law(m, law):
    """Raises RefpcmError for targets beyond the law's G_max or all far below it, conductances far beyond, and times outside."""
    largest_us = m.target_us.max(initial=0.0)
    if 0 < largest_us < FAR_BELOW * law.g_max_us:
        raise RefpcmError(f"the largest target is {largest_us:g} uS, less than a thousandth of G_max = {law.g_max_us:g} uS of "
                          f"{law.name}; are the conductances in siemens? Give them in uS")
    beyond = m.target_us > law.g_max_us * (1 + 1e-9)
    _refuse(beyond[m.owner], m.place, lambda i: (
        f"target {m.target_us[m.owner[i]]:g} uS is beyond G_max = {law.g_max_us:g} uS of {law.name}; choose the device "
        "that was measured, or leave these devices out"))
    _refuse(m.g_us > FAR_BEYOND * law.g_max_us, m.place, lambda i: (
        f"g_us {m.g_us[i]:g} is more than {FAR_BEYOND} times G_max = {law.g_max_us:g} uS of {law.name}; give "
        "conductances in uS"))
    _refuse(m.t_s < law.t0_s, m.place, lambda i: (
        f"time {m.t_s[i]:g} s is before t0 = {law.t0_s:g} s of {law.name}, where its law begins; leave such rows out"))
    _refuse(m.t_s > LARGEST_T_S, m.place, lambda i: (
        f"time {m.t_s[i]:g} s is beyond {LARGEST_T_S:g} s, where no law holds; times are seconds since programming"))


def chosen(m, wanted):
    """Return the Measurements of the devices where wanted (D,) is True."""
    rows = wanted[m.owner]
    owner = (np.cumsum(wanted) - 1)[m.owner[rows]]
    return Measurements(m.number[wanted], m.target_us[wanted], owner, m.t_s[rows], m.g_us[rows])


def repeated(m, times):
    """Return Measurements of `times` as many devices: the same targets and times again and again."""
    owner = (m.owner + m.devices * np.arange(times)[:, None]).reshape(-1)
    number, target_us, t_s, g_us = (np.tile(values, times) for values in (m.number, m.target_us, m.t_s, m.g_us))
    return Measurements(number, target_us, owner, t_s, g_us)


def _refuse(wrong, place, what):
    """Raises RefpcmError for the first row of the file that is wrong."""
    rows = np.flatnonzero(wrong)
    if rows.size:
        others = f" (and {rows.size - 1} more)" if rows.size > 1 else ""
        raise RefpcmError(f"{place(rows[0])}{others}: {what(rows[0])}")
