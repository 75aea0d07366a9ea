"""Estimates of a bin of devices from the means of their features, with standard errors by the jackknife.

Estimates are kept on scales on which they are nearly normally distributed: variances as cube roots (Wilson and Hilferty
1931), ratios as logarithms. `shown` turns them into what people read.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Quantity:
    """label; scale: "plain", "variance" (shown as standard deviation) or "ratio"; resolution, in units shown.

    Differences below the resolution are rounding in the file, never found.
    """
    label: str
    scale: str
    resolution: float


QUANTITIES = {
    "offset": Quantity("offset of programming [uS]", "plain", 1e-4),
    "sigma": Quantity("sigma of programming [uS]", "variance", 1e-4),
    "nu_mean": Quantity("mean of nu", "plain", 1e-5),
    "nu_sigma": Quantity("sigma of nu", "variance", 1e-4),
    "q_s": Quantity("read noise Q_s", "variance", 1e-5),
    "growth": Quantity("read noise, late over early", "ratio", 0.0),
    "exponent": Quantity("read noise, exponent in G", "plain", 0.0)}
NOISE_QUANTITIES = ("growth", "exponent")  # that have no meaning where there is no read noise
NO_NOISE = 1e-4  # Q_s up to here may come of conductances rounded to four digits


def shown(quantity, value, shift=0.0):
    """Return a value in the units that are shown; a negative variance as 0. shift: as of `estimates`."""
    scale = QUANTITIES[quantity].scale
    if scale == "variance":
        return np.sqrt(np.maximum(value ** 3 - shift, 0.0))
    return np.exp(value) if scale == "ratio" else value


def estimates(means, n, method, shifts):
    """Return {quantity: estimate} on its scale, from means {feature: (...)} over n devices; NaN where there is none.

    Of sigma and nu_sigma the variance that read noise adds is taken off, which may leave less than 0. Their scale is
    the cube root of variance + shift; shifts {quantity: variance}: what read noise adds under the law.
    """
    noise = method.noise
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        added = read_noise_in(means, method)
        nu, nu_variance = _moments(means, "fit", "nu", "nu2", n)
        traced = nu if method.drift else 0.0
        offset = means["error"] + traced * means["lag"]
        square = means["error2"] + 2 * traced * means["error_lag"] + traced ** 2 * means["lag2"]
        found = {"offset": offset, "nu_mean": nu,
                 "nu_sigma": np.cbrt(nu_variance - added["nu_sigma"] + shifts["nu_sigma"]),
                 "sigma": np.cbrt((square - offset ** 2) * n / (n - 1) - added["sigma"] + shifts["sigma"])}
        if noise == "reads":
            found["growth"] = np.log(means["late"] / means["late_square"] * means["early_square"] / means["early"])
        elif noise == "residuals":
            found["growth"] = np.log(means["residual_late"] / means["number_late"] / means["residual_early"]
                                     * means["number_early"])
        if noise:
            found["q_s"] = np.cbrt(_q2(means, noise))
            x, y = means["x"] / means["line"], means["y"] / means["line"]
            found["exponent"] = (means["xy"] / means["line"] - x * y) / (means["x2"] / means["line"] - x ** 2)
    return {name: np.where(np.isfinite(value), value, np.nan) for name, value in found.items()}


def read_noise_in(means, method):
    """Return {quantity: variance} that read noise adds to G(t0) [uS^2] and to the exponents; 0 if not known."""
    noise, first = method.noise, 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        if noise == "reads":
            first = means["first_noise"] / means["seen"]
        elif noise == "residuals":  # of what is measured, G^2 (1 + q v), the part q v / (1 + q v) is noise
            q2 = _q2(means, noise)
            first = means["first_square"] * q2 / (1 + q2 * means["first_growth"])
        if method.drift:
            first = first * (1 + means["nu"] / means["fit"] * means["log_t"]) ** 2
    return {"sigma": first, "nu_sigma": _ratio(means["fit_variance"], means["scattered"])}


def _q2(means, noise):
    return means["noise"] / means["square"] if noise == "reads" else means["fit_q2"] / means["scattered"]


def _moments(means, mask, first, second, n):
    """Return mean and unbiased variance over the devices of a mask."""
    mean = means[first] / means[mask]
    count = n * means[mask]
    return mean, (means[second] / means[mask] - mean ** 2) * count / (count - 1)


def _ratio(part, whole):
    """Return part / whole, 0 where there is no whole."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)


def estimated(found, method, shifts):
    """Return {quantity: (estimate, standard error)} from features {name: (D,)}, leaving out one device at a time."""
    n = found["error"].size
    sums = {name: values.sum() for name, values in found.items()}
    whole = estimates({name: total / n for name, total in sums.items()}, n, method, shifts)
    means = {name: (sums[name] - values) / (n - 1) for name, values in found.items()}
    without = estimates(means, n - 1, method, shifts)
    return {name: (float(whole[name]), float(np.sqrt((n - 1) * np.var(without[name])))) for name in whole}
