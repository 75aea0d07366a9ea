"""Weights in the order in which the convolution tiles read them.

C input and K output channels, B = ceil(K / OUT_TILE) blocks of output channels; channels past the last are zero.
"""

from refpcm.fast.compilation import kernel
from refpcm.fast.kernels.emit import OUT_TILE


def blocks(channels):
    """Blocks of OUT_TILE output channels that hold so many channels."""
    return -(-channels // OUT_TILE)


@kernel
def pack_weights(start, stop, weights, scale, transposed, packed):
    """weights (K, C, k, k) -> packed (B, k, C, k, OUT_TILE), times scale[K]; channels past the last are zero.

    A task is an input channel.

    transposed: the weights of the convolution that is the gradient of the input (roles of K and C exchanged, taps
    turned round); scale is then not used.
    """
    size = packed.shape[1]
    for c in range(start, stop):
        for block in range(packed.shape[0]):
            for i in range(size):
                for j in range(size):
                    for t in range(OUT_TILE):
                        k = block * OUT_TILE + t
                        if transposed:
                            inside = k < weights.shape[1]
                            packed[block, i, c, j, t] = weights[c, k, size - 1 - i, size - 1 - j] if inside else 0
                        else:
                            packed[block, i, c, j, t] = weights[k, c, i, j] * scale[k] if k < weights.shape[0] else 0


@kernel
def pack_weights_by_parity(start, stop, weights, packed):
    """weights (K, C, k, k), k = 1 or 3, of a convolution with stride 2 -> packed (4, B, 2, K, 2, OUT_TILE).

    A task is an output channel, one of the K.

    The gradient at an input pixel uses the taps of one parity of its row and column: parity 0 the middle tap, parity 1
    the outer two in turned order. packed[2 * row parity + column parity, block] starts with (rows, K, columns, tile).
    """
    outputs, inputs, size = weights.shape[0], weights.shape[1], weights.shape[2]
    middle = size // 2
    for case in range(4):
        rows, columns = 1 + case // 2, 1 + case % 2
        for block in range(packed.shape[1]):
            flat = packed[case, block].reshape(-1)
            for i in range(rows):
                for k in range(start, stop):
                    for j in range(columns):
                        for t in range(OUT_TILE):
                            c = block * OUT_TILE + t
                            y = middle if rows == 1 else 2 - 2 * i
                            x = middle if columns == 1 else 2 - 2 * j
                            inside = c < inputs and y < size and x < size
                            at = ((i * outputs + k) * columns + j) * OUT_TILE + t
                            flat[at] = weights[k, c, y, x] if inside else 0
