"""A Numba type for 16 floats side by side, one lane an image.

Kernels written with it look like scalar code, are vector code on any CPU, add in an order that is fixed by the source,
and need none of the run-time tests for overlapping arrays that LLVM's own vectoriser inserts.

    v = load(array, i)          array: 1-D float32; i .. i + 15 are read
    store(array, i, v)
    v + w, v - w, v * w         lane by lane; a float32 on one side counts for every lane
    fma(v, w, u)                v * w + u, rounded once
    maximum(v, w)               the larger; v where one of them is not a number or both are equal
    where_positive(y, v)        v where y > 0, else 0
    first_lanes(v, n)           v in lanes 0 .. n - 1, else 0
    prefetch(array, i)          start fetching the cache line of array[i] into the second cache
    lane_sum(v)                 float32: sum of the lanes, halves added first
"""

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from refpcm.fast.kernels.layout import LANES

FLOAT, INT32 = ir.FloatType(), ir.IntType(32)
VECTOR = ir.VectorType(FLOAT, LANES)
UNDEFINED = ir.Constant(VECTOR, ir.Undefined)
ZERO = ir.Constant(VECTOR, [0.0] * LANES)


class Lanes(types.Type):
    def __init__(self):
        super().__init__("float32x16")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, VECTOR)


def _positions(numbers):
    return ir.Constant(ir.VectorType(INT32, LANES), list(numbers))


def _broadcast(builder, scalar):
    one = builder.insert_element(UNDEFINED, scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(one, UNDEFINED, _positions([0] * LANES))


def _as_vector(builder, kind, value):
    return value if isinstance(kind, Lanes) else _broadcast(builder, value)


def _operation(function, emit):
    """Teach Numba `function` for vectors and float32, with the llvmlite builder's method `emit`."""
    pairs = (lanes, lanes), (lanes, types.float32), (types.float32, lanes)

    @infer_global(function)
    class Typing(ConcreteTemplate):
        cases = [signature(lanes, *pair) for pair in pairs]

    def lower(context, builder, sig, args):
        return getattr(builder, emit)(*[_as_vector(builder, kind, value) for kind, value in zip(sig.args, args)])
    for pair in pairs:
        lower_builtin(function, *pair)(lower)


_operation(operator.add, "fadd")
_operation(operator.sub, "fsub")
_operation(operator.mul, "fmul")


def _address(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), VECTOR.as_pointer())


@intrinsic
def load(typing, array, index):
    def generate(context, builder, sig, args):
        value = builder.load(_address(context, builder, sig.args[0], *args))
        value.align = 4
        return value
    return lanes(array, types.intp), generate


@intrinsic
def store(typing, array, index, vector):
    def generate(context, builder, sig, args):
        builder.store(args[2], _address(context, builder, sig.args[0], *args[:2])).align = 4
        return context.get_dummy_value()
    return types.void(array, types.intp, lanes), generate


@intrinsic
def splat(typing, scalar):
    """A float32 in every lane."""
    def generate(context, builder, sig, args):
        return _broadcast(builder, args[0])
    return lanes(types.float32), generate


@intrinsic
def fma(typing, a, b, c):
    def generate(context, builder, sig, args):
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3),
                                                  f"llvm.fma.v{LANES}f32")
        return builder.call(function, args)
    return lanes(lanes, lanes, lanes), generate


@intrinsic
def maximum(typing, a, b):
    def generate(context, builder, sig, args):
        a, b = args  # in this order still one instruction on x86, and a NaN in `a` stays one
        return builder.select(builder.fcmp_ordered(">", b, a), b, a)
    return lanes(lanes, lanes), generate


@intrinsic
def where_positive(typing, y, value):
    def generate(context, builder, sig, args):
        return builder.select(builder.fcmp_ordered(">", args[0], ZERO), args[1], ZERO)
    return lanes(lanes, lanes), generate


@intrinsic
def first_lanes(typing, value, count):
    def generate(context, builder, sig, args):
        limit = builder.insert_element(ir.Constant(ir.VectorType(INT32, LANES), ir.Undefined),
                                       builder.trunc(args[1], INT32), ir.Constant(INT32, 0))
        limit = builder.shuffle_vector(limit, limit, _positions([0] * LANES))
        return builder.select(builder.icmp_signed("<", _positions(range(LANES)), limit), args[0], ZERO)
    return lanes(lanes, types.intp), generate


@intrinsic
def lane_sum(typing, value):
    def generate(context, builder, sig, args):
        total, width = args[0], LANES
        while width > 1:
            width //= 2
            moved = builder.shuffle_vector(total, UNDEFINED, _positions([(i + width) % LANES for i in range(LANES)]))
            total = builder.fadd(total, moved)
        return builder.extract_element(total, ir.Constant(INT32, 0))
    return types.float32(lanes), generate


@intrinsic
def prefetch(typing, array, index):
    def generate(context, builder, sig, args):
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer] + [INT32] * 3)
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        address = builder.bitcast(_address(context, builder, sig.args[0], *args), pointer)
        read, second_cache, data = (ir.Constant(INT32, n) for n in (0, 2, 1))
        builder.call(function, [address, read, second_cache, data])
        return context.get_dummy_value()
    return types.void(array, types.intp), generate
