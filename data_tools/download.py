"""Download a file over HTTP: resumed where it broke off, retried, checked."""

import contextlib
import hashlib
import http.client
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from data_tools import commands
from data_tools.errors import DataError
from data_tools.locking import lock
from data_tools.renaming import into_place

TIMEOUT_S = 30.0
ATTEMPTS = 6  # failures in a row before a call gives up
STEP = 1 << 20  # bytes; so much progress makes up for earlier failures
FIRST_PAUSE_S = 1.0  # before the second request; doubles each time
PIECE = 1 << 16  # bytes read at a time
BUSY = (408, 429, 500, 502, 503, 504)  # answers worth another try


class _TryAgain(Exception):
    """A request that failed in a way that another one may not."""


def fetch(address, path, md5, longest, first_pause_s=FIRST_PAUSE_S):
    """Download `address` to `path`; its bytes have the given md5, or the call fails.

    What has arrived is kept in `path`.partial, and the next request, also of a later call, asks for the rest by an
    HTTP Range; a server that does not know ranges starts over. Gives up after ATTEMPTS failures without STEP new
    bytes between them; nothing longer than `longest` bytes is taken. A complete `path` is left alone.
    Raises DataError, also if another program downloads to `path`, and OSError for the local disk.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    for complete in (path, partial):
        if complete.exists() and not complete.is_file():
            raise DataError(f"{complete} is not a regular file; remove it and run the command again")
    with _own(partial):
        for complete in (path, partial):
            if complete.exists() and _md5_of(complete) == md5:
                into_place(complete, path)
                return
        _fetch(address, path, partial, md5, longest, first_pause_s)


@contextlib.contextmanager
def _own(partial):
    """Context in which the file `partial` is this program's; it is removed if it is left empty. Raises DataError."""
    with open(partial, "ab"):
        pass
    try:
        descriptor = lock(partial)
    except BlockingIOError:
        raise DataError(f"{partial} is being written by another download; wait until that ends, then run the command "
                        "again") from None
    try:
        yield
    finally:
        if not _size(partial) and _still_named(descriptor, partial):
            partial.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


def _still_named(descriptor, path):
    """Whether the open file still has this name: once it is renamed, another download may begin a file of this name."""
    return descriptor is None or path.exists() and os.path.samestat(os.fstat(descriptor), path.stat())


def _fetch(address, path, partial, md5, longest, first_pause_s):
    """Download to `partial`, which becomes `path`; see `fetch`."""
    failures = furthest = 0
    while True:
        began_at = _size(partial)
        try:
            _request(address, partial, began_at, longest)
        except _TryAgain as failure:
            reason = str(failure)
        else:
            found = _md5_of(partial)
            if found == md5:
                into_place(partial, path)
                return
            os.truncate(partial, 0)  # not removed: the lock is on this file
            reason = f"the md5 is {found} where {md5} belongs"
            if began_at == 0:  # not the fault of an old beginning
                raise DataError(f"{address}: {reason}; the file there is another one, or was changed on its way")
        if _size(partial) >= furthest + STEP:
            failures, furthest = 0, _size(partial)
        failures += 1
        if failures == ATTEMPTS:
            raise DataError(f"{address}: given up after {ATTEMPTS} failures in a row ({reason}); "
                            "run the command again to continue")
        pause_s = first_pause_s * 2 ** (failures - 1)
        commands.note(f"{reason}; again in {pause_s:g} s")
        time.sleep(pause_s)


def _request(address, partial, have, longest):
    """One request for the bytes from `have` on, appended to `partial`. Raises _TryAgain or DataError."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=TIMEOUT_S)
    except urllib.error.HTTPError as failure:
        failure.close()
        if failure.code == 416:  # the old beginning is as long as the file, or longer
            os.truncate(partial, 0)
            raise _TryAgain(f"the server has fewer than the {have} bytes that are here; starting over") from None
        if failure.code in BUSY:
            raise _TryAgain(f"the server answers {failure.code} {failure.reason}") from None
        raise DataError(f"{address}: the server answers {failure.code} {failure.reason}") from None
    except (OSError, http.client.HTTPException) as failure:
        reason = getattr(failure, "reason", failure)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise DataError(f"{address}: the server cannot prove who it is ({reason})") from None
        raise _TryAgain(f"no connection to the server ({reason})") from None
    with answer:
        resumed = answer.status == 206
        if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise DataError(f"{address}: the server sends another range than the one asked for")
        have = have if resumed else 0
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if re.fullmatch("[0-9]{1,18}", length) else None
        if (total or 0) > longest:
            raise DataError(f"{address}: {total} bytes are announced where at most {longest} are expected")
        with open(partial, "ab" if resumed else "wb") as file:
            _copy(answer, file, have, total, longest)
            file.flush()
            os.fsync(file.fileno())


def _copy(answer, file, have, total, longest):
    """Append the answer's body to `file`. Raises _TryAgain if it breaks off."""
    progress = _Progress(have, total)
    while True:
        try:
            piece = answer.read(PIECE)
        except (OSError, http.client.HTTPException) as failure:
            raise _TryAgain(f"the connection broke after {have} bytes ({failure or type(failure).__name__})") from None
        if not piece:
            break
        file.write(piece)
        have += len(piece)
        progress.show(have)
        if have > longest:
            file.truncate(0)
            raise DataError(f"{answer.url}: more than the expected {longest} bytes")
    if total is not None and have < total:
        raise _TryAgain(f"the connection broke after {have} of {total} bytes")


class _Progress:
    """A line on stderr: rewritten twice a second on a terminal, otherwise a new one every ten seconds."""

    def __init__(self, have, total):
        self.total, self.began_at = total, have
        self.terminal = sys.stderr.isatty()
        self.started = self.shown = time.monotonic()

    def show(self, have):
        now = time.monotonic()
        done = have == self.total
        if now - self.shown < (0.5 if self.terminal else 10.0) and not done:
            return
        self.shown = now
        rate = (have - self.began_at) / max(now - self.started, 1e-3)
        text = f"{have / 1e6:.1f} MB"
        if self.total is not None:
            text += f" of {self.total / 1e6:.1f} MB, {(self.total - have) / max(rate, 1.0):.0f} s left"
        text += f", {rate / 1e6:.2f} MB/s"
        commands.note(text, "\r\x1b[K" if self.terminal else "", "\n" if done or not self.terminal else "")


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _md5_of(path):
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
