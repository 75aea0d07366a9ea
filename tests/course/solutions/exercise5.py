"""Exercise 5: a convolution as a matrix product, forward and backward."""

import numpy as np


def windows(shape, kernel, stride):
    """Yield (i, j, rows, columns) of every window over a padded image of this shape."""
    for i in range((shape[0] - kernel) // stride + 1):
        for j in range((shape[1] - kernel) // stride + 1):
            yield i, j, slice(i * stride, i * stride + kernel), slice(j * stride, j * stride + kernel)


def conv2d(inputs, parameters):
    x, w, dout = inputs["x"], inputs["w"], inputs["dout"]
    stride, pad, kernel = parameters["stride"], parameters["padding"], w.shape[2]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    crossbar = w.reshape(len(w), -1).T  # (rows, columns) = (C k k, C_out)
    out, dw, dpadded = np.zeros_like(dout), np.zeros_like(crossbar), np.zeros_like(padded)
    for i, j, rows, columns in windows(padded.shape[2:], kernel, stride):
        inputs_of_rows = padded[:, :, rows, columns].reshape(len(x), -1)
        out[:, :, i, j] = inputs_of_rows @ crossbar
        dw += inputs_of_rows.T @ dout[:, :, i, j]
        dpadded[:, :, rows, columns] += (dout[:, :, i, j] @ crossbar.T).reshape(len(x), -1, kernel, kernel)
    height, width = x.shape[2:]
    return {"out": out, "dx": dpadded[:, :, pad:pad + height, pad:pad + width], "dw": dw.T.reshape(w.shape)}
