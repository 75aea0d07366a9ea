"""Damaged files by the thousand: `python -m tests.files.fuzzing TARGET COUNT` feeds one reader mutants and counts.

It runs in a process of its own with 1.5 GiB of memory and 30 s for each mutant, and prints one line of JSON. Every
mutant must be read, or refused by an exception that is meant for its user, with a message that any terminal can show.
"""

import json
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

MEMORY, TIME_S = 3 << 29, 30
EXTREMES = (b"\0", b"\xff", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0" * 8, b"\xff" * 7 + b"\x7f",
            b"9" * 30, b"-1", b"1e999", b"[" * 2000, b'{"a":' * 2000, b"\n", b"\x1b[2J", b"\\u001b", "\u202e".encode())


class TooSlow(BaseException):
    """A mutant took more than TIME_S."""


def mutant(content, draw):
    """`content` with one to four random changes."""
    content = bytearray(content)
    for _ in range(draw.integers(1, 5)):
        at, length = draw.integers(len(content) + 1), draw.integers(1, 40)
        kind = draw.integers(8)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << draw.integers(8)
        elif kind == 1:
            content[at:at + length] = draw.bytes(length)
        elif kind == 2:
            del content[at:at + length]
        elif kind == 3:
            content[at:at] = content[at:at + length] * draw.integers(1, 200)
        elif kind == 4:
            other = draw.integers(len(content) + 1)
            content[at:at + length] = content[other:other + length]
        elif kind == 5 and draw.integers(4) == 0:
            del content[at:]
        else:
            extreme = EXTREMES[draw.integers(len(EXTREMES))]
            content[at:at + (len(extreme) if kind == 6 else 0)] = extreme
    return bytes(content)


def run(name, count, seed=0):
    """Counter of what became of `count` mutants of a target: read, refused, and faults by their first words."""
    from tests.files.fuzzing_targets import TARGETS, expected_errors
    outcomes, draw, slowest = Counter(), np.random.default_rng([seed, len(name)]), 0.0
    signal.signal(signal.SIGALRM, _too_slow)
    with tempfile.TemporaryDirectory() as folder:
        content, put, read = TARGETS[name](Path(folder))
        put(content)
        read()  # the intact file is read
        for _ in range(count):
            put(mutant(content, draw))
            began = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, TIME_S)
            try:
                read()
                outcomes["read"] += 1
            except expected_errors() as error:
                shown = all(line.isprintable() for line in str(error).split("\n"))
                outcomes["refused" if shown and len(str(error)) < 100_000 else f"unfit to show: {str(error)[:200]!r}"] += 1
            except (Exception, TooSlow) as error:  # whatever else a damaged file has brought about
                outcomes[f"{type(error).__name__}: {error}"[:200] + traceback.format_exc()[-600:]] += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            slowest = max(slowest, time.perf_counter() - began)
    return {"outcomes": outcomes, "slowest_s": round(slowest, 2),
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}


def _too_slow(*_):
    raise TooSlow


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
