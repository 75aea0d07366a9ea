"""How a command ends on Ctrl-C and SIGTERM: by an exception, but not where that would be lost or do harm."""

import signal
import threading
from contextlib import contextmanager
from functools import partial

_postponed = None  # within `signals_wait`: a list of what signals will raise


class Terminated(BaseException):
    """SIGTERM, on its way up through whatever has to be put in order."""


def end_on_signals():
    """End the command by Terminated on SIGTERM and by KeyboardInterrupt on SIGINT, unless that is ignored already."""
    signal.signal(signal.SIGTERM, partial(_end, Terminated))
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, partial(_end, KeyboardInterrupt))


@contextmanager
def signals_wait():
    """Context that a signal does not end in the middle, but when it is left."""
    global _postponed
    _postponed = []
    try:
        yield
    finally:
        waiting, _postponed = _postponed, None
        if waiting:
            raise waiting[0]


def _end(exception, number, frame):
    """Raise the exception, as the handler of a signal, or where that would do harm a little later."""
    if _postponed is not None:
        _postponed.append(exception)
    elif _in_llvm(frame):
        again = threading.Timer(0.05, _send, [number])
        again.daemon = True
        again.start()
    else:
        raise exception


def _in_llvm(frame):
    """Whether a frame, or one that called it, is of the compiler's LLVM: that calls back, and exceptions are lost there."""
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("llvmlite"):
            return True
        frame = frame.f_back
    return False


def _send(number):
    """Send this process a signal that also wakes its main thread, where the system can."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, number)
    else:
        signal.raise_signal(number)
