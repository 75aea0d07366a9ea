"""What the commands share: options, errors in one sentence, progress, tables. Imports nothing heavy."""

import argparse
import json
import os
import shlex
import signal
import sys
import time
from contextlib import suppress

from data_tools import commands
from data_tools.foreign_text import shown_lines
from refpcm.errors import RefpcmError
from refpcm.signals import Terminated, end_on_signals


def run(main):
    """Run main() as a command: a mistake, or what the system denies, becomes one line on stderr and exit status 2."""
    make_streams_usable()
    os.environ["MPLBACKEND"] = "agg"  # no command opens a window; an unknown backend would not let matplotlib be imported
    try:
        check_environment()
        end_on_signals()
        status = main()
        sys.stdout.flush()
    except RefpcmError as error:
        status = failed(error)
    except MemoryError as error:
        status = failed(f"not enough memory ({error})")
    except KeyboardInterrupt:
        say("interrupted")
        status = 130
    except Terminated:
        say("terminated; what was finished before is kept")
        status = 128 + signal.SIGTERM
    except BrokenPipeError:  # the reader of our output has gone
        status = 1
    except OSError as error:
        status = failed(f"{error.filename or 'the output'}: {error.strerror or error}")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # keep Python from complaining at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(status)


def check_environment():
    """Raises RefpcmError for a setting of Numba under which it cannot be imported."""
    threads = os.environ.get("NUMBA_NUM_THREADS", "1")
    if not threads.isdecimal() or int(threads) < 1:
        raise RefpcmError(f"NUMBA_NUM_THREADS={threads} must be a whole number from 1 on; change or unset it")


def failed(why):
    """Say why on stderr. -> exit status 2."""
    say(f"error: {shown_lines(str(why))}")
    return 2


def say(text, end="\n"):
    """Write to stderr, so that stdout has results only. A log that cannot be written does not end the work."""
    with suppress(OSError):
        print(text, end=end, file=sys.stderr, flush=True)


def make_streams_usable():
    """Streams that the caller has closed become the null device; characters they cannot show become escapes."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))
        else:
            getattr(sys, name).reconfigure(errors="backslashreplace")


class Help(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of a description, shows defaults that are not None."""

    def _get_help_string(self, action):
        return action.help if action.default is None or action.default is False else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """Reports a wrong option as every other mistake, in one sentence and without the usage lines."""

    def error(self, message):
        """Raises RefpcmError."""
        raise RefpcmError(f"{message} (see {self.prog} --help)")


def parser(command, description, epilog=None):
    """Return the parser for `python -m command`."""
    return Parser(prog=f"python -m {command}", description=description, epilog=epilog,
                  formatter_class=Help, allow_abbrev=False)


MOST_THREADS = 8  # groups of 16 images in a batch of 128


def add_threads(arguments):
    """The option --threads."""
    arguments.add_argument("--threads", type=int, metavar="N",
                           help=f"CPU threads (default: all cores, {MOST_THREADS} at most, the groups of a batch of 128)")


def cores():
    """Return how many threads this machine, or NUMBA_NUM_THREADS, allows."""
    import numba
    return numba.config.NUMBA_NUM_THREADS


def set_threads(count):
    """Use `count` threads from now on; None: all, MOST_THREADS at most. Raises RefpcmError if the machine has fewer."""
    import numba
    most = cores()
    if count is None:
        count = min(most, MOST_THREADS)
    if not 1 <= count <= most:
        raise RefpcmError(f"--threads {count}: this machine offers 1 to {most}")
    numba.config.THREADING_LAYER = "workqueue"  # which is always there; only the number is used (refpcm.fast.threads)
    numba.set_num_threads(count)


