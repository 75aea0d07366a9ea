"""Which numbers lie outside a range: their positions, packed side by side. For use inside Numba kernels.

A loop that appends one position at a time takes as long as all the arithmetic of a normal number's central branch, so
16 numbers are looked at together and the positions of those outside packed by one instruction where the CPU has it
(AVX-512), else one after the other without branches.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from refpcm.fast.compilation import kernel

GROUP = 16  # numbers looked at together
INT32, INT64 = ir.IntType(32), ir.IntType(64)
VECTOR = ir.VectorType(INT32, GROUP)


@kernel
def positions_outside(words, low, width, where):
    """where[:t] <- ascending positions i of words (n,) uint32 outside low .. low + width; returns t.

    n is a multiple of GROUP; where, int32, has GROUP places more than words.
    """
    t = 0
    for i in range(0, words.size, GROUP):
        t += _outside_group(words, i, np.uint32(low), np.uint32(width), where, t)
    return t


@intrinsic
def _outside_group(typing, words, first, low, width, where, t):
    """where[t:] <- positions of those of words[first:first + GROUP] that are outside; returns how many."""
    def generate(context, builder, signature, arguments):
        words_at, first, low, width, where_at, t = arguments
        words_at, where_at = (builder.gep(context.make_array(kind)(context, builder, array).data, [index])
                              for kind, array, index in ((signature.args[0], words_at, first),
                                                         (signature.args[4], where_at, t)))
        group = builder.load(builder.bitcast(words_at, VECTOR.as_pointer()), align=4)
        is_outside = builder.icmp_unsigned(">", builder.sub(group, _splat(builder, low)), _splat(builder, width))
        positions = builder.add(_splat(builder, builder.trunc(first, INT32)), ir.Constant(VECTOR, list(range(GROUP))))
        if "+avx512f" in str(context.codegen().magic_tuple()[-1]):
            return _pack(builder, positions, is_outside, where_at)
        return _append(builder, positions, is_outside, where_at)
    return types.intp(words, types.intp, types.uint32, types.uint32, where, types.intp), generate


def _splat(builder, scalar):
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(one, one, ir.Constant(VECTOR, [0] * GROUP))


def _pack(builder, positions, is_outside, where_at):
    kind = ir.FunctionType(VECTOR, [VECTOR, VECTOR, is_outside.type])
    compress = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.mask.compress.v16i32")
    packed = builder.call(compress, [positions, positions, is_outside])
    builder.store(packed, builder.bitcast(where_at, VECTOR.as_pointer()), align=4)
    return builder.zext(builder.ctpop(builder.bitcast(is_outside, ir.IntType(GROUP))), INT64)


def _append(builder, positions, is_outside, where_at):
    count = ir.Constant(INT64, 0)
    for lane in range(GROUP):
        place = ir.Constant(INT32, lane)
        builder.store(builder.extract_element(positions, place), builder.gep(where_at, [count]))
        count = builder.add(count, builder.zext(builder.extract_element(is_outside, place), INT64))
    return count
