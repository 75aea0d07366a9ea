"""The innermost loops of the convolutions as LLVM vector code.

Numba's loops are slower, because LLVM does not keep a whole tile of sums in registers by itself.
So two small loop nests are emitted by hand; all else is ordinary Numba. Both work on vectors of 16 lanes (16 images),
take addresses in bytes and strides in bytes, and have only the tile's size as constants. On a CPU without AVX-512 the
same tile is computed in parts that fit 16 registers of 8 lanes. docs/kernels.md draws the tiles.

convolve_tile          out[k, p] = sum over i, c, j of x[c, i, p * stride + j] * w[i, c, j, k]
weight_gradient_tile   sums[k, c, j] += sum over rows h, columns w, lanes of dy[k, h, w] * x[c, h stride, w stride + j]
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from refpcm.fast.kernels.layout import LANES

OUT_TILE = 4  # output channels of a tile
PIXEL_TILE = 4  # neighbouring pixels of a tile
FLOAT, INT32, INT64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
HALF = LANES // 2  # floats of a vector of AVX2; lanes are added up from such halves on every CPU
FLOAT_BYTES = 4
PIXEL_BYTES = FLOAT_BYTES * LANES


def native_lanes(context):
    """Floats in a vector register of the CPU that Numba compiles for."""
    features = str(context.codegen().magic_tuple()[-1])
    return LANES if "+avx512f" in features else HALF


class Vectors:
    """Emits loads, stores and multiply-adds of `lanes` floats through an llvmlite builder."""

    def __init__(self, builder, lanes):
        self.builder, self.lanes = builder, lanes
        self.type = ir.VectorType(FLOAT, lanes)
        self.zero = ir.Constant(self.type, [0.0] * lanes)
        self.undefined = ir.Constant(self.type, ir.Undefined)
        signature = ir.FunctionType(self.type, [self.type] * 3)
        self._fma = cgutils.get_or_insert_function(builder.module, signature, f"llvm.fma.v{lanes}f32")

    def pointer(self, base, offset, kind):
        address = self.builder.add(base, ir.Constant(INT64, offset)) if offset else base
        return self.builder.inttoptr(address, kind.as_pointer())

    def load(self, base, offset=0):
        value = self.builder.load(self.pointer(base, offset, self.type))
        value.align = 4
        return value

    def store(self, value, base, offset=0):
        self.builder.store(value, self.pointer(base, offset, self.type)).align = 4

    def broadcast(self, base, offset):
        scalar = self.builder.load(self.pointer(base, offset, FLOAT))
        one = self.builder.insert_element(self.undefined, scalar, ir.Constant(INT32, 0))
        return self.shuffle(one, self.undefined, [0] * self.lanes)

    def shuffle(self, a, b, lanes):
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes)))

    def fma(self, a, b, c):
        return self.builder.call(self._fma, [a, b, c])

    def lane_sums(self, vectors):
        """One vector whose first lanes are the lane sums of 2^n vectors, halves added first, as vector.lane_sum adds."""
        lanes, count, step = range(self.lanes), len(vectors), self.lanes // 2
        while step:  # lane l and lane l + step become one
            if len(vectors) > 1:  # of two vectors a and b: that of a in the lanes without the bit, that of b in those with it
                half = len(vectors) // 2
                own = [l if not l & step else l + self.lanes for l in lanes]
                other = [l ^ step if not l & step else (l ^ step) + self.lanes for l in lanes]
                vectors = [self.builder.fadd(self.shuffle(a, b, own), self.shuffle(a, b, other))
                           for a, b in zip(vectors[:half], vectors[half:])]
            else:
                moved = self.shuffle(vectors[0], self.undefined, [l ^ step for l in lanes])
                vectors = [self.builder.fadd(vectors[0], moved)]
            step //= 2
        return self.shuffle(vectors[0], self.undefined, range(0, self.lanes, self.lanes // count))

    def loop(self, count, carried, body):
        """for i in range(count): carried = body(i, carried). Returns the last values."""
        builder, before = self.builder, self.builder.block
        head, inside, after = (builder.function.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(INT64)
        index.add_incoming(ir.Constant(INT64, 0), before)
        values = [builder.phi(value.type) for value in carried]
        for phi, value in zip(values, carried):
            phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", index, count), inside, after)
        builder.position_at_end(inside)
        updated = body(index, values)
        index.add_incoming(builder.add(index, ir.Constant(INT64, 1)), builder.block)
        for phi, value in zip(values, updated):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return values


def convolve_tile(kernel_width, stride):
    """Intrinsic (x, w, out, channels, kernel_rows, x_plane, x_row, out_plane, out_pixel) -> None.

    Computes OUT_TILE channels x PIXEL_TILE pixels x 16 lanes. x: address of the first input pixel of the first tap;
    w: packed weights (kernel_rows, channels, kernel_width, OUT_TILE); out: address of the first sum; the rest are
    counts and strides in bytes.
    """
    @intrinsic
    def tile(typing, x, w, out, channels, kernel_rows, x_plane, x_row, out_plane, out_pixel):
        def generate(context, builder, signature, arguments):
            lanes = native_lanes(context)
            pixels = PIXEL_TILE if lanes == LANES else 2
            x, w, out, *sizes = arguments
            for lane in range(0, LANES, lanes):
                for pixel in range(0, PIXEL_TILE, pixels):
                    first_x = builder.add(x, ir.Constant(INT64, 4 * lane + pixel * stride * PIXEL_BYTES))
                    shift = builder.mul(sizes[-1], ir.Constant(INT64, pixel))
                    first_out = builder.add(builder.add(out, ir.Constant(INT64, 4 * lane)), shift)
                    _convolve(Vectors(builder, lanes), kernel_width, stride, pixels, first_x, w, first_out, *sizes)
            return context.get_dummy_value()
        return types.void(*[types.intp] * 9), generate
    return tile


def _convolve(v, kernel_width, stride, pixels, x, w, out, channels, kernel_rows, x_plane, x_row, out_plane, out_pixel):
    b = v.builder
    step = ir.Constant(INT64, kernel_width * OUT_TILE * 4)  # bytes of weights a channel and kernel row

    def kernel_row(i, sums):
        x_i = b.add(x, b.mul(i, x_row))
        w_i = b.add(w, b.mul(b.mul(i, channels), step))

        def channel(c, sums):
            x_c, w_c = b.add(x_i, b.mul(c, x_plane)), b.add(w_i, b.mul(c, step))
            sums, loaded = list(sums), {}
            for j in range(kernel_width):
                for k in range(OUT_TILE):
                    weight = v.broadcast(w_c, 4 * (j * OUT_TILE + k))
                    for p in range(pixels):
                        q = p * stride + j
                        if q not in loaded:
                            loaded[q] = v.load(x_c, q * PIXEL_BYTES)
                        sums[k * pixels + p] = v.fma(loaded[q], weight, sums[k * pixels + p])
            return sums
        return v.loop(channels, sums, channel)

    sums = v.loop(kernel_rows, [v.zero] * (OUT_TILE * pixels), kernel_row)
    for k in range(OUT_TILE):
        for p in range(pixels):
            offset = b.add(b.mul(out_plane, ir.Constant(INT64, k)), b.mul(out_pixel, ir.Constant(INT64, p)))
            v.store(sums[k * pixels + p], b.add(out, offset))


@register_jitable
def in_tile(kernel_width):
    """Input channels of a tile of the weight gradient: as many sums as registers allow."""
    if kernel_width == 1:
        return 4
    return 2 if kernel_width <= 3 else 1


def tile_sums(kernel_width):
    """Floats that one tile of the weight gradient occupies: its sums, and the rest of a vector."""
    return -(-OUT_TILE * in_tile(kernel_width) * kernel_width // LANES) * LANES


def weight_gradient_tile(kernel_width, stride):
    """Intrinsic (x, dy, sums, rows, columns, x_plane, x_row, dy_plane, dy_row) -> None.

    Adds OUT_TILE x in_tile x kernel_width lane sums to `sums` (order [k][c][j]). x: address of the input pixel under
    the first tap of the first gradient pixel; dy: address of that gradient pixel; strides in bytes.
    """
    @intrinsic
    def tile(typing, x, dy, sums, rows, columns, x_plane, x_row, dy_plane, dy_row):
        def generate(context, builder, signature, arguments):
            v = Vectors(builder, native_lanes(context))
            # With 16 registers 8 sums (12 for 3 taps), enough to hide the latency of a multiply-add, and their inputs.
            channels = in_tile(kernel_width) if v.lanes == LANES else 2 if kernel_width == 1 else 1
            x, dy, sums, rows, columns, x_plane, x_row, dy_plane, dy_row = arguments
            for first in range(0, in_tile(kernel_width), channels):
                x_c = builder.add(x, builder.mul(x_plane, ir.Constant(INT64, first)))
                parts = [_correlate(v, kernel_width, stride, channels, builder.add(x_c, ir.Constant(INT64, 4 * lane)),
                                    builder.add(dy, ir.Constant(INT64, 4 * lane)), rows, columns,
                                    x_plane, x_row, dy_plane, dy_row) for lane in range(0, LANES, v.lanes)]
                whole = Vectors(builder, LANES)  # one order of additions on every CPU
                vectors = [whole.shuffle(*pair, range(LANES)) for pair in zip(*parts)] if len(parts) > 1 else parts[0]
                _add_lane_sums(whole, vectors, sums, first, channels, kernel_width)
            return context.get_dummy_value()
        return types.void(*[types.intp] * 9), generate
    return tile


def _correlate(v, kernel_width, stride, channels, x, dy, rows, columns, x_plane, x_row, dy_plane, dy_row):
    """The sums [k][c][j] of one tile as vectors, lanes still apart."""
    b = v.builder
    planes = range(max(channels, OUT_TILE))
    x_planes = [b.mul(x_plane, ir.Constant(INT64, c)) for c in planes]
    dy_planes = [b.mul(dy_plane, ir.Constant(INT64, k)) for k in planes]

    def row(h, sums):
        x_h, dy_h = b.add(x, b.mul(h, x_row)), b.add(dy, b.mul(h, dy_row))

        def column(w, sums):
            x_w = b.add(x_h, b.mul(w, ir.Constant(INT64, stride * PIXEL_BYTES)))
            dy_w = b.add(dy_h, b.mul(w, ir.Constant(INT64, PIXEL_BYTES)))
            inputs = [v.load(b.add(x_w, x_planes[c]), j * PIXEL_BYTES)
                      for c in range(channels) for j in range(kernel_width)]
            sums = list(sums)
            for k in range(OUT_TILE):
                gradient = v.load(b.add(dy_w, dy_planes[k]))
                for i, value in enumerate(inputs):
                    sums[k * len(inputs) + i] = v.fma(value, gradient, sums[k * len(inputs) + i])
            return sums
        return v.loop(columns, sums, column)
    return v.loop(rows, [v.zero] * (OUT_TILE * channels * kernel_width), row)


def _add_lane_sums(v, vectors, sums, first, channels, kernel_width):
    """Reduce the lanes and add the results to the tile's floats, in runs that are contiguous there."""
    b = v.builder
    run = len(vectors) if channels == in_tile(kernel_width) else channels * kernel_width
    for start in range(0, len(vectors), run):
        row_start = start * in_tile(kernel_width) // channels + first * kernel_width
        offset = 0
        while offset < run:
            count = 1 << (min(run - offset, v.lanes).bit_length() - 1)  # the largest power of two that fits
            total = v.lane_sums(vectors[start + offset:start + offset + count])
            some, address = Vectors(b, count), 4 * (row_start + offset)
            some.store(b.fadd(some.load(sums, address), total), sums, address)
            offset += count