name = commands.name  # a file's or folder's name, not empty. For argparse's type=.

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text):
    """Seconds from '90s', '45m', '1.5h', '2d'; a bare number is seconds. For argparse's type=."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in UNITS else (text, "s")
    try:
        seconds = float(number) * UNITS[unit]
    except ValueError:
        seconds = -1
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 45m or 1.5h")
    return seconds


def number_or_none(text):
    """A number, or None for 'none'. For argparse's type=."""
    try:
        return None if text == "none" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor none") from None


def quoted(path):
    """A path as a word of a command line that the user may copy, on Windows too."""
    if os.name != "nt":
        return shlex.quote(str(path))
    return f'"{path}"' if " " in str(path) else str(path)


def clock(seconds):
    """'1:02:03' or '2:03'."""
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress:
    """Rate and time left on stderr: a line rewritten in place on a terminal, from the first step on, else every 30 seconds.

    total: number of steps; what: the line's first words; scale, unit, decimals: the rate is shown as `scale` units for
    each step; done: steps made before, which do not count for the rate.
    """

    def __init__(self, total, what, scale=1, unit="it", done=0, decimals=0):
        self.total, self.what, self.scale, self.unit, self.decimals = total, what, scale, unit, decimals
        self.terminal = sys.stderr.isatty()
        self.began = time.monotonic()
        self.shown = float("-inf") if self.terminal else self.began
        self.first = done

    def update(self, done, note=""):
        """Say that `done` steps of all are made; `note` ends the line."""
        now = time.monotonic()
        if now - self.shown < (0.2 if self.terminal else 30):
            return
        self.shown = now
        rate = (done - self.first) / (now - self.began) if now > self.began else 0.0
        left = clock((self.total - done) / rate) if rate else "?"
        speed = f"{rate * self.scale:.{self.decimals}f} {self.unit}/s"
        text = f"{self.what} {done}/{self.total}  {speed}  {left} left  {note}"
        line, end = (f"\r{text:<100}", "") if self.terminal else (text, "\n")
        say(line, end)

    def clear(self):
        """Wipe the line off the terminal."""
        if self.terminal:
            say("\r" + " " * 100 + "\r", end="")


class Meter:
    """Progress over steps of which the number is known with the first call."""

    def __init__(self, what, unit=None):
        """what: the line's first words; unit: what is counted, in the plural; left out: `what` with an s."""
        self.what, self.unit, self.progress = what, unit or f"{what}s", None

    def update(self, done, total):
        """Say that `done` steps of `total` are finished."""
        self.progress = self.progress or Progress(total, self.what, unit=self.unit, done=done, decimals=2)
        self.progress.update(done)

    def clear(self):
        """Wipe the line off the terminal."""
        if self.progress:
            self.progress.clear()


def range_meter():
    """Return the Meter over the images that set the ranges of converters."""
    return Meter("ranges of the converters: image", "images")


def table(rows):
    """Rows of (label, value) as aligned text."""
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {shown_lines(str(value))}" for label, value in rows)


def aligned(lines):
    """Lines of equally many cells, all str, as text in left-aligned columns."""
    lines = [[shown_lines(cell) for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in lines)


def per_cent(share):
    """A share as per cent of two decimals, without the sign; "-" for None."""
    return "-" if share is None else f"{100 * share:.2f}"


def counted(number, word):
    """Return a number with its word, in the plural unless the number is 1: "1 chip", "2 chips"."""
    return f"{number} {word}" + "s" * (number != 1)


def print_json(value):
    """`value` on stdout as indented JSON."""
    print(json.dumps(value, indent=2))


def sources_digest():
    """The first 16 digits of a SHA-256 of refpcm's modules: tells states of the code between two releases apart."""
    import hashlib
    from pathlib import Path
    root, digest = Path(__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def versions():
    """Versions a result depends on."""
    import platform

    import numba
    import numpy
    import scipy

    import refpcm
    return {"refpcm": refpcm.__version__, "sources": sources_digest(), "python": platform.python_version(),
            "numpy": numpy.__version__, "numba": numba.__version__, "scipy": scipy.__version__,
            "machine": platform.machine()}
