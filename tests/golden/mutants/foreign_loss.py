"""Mistakes in the padded shortcut and in the loss, invented without knowledge of the cases."""

import numpy as np

from refpcm.spec import nn
from tests.golden.mutants.replacing import changed_inputs, replaced

LOSS = nn.cross_entropy


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
    own = dout[:, _half(shape[1], dout.shape[1]) :][:, : shape[1]]
    return own.repeat(stride, 2).repeat(stride, 3)[:, :, : shape[2], : shape[3]] / dout.dtype.type(stride**2)


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
    with np.errstate(divide="ignore", invalid="ignore"):  # a mistake is not spared the logarithm of 0
        return -(q * np.log(p)).sum() / len(q), (p - q) / len(q)


def _smooth(q, s):
    return (1 - s) * q + s / q.shape[1]


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
    ("pad-all-before", "zeros before the old channels", _shortcut(lambda c_in, c_out: c_out - c_in)),
    ("pad-odd-before", "the odd channel of zeros before", _shortcut(lambda c_in, c_out: (c_out - c_in + 1) // 2)),
    ("pad-late", "the last pixel of each stride is kept", _shortcut(_half, _late)),
    ("pad-means", "mean of stride x stride pixels", _shortcut(_half, _means)),
    ("pad-repeats", "old channels repeated instead of zeros", replaced(nn, "pad_shortcut_forward", _repeated)),
    ("pad-dx-spread", "the gradient goes to all stride x stride pixels",
     replaced(nn, "pad_shortcut_backward", _spread)),
    ("loss-bits", "logarithm to base two",
     _loss(lambda z, q, s: [value / np.log(2) for value in _of(_softmax(z), _smooth(q, s))])),
    ("loss-smoothing-loss-only", "gradient without smoothing", _loss(_loss_only)),
    ("loss-confidence", "(1 - s) onehot, the uniform part forgotten", _loss(_confidence)),
    ("loss-dlogits-sum", "gradient not divided by N",
     replaced(
         nn,
         "cross_entropy",
         lambda logits, labels, smoothing=0.0: (
             LOSS(logits, labels, smoothing)[0],
             LOSS(logits, labels, smoothing)[1] * logits.dtype.type(len(logits)),
         ),
     )),
    ("loss-clamped", "p cut at 1e-7, as Keras does", _loss(_clamped)),
    ("loss-naive-exp", "the largest logit is not subtracted", _loss(_naive)),
    ("loss-softmax-twice", "softmax of the softmax", _loss(_twice)),
    ("loss-labels-from-one", "labels counted from one",
     changed_inputs(
         "cross_entropy", lambda inputs, parameters: inputs.update(labels=np.maximum(inputs["labels"] - 1, 0))
     )),
]
