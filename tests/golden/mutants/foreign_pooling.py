"""Mistakes in ReLU, pooling, the padded shortcut and the loss, invented without knowledge of the cases."""

import numpy as np

from refpcm.golden import reference
from refpcm.spec import nn
from refpcm.spec.nn.conv2d import windows
from tests.golden.mutants.replacing import changed_inputs, replaced

RELU_BACKWARD, MAX_POOL, AVERAGE_BACKWARD, LOSS = nn.relu_backward, nn.max_pool_forward, nn.average_pool_backward, nn.cross_entropy


def _places(x, kernel, stride, padding, fill=-np.inf):
    view = windows(x, kernel, stride, padding, fill=fill)
    return view.reshape(*view.shape[:4], -1)


def _pads_zero(x, kernel, stride, padding):
    flat = _places(x, kernel, stride, padding, 0)
    return flat.max(-1), flat.argmax(-1)


def _last_of_equal(x, kernel, stride, padding):
    flat = _places(x, kernel, stride, padding)
    return flat.max(-1), flat.shape[-1] - 1 - flat[..., ::-1].argmax(-1)


def _of_magnitudes(x, kernel, stride, padding):
    flat = _places(x, kernel, stride, padding)
    argmax = np.where(np.isfinite(flat), np.abs(flat), -1).argmax(-1)
    return np.take_along_axis(flat, argmax[..., None], -1)[..., 0], argmax


def _scattered(parts, shape, kernel, stride, padding, overwrites=False):
    """parts (N, C, H', W', kernel^2) put into an array of `shape`, added or written over what is there."""
    n, c, h, w = shape
    dx = np.zeros((n, c, h + 2 * padding, w + 2 * padding), parts.dtype)
    for i, j in np.ndindex(parts.shape[2:4]):
        place = np.s_[:, :, stride * i:stride * i + kernel, stride * j:stride * j + kernel]
        part = parts[:, :, i, j].reshape(n, c, kernel, kernel)
        dx[place] = np.where(part != 0, part, dx[place]) if overwrites else dx[place] + part
    return dx[:, :, padding:padding + h, padding:padding + w]


def _max_pool_gradient(share, overwrites=False):
    """The whole operation with another dx: share(windows (..., k^2), out (..., 1)) -> share of dout at each place."""
    def max_pool(inputs, parameters, original=reference.max_pool):
        window = parameters["kernel"], parameters["stride"], parameters["padding"]
        out = original(inputs, parameters)["out"]
        parts = share(_places(inputs["x"], *window), out[..., None]) * inputs["dout"][..., None]
        return {"out": out, "dx": _scattered(parts.astype(out.dtype), inputs["x"].shape, *window, overwrites)}
    return replaced(reference, "max_pool", max_pool)


def _first(flat, out):
    return np.eye(flat.shape[-1])[flat.argmax(-1)]


def _average_overwritten(dout, shape, kernel, stride):
    parts = np.repeat((dout / kernel ** 2).astype(dout.dtype)[..., None], kernel ** 2, -1)
    return _scattered(parts, shape, kernel, stride, 0, overwrites=True)


def _global(divisor):
    return (replaced(nn, "global_average_pool_forward", lambda x: x.sum((2, 3)) / x.dtype.type(divisor(x.shape)))
            + replaced(nn, "global_average_pool_backward", lambda dout, shape:
                       np.broadcast_to(dout[:, :, None, None] / dout.dtype.type(divisor(shape)), shape).copy()))


# --- shortcut

def _shortcut(before, pixels=lambda x, stride: x[:, :, ::stride, ::stride]):
    """Another forward: before(c_in, c_out) -> channels of zeros before; pixels(x, stride) -> those that are kept."""
    def pad_shortcut_forward(x, c_out, stride, _=None):
        first = before(x.shape[1], c_out)
        return np.pad(pixels(x, stride), ((0, 0), (first, c_out - x.shape[1] - first), (0, 0), (0, 0)))
    return replaced(nn, "pad_shortcut_forward", pad_shortcut_forward)


def _half(c_in, c_out):
    return (c_out - c_in) // 2


