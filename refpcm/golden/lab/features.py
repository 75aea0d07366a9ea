"""Numbers of each device: first read, drift fit, read noise. Every estimate is a function of their means over devices.

The drift fit of a device is the straight line log G = c - nu log t by least squares through all its readings, which
must all be above 0 uS. Read noise is seen in repeated reads ("reads"), else in what the fit leaves over ("residuals").

With v(t) = ln((t + t_read) / (2 t_read)), the growth of the noise's variance that the law states, x = log t minus its
mean and h the leverage of a reading in the fit:

    Q_s^2 of reads      = sum of (variance within a time / v) / sum of (mean^2 - variance / reads)
    Q_s^2 of residuals  = sum of squared residuals / sum of (1 - h) v
    variance of nu      = Q_s^2 sum(x^2 v) / sum(x^2)^2            what read noise adds to the spread of the exponents

What programming left is G(t0) - G_T, with G(t0) = G + nu G log(t / t0) from the first read G, to first order in the
mean nu of the bin: `error` is G - G_T, `lag` is G log(t / t0).
"""

from dataclasses import dataclass

import numpy as np

NEEDED_SHARE = 0.9  # of the devices of a bin must allow a method for it to be used
LINE_PARAMETERS = 2


@dataclass(frozen=True)
class Design:
    """What the readings of a bin allow: shares of the devices with ...

    times: two times; late: four times; spread: three readings at two times or more; residuals: readings at three times;
    reads: two reads at their first and at their last time.
    """
    times: float
    late: float
    spread: float
    residuals: float
    reads: float

    @property
    def noise(self):
        """Return where read noise is seen: "reads", "residuals" or None."""
        return next((name for name in ("reads", "residuals") if getattr(self, name) >= NEEDED_SHARE), None)


@dataclass(frozen=True)
class Method:
    """How a bin is evaluated. noise: as of Design; drift: whether the first read is traced back to t0_s [s]."""
    noise: object
    drift: bool
    t0_s: float


def design(m):
    """Return the Design of Measurements."""
    first, last, size, owner = _groups(m)
    times = np.bincount(owner, minlength=m.devices)
    readings = np.bincount(m.owner, minlength=m.devices)
    shares = (times >= 2, times >= 4, (times >= 2) & (readings > LINE_PARAMETERS), times >= 3,
              (size[first] >= 2) & (size[last] >= 2))
    return Design(*(float(np.mean(share)) for share in shares))


def positive_share(m):
    """Return the share of devices whose readings are all above 0 uS, so that they have a drift fit."""
    return float(np.mean(np.bincount(m.owner, m.g_us <= 0, m.devices) == 0))


def features(m, growth, method):
    """Return {name: (D,)} of the devices; 0 where a device has no such number, which a mask among them says.

    growth (n,): v(t) of each reading.
    """
    first, last, size, owner = _groups(m)
    group = np.cumsum(_starts(m)) - 1
    mean = np.bincount(group, m.g_us) / size
    within = np.bincount(group, (m.g_us - mean[group]) ** 2) / np.maximum(size - 1, 1)
    growth_of = growth[_starts(m)]
    error, log_t = mean[first] - m.target_us, np.log(m.t_s[_starts(m)][first] / method.t0_s)
    lag = mean[first] * log_t
    found = {"error": error, "error2": error ** 2, "lag": lag, "lag2": lag ** 2, "error_lag": error * lag,
             "log_t": log_t, **_fit(m, growth)}
    if method.noise == "reads":
        seen = ((size[first] >= 2) & (size[last] >= 2)).astype(float)
        again = (size >= 2) * seen[owner]
        square = mean ** 2 - within / size
        found.update(
            seen=seen, first_noise=seen * within[first] / size[first],
            noise=np.bincount(owner, again * within / growth_of), square=np.bincount(owner, again * square),
            early=seen * within[first], early_square=seen * square[first],
            late=seen * within[last], late_square=seen * square[last])
        found["q2"] = found["noise"] / np.where(found["square"] > 0, found["square"], np.inf)
    elif method.noise == "residuals":
        found["first_growth"] = growth_of[first]
        found["first_square"] = growth_of[first] * mean[first] ** 2
        found["q2"] = found["fit_q2"]
    if method.noise:
        found.update(_noise_over_conductance(m, found["q2"], found["fit"]))
    return {name: np.where(np.isfinite(values), values, 0.0) for name, values in found.items()}


def _starts(m):
    """Return where a device has its next time (n,)."""
    return np.append(True, (m.owner[1:] != m.owner[:-1]) | (m.t_s[1:] != m.t_s[:-1]))


def _groups(m):
    """Return each device's first and last group, and of the groups (device, time) their sizes and devices."""
    starts = np.flatnonzero(_starts(m))
    owner = m.owner[starts]
    first = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    return first, np.append(first[1:], owner.size) - 1, np.diff(np.append(starts, len(m))), owner


def _fit(m, growth):
    """Return what the drift fits of the devices give; fit and scattered are masks."""
    def total(values):
        return np.bincount(m.owner, values, m.devices)

    count = total(np.ones(len(m)))
    x = np.log(m.t_s)
    x -= (total(x) / count)[m.owner]
    y = np.log(np.where(m.g_us > 0, m.g_us, 1.0))
    sxx = total(x ** 2)
    spread_out = sxx > 1e-12 * count
    safe = np.where(spread_out, sxx, 1.0)
    nu = -total(x * y) / safe
    residual = y - (total(y) / count)[m.owner] + nu[m.owner] * x
    rest = 1 - 1 / count[m.owner] - x ** 2 / safe[m.owner]  # 1 - h
    rest_growth = total(rest * growth)
    fit = (spread_out & (total(m.g_us <= 0) == 0)).astype(float)
    scattered = fit * (count > LINE_PARAMETERS)
    q2 = total(residual ** 2) / np.where(rest_growth > 0, rest_growth, 1.0)
    position = np.arange(len(m)) - (np.cumsum(count) - count)[m.owner]
    late, early = 2 * position > count[m.owner] - 1, 2 * position < count[m.owner] - 1
    scaled = residual ** 2 / np.where(rest > 1e-9, rest, np.inf)
    return {"fit": fit, "nu": fit * nu, "nu2": fit * nu ** 2, "scattered": scattered, "fit_q2": scattered * q2,
            "fit_variance": scattered * q2 * total(x ** 2 * growth) / safe ** 2,
            "residual_early": scattered * total(early * scaled), "residual_late": scattered * total(late * scaled),
            "number_early": scattered * total(early), "number_late": scattered * total(late)}


def _noise_over_conductance(m, q2, fit):
    """Return sums for the line of log Q_s^2 over log G within a bin: `line` is the mask."""
    level = np.bincount(m.owner, m.g_us, m.devices) / np.bincount(m.owner, minlength=m.devices)
    line = fit * (q2 > 0) * (level > 0)
    x, y = (np.log(np.where(line > 0, values, 1.0)) for values in (level, q2))
    return {"line": line, "x": line * x, "x2": line * x ** 2, "y": line * y, "xy": line * x * y}
