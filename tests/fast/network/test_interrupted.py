"""A pass that is interrupted leaves nothing behind that spoils the next one: threads that go on write into shared buffers."""

import os
import subprocess
import sys

SCRIPT = """
import _thread
import threading
import time

import numba
import numpy as np

import refpcm

network = refpcm.build("joshi2020-resnet32")
parameters, engine = refpcm.initial_parameters(network, seed=0), refpcm.make_engine(network)
first, second = np.random.default_rng(0).standard_normal((2, 64, 3, 32, 32)).astype(np.float32)
numba.set_num_threads(4)  # starts threads that the next passes leave idle
engine.forward(parameters, first)
wanted, interrupted, wrong = engine.forward(parameters, second), 0, 0
numba.set_num_threads(2)
for i in range(20):
    try:
        threading.Timer(0.001 + 0.001 * i, _thread.interrupt_main).start()
        engine.forward(parameters, first)
        time.sleep(1)
    except KeyboardInterrupt:
        interrupted += 1
    wrong += not np.array_equal(engine.forward(parameters, second), wanted)
print(interrupted, wrong)
"""


def test_the_pass_after_an_interrupted_one_has_its_bits():
    done = subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, "NUMBA_NUM_THREADS": "4"}, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["20", "0"]
