"""What tiles need of vectors of 16 lanes beside `refpcm.fast.kernels.vector`: rounding, comparing, transposing.

    nearest(v)                          the nearest whole number, half to even
    minimum(v, w)                       the smaller; v where one of them is not a number or both are equal
    root(v)                             square root
    any_above(v, w)                     whether v > w in any lane
    product64(v, s)                     v times the float64 s, multiplied in float64, rounded once to float32
    store_transposed(out, i, a, j, n)   out[i + 16 c + r] = a[j + r n + c] for rows r and columns c of 0 .. 15
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from refpcm.fast.kernels.layout import LANES
from refpcm.fast.kernels.vector import INT32, VECTOR, _address, lanes

DOUBLES = ir.VectorType(ir.DoubleType(), LANES)


def _llvm_function(builder, name):
    kind = ir.FunctionType(VECTOR, [VECTOR])
    return cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f32")


@intrinsic
def nearest(typing, a):
    def generate(context, builder, sig, args):
        return builder.call(_llvm_function(builder, "rint"), args)
    return lanes(lanes), generate


@intrinsic
def root(typing, a):
    def generate(context, builder, sig, args):
        return builder.call(_llvm_function(builder, "sqrt"), args)
    return lanes(lanes), generate


@intrinsic
def minimum(typing, a, b):
    def generate(context, builder, sig, args):
        a, b = args
        return builder.select(builder.fcmp_ordered("<", b, a), b, a)
    return lanes(lanes, lanes), generate


@intrinsic
def any_above(typing, a, b):
    def generate(context, builder, sig, args):
        bits = builder.bitcast(builder.fcmp_ordered(">", *args), ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))
    return types.boolean(lanes, lanes), generate


@intrinsic
def product64(typing, value, scalar):
    def generate(context, builder, sig, args):
        one = builder.insert_element(ir.Constant(DOUBLES, ir.Undefined), args[1], ir.Constant(INT32, 0))
        factor = builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES))
        return builder.fptrunc(builder.fmul(builder.fpext(args[0], DOUBLES), factor), VECTOR)
    return lanes(lanes, types.float64), generate


@intrinsic
def store_transposed(typing, out, first, source, begin, stride):
    def generate(context, builder, sig, args):
        out, first, source, begin, stride = args
        rows = []
        for r in range(LANES):
            at = builder.add(begin, builder.mul(stride, ir.Constant(stride.type, r)))
            rows.append(builder.load(_address(context, builder, sig.args[2], source, at)))
            rows[-1].align = 4
        for distance in (1, 2, 4, 8):  # exchanges bit by bit of row and column number
            rows = _exchanged(builder, rows, distance)
        for c in range(LANES):
            at = builder.add(first, ir.Constant(first.type, LANES * c))
            builder.store(rows[c], _address(context, builder, sig.args[0], out, at)).align = 4
        return context.get_dummy_value()
    return types.void(out, types.intp, source, types.intp, types.intp), generate


def _exchanged(builder, rows, distance):
    """Rows in which element (r, c) with bit `distance` set in c only has changed places with (r + d, c - d)."""
    upper = [c if not c & distance else LANES + c - distance for c in range(LANES)]
    lower = [c + distance if not c & distance else LANES + c for c in range(LANES)]
    result = list(rows)
    for r in range(LANES):
        if not r & distance:
            for row, places in ((r, upper), (r + distance, lower)):
                mask = ir.Constant(ir.VectorType(INT32, LANES), places)
                result[row] = builder.shuffle_vector(rows[r], rows[r + distance], mask)
    return result
