import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from data_tools import download
from data_tools.download import ATTEMPTS, fetch
from data_tools.errors import DataError
from data_tools.locking import lock

BODY = bytes(range(256)) * 2000  # 512,000 bytes
MD5 = hashlib.md5(BODY).hexdigest()
LONGEST = 1 << 20


class Server(http.server.ThreadingHTTPServer):
    """Serves BODY on 127.0.0.1; `faults` says what goes wrong with the first, second ... request."""
    daemon_threads = True

    def __init__(self, faults=(), ranges=True, body=BODY):
        super().__init__(("127.0.0.1", 0), Handler)
        self.faults, self.ranges, self.body = list(faults), ranges, body
        self.asked = []  # the Range header of every request
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/file"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, asked = self.server, self.headers["Range"]
        server.asked.append(asked)
        fault = server.faults.pop(0) if server.faults else None
        if isinstance(fault, int):
            self.send_error(fault)
            return
        start = int(asked[len("bytes="):-1]) if asked and server.ranges else 0
        if start >= len(server.body):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            shown = start + (fault == "another range")
            self.send_header("Content-Range", f"bytes {shown}-{len(server.body) - 1}/{len(server.body)}")
        if fault != "no length":
            self.send_header("Content-Length", str(10 ** 9 if fault == "huge" else len(server.body) - start))
        self.end_headers()
        rest = server.body[start:]
        if fault in ("break", "no length"):
            self.wfile.write(rest[:len(rest) // 2])
        elif fault == "slow":
            for position in range(0, len(rest), 1 << 14):
                self.wfile.write(rest[position:position + (1 << 14)])
                time.sleep(0.05)
        elif fault != "huge":
            self.wfile.write(rest)

    def log_message(self, *_):
        """Silence."""


@pytest.fixture
def serve():
    servers = []

    def start(*arguments, **options):
        servers.append(Server(*arguments, **options))
        return servers[-1]
    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def get(server, path, md5=MD5):
    fetch(server.address, path, md5, LONGEST, first_pause_s=0.001)


def test_a_file_arrives_whole_and_leaves_no_partial(serve, tmp_path, capsys):
    server = serve()
    get(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert "0.5 MB of 0.5 MB" in capsys.readouterr().err


def test_a_complete_file_is_not_asked_for_again(serve, tmp_path):
    server = serve()
    (tmp_path / "file").write_bytes(BODY)
    get(server, tmp_path / "file")
    assert server.asked == []


def test_a_complete_partial_only_gets_its_name(serve, tmp_path):
    server = serve()
    (tmp_path / "file.partial").write_bytes(BODY)
    get(server, tmp_path / "file")
    assert server.asked == [] and (tmp_path / "file").read_bytes() == BODY


def test_a_broken_transfer_is_resumed_by_ranges(serve, tmp_path):
    server = serve(["break", "break"])
    get(server, tmp_path / "file")
    assert server.asked == [None, "bytes=256000-", "bytes=384000-"]
    assert (tmp_path / "file").read_bytes() == BODY


def test_a_server_without_ranges_starts_over(serve, tmp_path):
    server = serve(["break"], ranges=False)
    get(server, tmp_path / "file")
    assert server.asked == [None, "bytes=256000-"]
    assert (tmp_path / "file").read_bytes() == BODY


def test_a_download_that_was_killed_is_continued(serve, tmp_path):
    server = serve(["slow"])
    script = "import sys; from data_tools.download import fetch; fetch(*sys.argv[1:4], 1 << 20)"
    process = subprocess.Popen([sys.executable, "-c", script, server.address, str(tmp_path / "file"), MD5])
    deadline = time.monotonic() + 30
    while not ((tmp_path / "file.partial").exists() and (tmp_path / "file.partial").stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    have = (tmp_path / "file.partial").stat().st_size
    assert 0 < have < len(BODY)
    get(server, tmp_path / "file")
    assert server.asked == [None, f"bytes={have}-"]
    assert (tmp_path / "file").read_bytes() == BODY


def test_two_programs_do_not_write_into_one_file(serve, tmp_path):
    server, partial = serve(), tmp_path / "file.partial"
    partial.write_bytes(BODY[:100])
    other = lock(partial)
    with pytest.raises(DataError, match="file.partial is being written by another download"):
        get(server, tmp_path / "file")
    assert server.asked == [] and partial.read_bytes() == BODY[:100]
    os.close(other)
    get(server, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY


def test_an_empty_file_that_another_download_has_begun_since_is_left(tmp_path):
    partial = tmp_path / "file.partial"
    with download._own(partial):
        partial.rename(tmp_path / "file")
        partial.touch()
    assert partial.exists()


@pytest.mark.parametrize("busy", [408, 429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(serve, tmp_path, busy):
    server = serve([busy, busy])
    get(server, tmp_path / "file")
    assert len(server.asked) == 3


@pytest.mark.parametrize("refusal", [400, 401, 403, 404, 410])
def test_a_refusal_is_not_repeated(serve, tmp_path, refusal):
    server = serve([refusal])
    with pytest.raises(DataError, match=str(refusal)):
        get(server, tmp_path / "file")
    assert len(server.asked) == 1 and list(tmp_path.iterdir()) == []


def test_a_wrong_file_is_refused_and_removed(serve, tmp_path):
    server = serve(body=BODY[::-1])
    with pytest.raises(DataError, match=f"the md5 is .* where {MD5} belongs"):
        get(server, tmp_path / "file")
    assert len(server.asked) == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stale", [b"x" * 1000, b"x" * len(BODY), b"x" * (len(BODY) + 7)],
                         ids=["shorter", "as long", "longer"])
def test_a_beginning_of_another_file_is_thrown_away(serve, tmp_path, stale):
    server = serve()
    (tmp_path / "file.partial").write_bytes(stale)
    get(server, tmp_path / "file")
    assert server.asked == [f"bytes={len(stale)}-", None]
    assert (tmp_path / "file").read_bytes() == BODY


def test_requests_are_bounded_and_what_came_is_kept(serve, tmp_path):
    server = serve(["break"] * 50)
    with pytest.raises(DataError, match="given up after .* run the command again to continue"):
        get(server, tmp_path / "file")
    assert len(server.asked) == ATTEMPTS
    assert 0 < (tmp_path / "file.partial").stat().st_size < len(BODY)


def test_progress_makes_up_for_failures(serve, tmp_path):
    body = BODY * 40  # 20 MB
    server = serve(["break"] * 4 + [503] * 5 + ["break"] + [503] * 3, body=body)
    with pytest.raises(DataError, match="given up"):
        fetch(server.address, tmp_path / "file", "0" * 32, 1 << 25, first_pause_s=0.001)
    fetch(server.address, tmp_path / "file", hashlib.md5(body).hexdigest(), 1 << 25, first_pause_s=0.001)
    assert len(server.asked) > ATTEMPTS


def test_an_unreachable_server_is_given_up(tmp_path):
    with pytest.raises(DataError, match="no connection to the server"):
        fetch("http://127.0.0.1:9/file", tmp_path / "file", MD5, LONGEST, first_pause_s=0.001)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault, reason", [
    ("huge", "1000000000 bytes are announced"), ("no length", "the md5 is"), ("another range", "another range")])
def test_a_server_that_misleads_is_refused(serve, tmp_path, fault, reason):
    server = serve([fault])
    if fault == "another range":
        (tmp_path / "file.partial").write_bytes(BODY[:100])
    with pytest.raises(DataError, match=reason):
        get(server, tmp_path / "file")


def test_an_endless_body_is_cut(serve, tmp_path):
    server = serve(body=BODY * 10)
    server.faults = ["no length"]
    with pytest.raises(DataError, match="more than the expected"):
        get(server, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
