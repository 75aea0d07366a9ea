"""What a process pays that has just begun: compilation, loading of kernels, memory. Each case is a process of its own."""

import os
import subprocess
import sys
import tempfile

PROGRAM = """
import time
start = time.perf_counter()
import numpy as np
from refpcm.forms import find_forms
from refpcm.spec import resnet
network = resnet.build("{network}")
parameters = resnet.initial_parameters(network, lambda index, count: np.ones(count))
engine = find_forms("{kernels}").make_engine(network)

def peak_mib():  # not getrusage's: that of a child begins with its parent's
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024

for step in range({steps}):
    engine.forward(parameters, np.ones(({batch}, *network.input_shape), np.float32), training=True)
    engine.backward(parameters, np.ones(({batch}, network.classes), np.float32))
    if step == 0:
        seconds, first = time.perf_counter() - start, peak_mib()
print(seconds, first, peak_mib())
"""


def alone(options, batch, steps, folder):
    """Run steps of refpcm in a process of its own, with its kernel cache in `folder`.

    Return the seconds from the first import to the end of the first step, and the peak memory in MiB after the first
    and after the last step.
    """
    code = PROGRAM.format(network=options.network, kernels=options.kernels, batch=batch, steps=steps)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "REFPCM_CACHE": folder})
    return [float(value) for value in done.stdout.split()]


def cold_starts(options):
    """Print and return the first step with an empty kernel cache and with a full one, and the memory of whole batches."""
    with tempfile.TemporaryDirectory() as folder:
        compiling, cached = (alone(options, 16, 1, folder)[0] for _ in range(2))
        _, first, last = alone(options, options.batch, 20, folder)
    print(f"\ncold start to the end of the first step: {compiling:.1f} s compiling, {cached:.1f} s from the cache")
    print(f"peak memory of a process that only trains, batch {options.batch}: {first:,.0f} MiB after the first step, "
          f"{last:,.0f} MiB after 20")
    return {"compiling": compiling, "cached": cached, "peak MiB": [first, last]}
