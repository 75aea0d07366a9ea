"""The innermost loop of a convolution whose lanes are output channels, as LLVM vector code; a sibling of emit.py.

channel_tile   out[p, k] = sum over i, c, j of x[c // 16, i, p * stride + j, c % 16] * w[i, c, j, k],  k = 0 .. 15

A number of the input goes to all lanes, a vector of weights holds 16 output channels. Every sum takes its products in
the order of i, c, j, each with one rounding, as emit.convolve_tile does: the results are the same bits.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from refpcm.kernels.emit import INT64, PIXEL_BYTES, Vectors, native_lanes
from refpcm.kernels.layout import LANES

PIXELS = 8  # neighbouring pixels of a tile: enough sums to hide the latency of a multiply-add, few enough for AVX2


def channel_tile(kernel_width, stride):
    """Intrinsic (x, w, out, channels, kernel_rows, x_plane, x_row) -> None: PIXELS pixels x 16 output channels.

    x: address of the input pixel under the first tap of the first pixel; w: packed weights (kernel_rows, channels,
    kernel_width, 16); out: address of the sums (PIXELS, 16); then counts, and strides in bytes.
    """
    @intrinsic
    def tile(typing, x, w, out, channels, kernel_rows, x_plane, x_row):
        def generate(context, builder, signature, arguments):
            x, w, out, *sizes = arguments
            lanes = native_lanes(context)
            for lane in range(0, LANES, lanes):
                offset = ir.Constant(INT64, 4 * lane)
                _convolve(Vectors(builder, lanes), kernel_width, stride, x, builder.add(w, offset),
                          builder.add(out, offset), *sizes)
            return context.get_dummy_value()
        return types.void(*[types.intp] * 7), generate
    return tile


def _convolve(v, kernel_width, stride, x, w, out, channels, kernel_rows, x_plane, x_row):
    b = v.builder
    full, step = ir.Constant(INT64, LANES), ir.Constant(INT64, kernel_width * PIXEL_BYTES)
    blocks = b.sdiv(b.add(channels, ir.Constant(INT64, LANES - 1)), full)

    def kernel_row(i, sums):
        x_i = b.add(x, b.mul(i, x_row))
        w_i = b.add(w, b.mul(b.mul(i, channels), step))

        def block(number, sums):
            first = b.mul(number, full)
            left = b.sub(channels, first)
            count = b.select(b.icmp_signed("<", left, full), left, full)
            x_b, w_b = b.add(x_i, b.mul(number, x_plane)), b.add(w_i, b.mul(first, step))

            def channel(c, sums):
                x_c, w_c = b.add(x_b, b.mul(c, ir.Constant(INT64, 4))), b.add(w_b, b.mul(c, step))
                sums, weights = list(sums), [v.load(w_c, j * PIXEL_BYTES) for j in range(kernel_width)]
                for q in range((PIXELS - 1) * stride + kernel_width):
                    value = v.broadcast(x_c, q * PIXEL_BYTES)
                    for j, weight in enumerate(weights):
                        p = (q - j) // stride
                        if 0 <= p < PIXELS and p * stride + j == q:
                            sums[p] = v.fma(value, weight, sums[p])
                return sums
            return v.loop(count, sums, channel)
        return v.loop(blocks, sums, block)

    for p, total in enumerate(v.loop(kernel_rows, [v.zero] * PIXELS, kernel_row)):
        v.store(total, out, p * PIXEL_BYTES)
