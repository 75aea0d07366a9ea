"""How far each layer on a chip is from its ideal self: MVM error and signal-to-noise ratio.

    eta = ||y_hat - y|| / ||y||          (Le Gallo et al., Neuromorphic Computing and Engineering 2, 014009, 2022)
    SNR = -20 log10(eta)  [dB]

y: the ideal outputs of a layer for the inputs it sees in the ideal network; y_hat: those of the layer on the chip for
the same inputs. So errors of earlier layers do not count, and digital scale factors (GDC) do.
"""

import numpy as np

from refpcm.spec.crossbars import with_matrices
from refpcm.spec.network import FORWARD, Tape, forward

IMAGES = 32  # calibration images that the layers' errors are measured with


def mvm_error(y_hat, y):
    """||y_hat - y|| / ||y||, arrays of one shape; 0 where both vanish, infinite where only y does."""
    error, size = (float(np.linalg.norm(np.asarray(v, np.float64).ravel())) for v in (y_hat - y, y))
    return error / size if size else (0.0 if error == 0 else float("inf"))


def snr_db(error):
    """Signal-to-noise ratio of an MVM error, in decibel; None where it is infinite, for an error of 0 or an infinite one."""
    return None if error in (0, float("inf")) else -20.0 * float(np.log10(error))


def layer_errors(network, parameters, matrices, images):
    """{layer name: MVM error} of the crossbar layers in `matrices` {layer name: effective weights (R, K)}.

    images (N, C, H, W), normalised: a few dozen are enough.
    """
    tape = forward(network, parameters, images)[1]
    on_chip = with_matrices(network, parameters, matrices)
    errors = {}
    for layer in network.layers:
        if layer.name in matrices:
            inputs = [tape.values[name] for name in layer.inputs]
            y_hat = FORWARD[type(layer)](layer, inputs, on_chip, Tape(False))
            errors[layer.name] = mvm_error(y_hat, tape.values[layer.name])
    return errors
