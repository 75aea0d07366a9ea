"""Signals as in a shell in front: programs that tests start and interrupt would otherwise inherit "ignored" from nohup or &."""

import signal

signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
