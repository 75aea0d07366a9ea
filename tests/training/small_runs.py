"""Small training runs: their options, and how to start one and kill it once it has trained."""

import os
import signal
import subprocess
import sys
import time

from refpcm.files.checkpoints import load_checkpoint

SMALL = ["--batch-size", "32", "--validation-images", "0", "--learning-rate", "0.05"]


def launch(*arguments):
    return subprocess.Popen([sys.executable, "-m", "refpcm.train", *map(str, arguments)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_for_a_step_beyond(step, checkpoint, process):
    """Returns when the run `process` has a checkpoint after that step."""
    stamp = None
    while True:
        assert process.poll() is None, "the run ended before its time"
        if checkpoint.exists() and checkpoint.stat().st_mtime_ns != stamp:
            stamp = checkpoint.stat().st_mtime_ns
            if load_checkpoint(checkpoint).step > step:
                return
        time.sleep(0.002)


def kill(process, checkpoint, step, pause_s=0.0):
    """SIGKILL `process` pause_s after it has gone beyond `step`; returns the step of the checkpoint that it leaves."""
    wait_for_a_step_beyond(step, checkpoint, process)
    time.sleep(pause_s)
    assert process.poll() is None, "the run ended before its time"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return load_checkpoint(checkpoint).step