def _late(x, stride):
    kept = x[:, :, stride - 1::stride, stride - 1::stride]
    size = [-(-n // stride) for n in x.shape[2:]]
    return np.pad(kept, ((0, 0), (0, 0), *((0, n - have) for n, have in zip(size, kept.shape[2:]))))


def _means(x, stride):
    """Mean of stride x stride pixels, as far as there are any."""
    h, w = x.shape[2:]
    rows = np.add.reduceat(x, np.arange(0, h, stride), 2)
    both = np.add.reduceat(rows, np.arange(0, w, stride), 3)
    counts = np.outer(np.diff([*range(0, h, stride), h]), np.diff([*range(0, w, stride), w]))
    return (both / counts).astype(x.dtype)


def _repeated(x, c_out, stride, _=None):
    small = x[:, :, ::stride, ::stride]
    return small[:, (np.arange(c_out) - _half(x.shape[1], c_out)) % x.shape[1]]


def _spread(dout, shape, stride, before=None):
    own = dout[:, _half(shape[1], dout.shape[1]):][:, :shape[1]]
    return own.repeat(stride, 2).repeat(stride, 3)[:, :, :shape[2], :shape[3]] / dout.dtype.type(stride ** 2)


# --- loss

def _loss(change):
    """Another loss: change(logits float64, onehot, smoothing) -> loss, dlogits."""
    def cross_entropy(logits, labels, smoothing=0.0):
        loss, dlogits = change(logits.astype(np.float64), np.eye(logits.shape[1])[labels], smoothing)
        return loss, dlogits.astype(logits.dtype)
    return replaced(nn, "cross_entropy", cross_entropy)


def _softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _of(p, q):
    return -(q * np.log(p)).sum() / len(q), (p - q) / len(q)


def _smooth(q, s):
    return (1 - s) * q + s / q.shape[1]


def _smooth_others(z, q, s):
    return _of(_softmax(z), (1 - s) * q + s / (q.shape[1] - 1) * (1 - q))


def _clamped(z, q, s):
    p = _softmax(z)
    return _of(np.clip(p, 1e-7, 1 - 1e-7), _smooth(q, s))[0], (p - _smooth(q, s)) / len(q)


def _naive(z, q, s):
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return _of(e / e.sum(1, keepdims=True), _smooth(q, s))


def _twice(z, q, s):
    return _of(_softmax(_softmax(z)), _smooth(q, s))


def _loss_only(z, q, s):
    p = _softmax(z)
    return _of(p, _smooth(q, s))[0], (p - q) / len(q)


def _confidence(z, q, s):
    """The uniform part is forgotten."""
    return _of(_softmax(z), (1 - s) * q)


MUTANTS = [
    ("relu-leaky", "slope 0.01 below 0", replaced(nn, "relu_forward", lambda x: np.where(x > 0, x, x * x.dtype.type(0.01)))),
    ("relu-gradient-at-zero", "gradient 1 at 0", replaced(nn, "relu_backward", lambda dout, out: dout * (out >= 0))),
    ("relu-guided", "negative gradients are stopped, too", replaced(nn, "relu_backward", lambda dout, out:
     RELU_BACKWARD(np.maximum(dout, 0), out))),
    ("relu-magnitude", "|x|", replaced(nn, "relu_forward", np.abs)),
    ("max-pool-pads-zero", "padding counts as 0", replaced(nn, "max_pool_forward", _pads_zero)),
    ("max-pool-last", "the last of equal maxima gets the gradient", replaced(nn, "max_pool_forward", _last_of_equal)),
    ("max-pool-magnitude", "the largest magnitude", replaced(nn, "max_pool_forward", _of_magnitudes)),
    ("max-pool-all", "all of the equal maxima get the gradient", _max_pool_gradient(lambda flat, out: flat == out)),
    ("max-pool-shared", "equal maxima share the gradient",
     _max_pool_gradient(lambda flat, out: (flat == out) / (flat == out).sum(-1, keepdims=True))),
    ("max-pool-overwrites", "overlapping windows overwrite one another", _max_pool_gradient(_first, overwrites=True)),
    ("average-pool-dx-sum", "gradient not divided", replaced(nn, "average_pool_backward", lambda dout, shape, kernel, stride:
     AVERAGE_BACKWARD(dout * dout.dtype.type(kernel ** 2), shape, kernel, stride))),
    ("average-pool-dx-overwrites", "overlapping windows overwrite one another", replaced(nn, "average_pool_backward", _average_overwritten)),
    ("average-pool-by-stride", "divided by stride^2", replaced(nn, "average_pool_forward", lambda x, kernel, stride,
     original=nn.average_pool_forward: original(x, kernel, stride) * x.dtype.type(kernel ** 2 / stride ** 2))),
    ("global-pool-square", "divided by H^2", _global(lambda shape: shape[2] ** 2)),
    ("global-pool-dx-sum", "gradient not divided", replaced(nn, "global_average_pool_backward", lambda dout, shape:
     np.broadcast_to(dout[:, :, None, None], shape).copy())),
    ("global-pool-max", "the largest instead of the mean", replaced(nn, "global_average_pool_forward", lambda x: x.max((2, 3)))),
    ("pad-all-behind", "zeros behind the old channels", _shortcut(lambda c_in, c_out: 0)),
    ("pad-all-before", "zeros before the old channels", _shortcut(lambda c_in, c_out: c_out - c_in)),
    ("pad-odd-before", "the odd channel of zeros before", _shortcut(lambda c_in, c_out: (c_out - c_in + 1) // 2)),
    ("pad-late", "the last pixel of each stride is kept", _shortcut(_half, _late)),
    ("pad-means", "mean of stride x stride pixels", _shortcut(_half, _means)),
    ("pad-repeats", "old channels repeated instead of zeros", replaced(nn, "pad_shortcut_forward", _repeated)),
    ("pad-dx-spread", "the gradient goes to all stride x stride pixels", replaced(nn, "pad_shortcut_backward", _spread)),
    ("loss-sum", "sum over images", _loss(lambda z, q, s: [value * len(q) for value in _of(_softmax(z), _smooth(q, s))])),
    ("loss-bits", "logarithm to base two", _loss(lambda z, q, s: [value / np.log(2) for value in _of(_softmax(z), _smooth(q, s))])),
    ("loss-smoothing-others", "s / (M - 1) on the others", _loss(_smooth_others)),
    ("loss-smoothing-loss-only", "gradient without smoothing", _loss(_loss_only)),
    ("loss-confidence", "(1 - s) onehot, the uniform part forgotten", _loss(_confidence)),
    ("loss-dlogits-sum", "gradient not divided by N", replaced(nn, "cross_entropy", lambda logits, labels, smoothing=0.0:
     (LOSS(logits, labels, smoothing)[0], LOSS(logits, labels, smoothing)[1] * logits.dtype.type(len(logits))))),
    ("loss-clamped", "p cut at 1e-7, as Keras does", _loss(_clamped)),
    ("loss-naive-exp", "the largest logit is not subtracted", _loss(_naive)),
    ("loss-softmax-twice", "softmax of the softmax", _loss(_twice)),
    ("loss-labels-from-one", "labels counted from one", changed_inputs("cross_entropy", lambda inputs, parameters: inputs.update(
        labels=np.maximum(inputs["labels"] - 1, 0)))),
]
