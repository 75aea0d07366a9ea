"""Fig. 2: accuracy over eta_tr and eta_inf, with additive noise on the weights in training and at inference.

I-17, what the panels are taken to be: a, networks trained with eta_tr, tested without noise; b, eta_inf = eta_tr;
c, accuracy over eta_inf for each eta_tr, the FP32 network (eta_tr = 0) among them. All are views of one grid.
"""

from refpcm.reproduction import drawing
from refpcm.reproduction.comparison import comparison_row, mean_of, paired, percent, row_of
from refpcm.reproduction.measurements import etas_inf, over_noise
from refpcm.reproduction.paper_numbers import CIFAR10
from refpcm.reproduction.variants import noise_variant

TITLE = "Fig. 2: additive noise in training (eta_tr) and at inference (eta_inf)"
COLUMNS = ("eta_tr", "eta_inf")
UP_TO, ABOVE = 0.05, 0.08  # of the paper's statements


def networks(scale):
    return [noise_variant(eta, scale) for eta in (0.0, *sorted(scale.etas_tr))]


def measure(setting, pool):
    """Return a row for each eta_tr and eta_inf."""
    scale = setting.scale
    etas = {noise_variant(eta, scale): eta for eta in (0.0, *scale.etas_tr)}
    rows = over_noise(setting, networks(scale), etas_inf(scale), pool)
    return [{"eta_tr": etas[row["network"]], **row} for row in rows]


def compare(rows, on_chip):
    """Return the comparison lines, against the FP32 network without noise, the baseline."""
    baseline = row_of(rows, eta_tr=0.0, eta_inf=0.0)
    etas = sorted({row["eta_tr"] for row in rows} - {0.0})
    return [comparison_row(CIFAR10["fp32"], percent(baseline["mean"]), accuracy=baseline["mean"]),
            _equal(rows, [eta for eta in etas if eta <= UP_TO], baseline),
            _trained(CIFAR10["eta-small"], rows, [eta for eta in etas if eta <= ABOVE], baseline),
            _trained(CIFAR10["eta-large"], rows, [eta for eta in etas if eta > ABOVE][:1], baseline),
            _above(rows, etas)]


def _equal(rows, etas, baseline):
    """Return the comparison line of the largest loss against the baseline with eta_inf = eta_tr."""
    if not etas:
        return comparison_row(CIFAR10["eta-equal"])
    eta = min(etas, key=lambda eta: mean_of(rows, eta_tr=eta, eta_inf=eta))
    text, values = paired(row_of(rows, eta_tr=eta, eta_inf=eta), baseline)
    return comparison_row(CIFAR10["eta-equal"], f"{text} at eta = {100 * eta:g} %", eta=eta, **values)


def _trained(paper, rows, etas, baseline):
    """Return the comparison line of the worst of these eta_tr, tested without noise, against the baseline."""
    if not etas:
        return comparison_row(paper)
    eta = min(etas, key=lambda eta: mean_of(rows, eta_tr=eta, eta_inf=0.0))
    text, values = paired(row_of(rows, eta_tr=eta, eta_inf=0.0), baseline)
    return comparison_row(paper, f"{text} at eta_tr = {100 * eta:g} %", eta_tr=eta, **values)


def _above(rows, etas):
    """Return the comparison line of the best gain of a larger eta_tr over eta_tr = eta_inf."""
    gains = [(mean_of(rows, eta_tr=large, eta_inf=eta) - mean_of(rows, eta_tr=eta, eta_inf=eta), large, eta)
             for eta in etas for large in etas if large > eta]
    if not gains:
        return comparison_row(CIFAR10["eta-above"])
    _, large, eta = max(gains)
    text, values = paired(*(row_of(rows, eta_tr=own, eta_inf=eta) for own in (large, eta)))
    where = f"eta_tr = {100 * large:g} %, eta_inf = {100 * eta:g} %"
    text += f", the best of {len(gains)} pairs ({where})" if len(gains) > 1 else f" ({where})"
    return comparison_row(CIFAR10["eta-above"], text, eta_tr=large, eta_inf=eta, pairs=len(gains), **values)


COMPARE = {"cifar10": compare}


def draw(figure, rows):
    a, b, c = figure.subplots(1, 3)
    etas = sorted({row["eta_tr"] for row in rows})
    drawing.curve(a, [100 * eta for eta in etas], [row_of(rows, eta_tr=eta, eta_inf=0.0) for eta in etas])
    a.set(title="a  tested without noise", xlabel="eta_tr [%]", ylabel="test accuracy [%]")
    for label, etas_tr in (("eta_tr = eta_inf", etas), ("FP32 (eta_tr = 0)", [0.0] * len(etas))):
        some = [row_of(rows, eta_tr=eta_tr, eta_inf=eta) for eta_tr, eta in zip(etas_tr, etas)]
        drawing.curve(b, [100 * eta for eta in etas], some, label=label)
    baseline = 100 * mean_of(rows, eta_tr=0.0, eta_inf=0.0)
    b.fill_between([0, 100 * UP_TO], baseline - 0.5, baseline, color="0.85", label="paper: within 0.5 % up to 5 %")
    b.set(title="b  eta_inf = eta_tr", xlabel="eta_inf [%]")
    for eta_tr in etas:
        some = [row for row in rows if row["eta_tr"] == eta_tr]
        drawing.curve(c, [100 * row["eta_inf"] for row in some], some, label=f"eta_tr = {100 * eta_tr:g} %")
    c.set(title="c  each eta_tr", xlabel="eta_inf [%]")
    drawing.widen(a)
    b.legend()
    c.legend()
