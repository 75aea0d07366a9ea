"""The log of a run, as a resumed run finds it."""

import errno
import json
import os

import pytest

from refpcm.errors import RefpcmError
from refpcm.training import metrics
from refpcm.training.metrics import append_record, keep_records


def test_lines_beyond_the_checkpoint_and_damaged_ones_are_dropped_and_no_others(tmp_path):
    log = tmp_path / "metrics.jsonl"
    good = [b'{"step": 10}\n', b'{"step": 20}\n', b'{"step": 30}\n']
    bad = [b"5\n", b"{}\n", b'{"step": "x"}\n', b'{"step": null}\n', b"\xff\xfe\n", b"[" * 99999 + b"\n", b'{"step": 3']
    log.write_bytes(b"".join([good[0], *bad[:3], good[1], *bad[3:6], good[2], bad[6]]))
    keep_records(log, 20)
    assert log.read_bytes() == good[0] + good[1]
    append_record(log, {"step": 30})
    assert log.read_bytes() == b"".join(good)


def test_a_log_may_be_longer_than_other_texts(tmp_path):
    log = tmp_path / "metrics.jsonl"
    log.write_text((json.dumps({"step": 1, "padding": "x" * 1000}) + "\n") * 17000)
    keep_records(log, 1)
    assert log.stat().st_size > 17_000_000


def test_a_disk_that_is_full_is_said(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(metrics, "open", full, raising=False)
    with pytest.raises(RefpcmError) as error:
        append_record(tmp_path / "metrics.jsonl", {"step": 1})
    assert str(error.value) == (f"cannot write {tmp_path / 'metrics.jsonl'}: {os.strerror(errno.ENOSPC)}; make room, then resume "
                                "the run")


def test_a_log_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(RefpcmError, match="cannot read .*metrics.jsonl"):
        (tmp_path / "metrics.jsonl").mkdir()
        keep_records(tmp_path / "metrics.jsonl", 0)
