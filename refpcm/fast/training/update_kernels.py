"""The update of all weights in one kernel call each: SGD, noise, clipping.

Specifications: the modules sgd, weight_noise, weight_noise_kinds, clipping; every rounding is the same, so the results
are the same bits.

A network has some hundred small tensors; a call for each would cost more than the arithmetic. Kernels get the tensors
as a table of addresses instead, and work on tasks (tensor, first element, elements), so that threads share large
tensors and no task waits for another. Tensors are float32 and contiguous.
"""

import numpy as np
from numba import carray, types
from numba.extending import intrinsic

from refpcm.fast.compilation import kernel
from refpcm.fast.random import chunk_normals

CHUNK = 4096  # elements of a task; a multiple of 4, the normals of one Philox block
FLOAT_BYTES = 4


@intrinsic
def _pointer(typing, address):
    pointer = types.CPointer(types.float32)

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(pointer))
    return pointer(types.intp), generate


@kernel
def floats_at(addresses, task):
    """The float32 elements that a task (tensor, first element, elements) means."""
    return carray(_pointer(addresses[task[0]] + task[1] * FLOAT_BYTES), task[2])


@kernel
def sgd_tasks(start, stop, tasks, w_at, g_at, v_at, lr, momentum, nesterov, decays):
    """See sgd.sgd_step. w_at, g_at, v_at (T,): addresses of weights, gradients, velocities; decays (T,) float32."""
    for number in range(start, stop):
        task = tasks[number]
        w, g, v, decay = floats_at(w_at, task), floats_at(g_at, task), floats_at(v_at, task), decays[task[0]]
        for i in range(w.size):
            direction = g[i] + decay * w[i]
            v[i] = v[i] * momentum + direction
            w[i] -= lr * (direction + momentum * v[i] if nesterov else v[i])


@kernel
def largest_tasks(start, stop, tasks, w_at, largest):
    """largest[task] = bit pattern of the largest magnitude. Patterns of magnitudes are in the order of their values."""
    for number in range(start, stop):
        bits, most = floats_at(w_at, tasks[number]).view(np.uint32), np.uint32(0)
        for i in range(bits.size):
            most = max(most, bits[i] & np.uint32(0x7FFFFFFF))
        largest[number] = most


@kernel
def fill_noisy(w, scale, z, multiplicative, out):
    """out (n,) <- w + scale z or w (1 + scale z), all float32."""
    for i in range(w.size):
        out[i] = w[i] * (np.float32(1) + scale * z[i]) if multiplicative else w[i] + scale * z[i]


@kernel
def noise_tasks(start, stop, tasks, w_at, out_at, numbers, firsts, scales, multiplicative, address):
    """out = w + scale z or w (1 + scale z).

    Of tensor t: z is addressed by layer numbers[t] from element firsts[t] on, scale = scales[t].
    address = (seed, purpose, draw), which the caller has checked.
    """
    seed, purpose, draw = address
    z = np.empty(CHUNK, np.float32)
    for number in range(start, stop):
        task = tasks[number]
        tensor, first, count = task
        w, out, scale = floats_at(w_at, task), floats_at(out_at, task), scales[tensor]
        chunk_normals(seed, np.uint32(0), purpose, numbers[tensor], draw, firsts[tensor] + first, z[:count])
        fill_noisy(w, scale, z[:count], multiplicative, out)


@kernel(fastmath={"reassoc"})
def moment_tasks(start, stop, tasks, w_at, moments):
    """moments[task] = (sum, sum of squares), float64, added in any order: the caller reckons with that."""
    for number in range(start, stop):
        w, total, squares = floats_at(w_at, tasks[number]), 0.0, 0.0
        for i in range(w.size):
            value = np.float64(w[i])
            total += value
            squares += value * value
        moments[number, 0], moments[number, 1] = total, squares


@kernel
def clip_tasks(start, stop, tasks, w_at, bounds):
    """w limited to -bounds[t] .. bounds[t]; where either is not a number, the result is none."""
    for number in range(start, stop):
        task = tasks[number]
        w, bound = floats_at(w_at, task), bounds[task[0]]
        for i in range(w.size):
            value = w[i] if w[i] > -bound or w[i] != w[i] else -bound
            w[i] = value if value < bound or value != value else bound
