"""Damaged files by the thousand: `python -m tests.files.fuzzing TARGET COUNT` feeds one reader mutants and counts.

It runs in a process of its own with 1.5 GiB of memory and 30 s for each mutant, and prints one line of JSON. Every
mutant must be read, or refused by an exception that is meant for its user, with a message that any terminal can show.
`python -m tests.files.fuzzing all COUNT` does so for all targets, one after the other, and prints a table.
"""

import json
import os
import re
import resource
import signal
import subprocess
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

TOKENS = re.compile(rb'"(?:[^"\\\\]|\\\\.)*"|[\w.+-]+')  # texts, numbers and words of JSON, TOML and lists
VALUES = (b"null", b"true", b"NaN", b"0", b"-1", b"1", b"2.5", b"-0.0", b"1e308", b"1e-320", b"1e999", b"inf", b"4294967296",
          b"9" * 30, b"9" * 5000, b'""', b'"\\u001b[2J"', b'"\\ud800"', b'"x"', b'"../../x"', b'"nan"', b"[]", b"{}",
          b"[[]]", b"[0]", b'{"a": 1}', b"[" * 500 + b"]" * 500, b"")


class TooSlow(BaseException):
    """A mutant took more than TIME_S."""


def mutant(content, draw):
    """`content` with one to four random changes: of a text every other time of its values, else of its bytes."""
    if is_text(content) and draw.integers(2):
        return other_values(content, draw)
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


def is_text(content):
    """Whether the bytes are ASCII text with something to change in it."""
    return content.isascii() and b"\0" not in content and TOKENS.search(content) is not None


def other_values(content, draw):
    """A text with one to three of its numbers, texts or words replaced, by others of its own or by VALUES.

    Most of these are still JSON or TOML, so that what stands behind the parser is met.
    """
    for _ in range(draw.integers(1, 4)):
        found = list(TOKENS.finditer(content))
        if not found:
            return content
        place = found[draw.integers(len(found))]
        other = found[draw.integers(len(found))].group() if draw.integers(3) == 0 else VALUES[draw.integers(len(VALUES))]
        content = content[:place.start()] + other + content[place.end():]
    return content


def run(name, count, seed=0):
    """Counter of what became of `count` mutants of a target: read, refused, and faults by their first words."""
    from tests.files.fuzzing_all import TARGETS
    from tests.files.fuzzing_targets import expected_errors
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


def in_own_process(name, count):
    """What `run` returns, from a process of its own; and the end of its stderr if it crashed, else ""."""
    done = subprocess.run([sys.executable, "-m", "tests.files.fuzzing", name, str(count)], capture_output=True, text=True,
                          cwd=Path(__file__).parents[2], env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, timeout=3600)
    return (json.loads(done.stdout.splitlines()[-1]), "") if done.returncode == 0 else (None, done.stderr[-3000:])


def run_all(count):
    """Print a line for each target and one for all; faults in full. -> exit status."""
    from tests.files.fuzzing_all import TARGETS
    total, slowest, peak, began, faults = Counter(), 0.0, 0, time.monotonic(), []
    print(f"{'reader':<52} {'read':>6} {'refused':>8} {'faults':>7} {'slowest s':>10} {'peak MiB':>9}")
    for name in TARGETS:
        found, crash = in_own_process(name, count)
        found = found or {"outcomes": {crash: count}, "slowest_s": 0, "peak_mib": 0}
        outcomes = Counter(found["outcomes"])
        fault = {words: number for words, number in outcomes.items() if words not in ("read", "refused")}
        faults += [f"{name}: {number} x {words}" for words, number in fault.items()]
        row = {"read": outcomes["read"], "refused": outcomes["refused"], "faults": sum(fault.values())}
        total.update(row)
        slowest, peak = max(slowest, found["slowest_s"]), max(peak, found["peak_mib"])
        print(f"{name:<52} {row['read']:6} {row['refused']:8} {row['faults']:7} {found['slowest_s']:10} "
              f"{found['peak_mib']:9}", flush=True)
    print(f"{f'all {len(TARGETS)}':<52} {total['read']:6} {total['refused']:8} {total['faults']:7} {slowest:10} {peak:9}")
    print(f"{sum(total.values())} mutants in {(time.monotonic() - began) / 60:.1f} minutes")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    if sys.argv[1] == "all":
        sys.exit(run_all(int(sys.argv[2])))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
