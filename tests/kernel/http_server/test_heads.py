"""Heads of requests, one fault at a time."""

import pytest

from app.kernel.http_server.heads import fields_fault, target_fault
from app.kernel.http_server.limits import ArrivalLimits

HOST = (b"host", b"spyne.test:8080")
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize("host", [b"a", b"a:1", b"127.0.0.1:8080", b"[::1]:8080", b"[::1]", b"x_y.test.", b"", b"a:"])
def test_hosts(host: bytes) -> None:
    assert fields_fault("1.1", [(b"host", host)]) is None


@pytest.mark.parametrize("host", [b"a b", b"a/b", b"a@b", b"a,b:1:2", b"a:b", b"[::1", b"\xe9", b"a\tb", b"a:123456"])
def test_no_hosts(host: bytes) -> None:
    assert fields_fault("1.1", [(b"host", host)]) is not None


@pytest.mark.parametrize(
    ("version", "target", "fields", "sound"),
    [
        ("1.1", b"/a?b", [HOST], True),
        ("1.1", b"/a", [HOST, CHUNKED], True),
        ("1.1", b"/a", [HOST, (b"transfer-encoding", b"Chunked")], True),
        ("1.1", b"/a", [HOST, CHUNKED, CHUNKED], False),
        ("1.1", b"/a", [HOST, (b"transfer-encoding", b"gzip, chunked")], False),
        ("1.0", b"/a", [HOST, CHUNKED], False),
        ("1.0", b"/a", [], True),
        ("1.1", b"/a", [], False),
        ("1.1", b"/a", [HOST, HOST], False),
        ("1.0", b"/a", [HOST, HOST], False),
        ("0.9", b"/a", [HOST], False),
        ("2.0", b"/a", [HOST], False),
        ("1.1", b"*", [HOST], False),
        ("1.1", b"http://spyne.test/", [HOST], False),
        ("1.1", b"/a#b", [HOST], False),
        ("1.1", b"", [HOST], False),
    ],
)
def test_heads(version: str, target: bytes, fields: list[tuple[bytes, bytes]], *, sound: bool) -> None:
    assert ((fields_fault(version, fields) or target_fault(target)) is None) is sound


@pytest.mark.parametrize(
    ("due", "now", "progress", "expected"),
    [
        (8.0, 0.0, 0, 8.0),
        (8.0, 1.0, 500, 9.0),  # a byte is worth 1/500 s
        (8.0, 1.0, 1_000_000, 31.0),  # and the patience is the most
        (31.0, 1.0, 500, 31.0),
        (31.0, 2.0, 500, 32.0),
        (40.0, 2.0, 500, 40.0),  # what was had is not taken away
    ],
)
def test_progress_prolongs(due: float, now: float, progress: float, expected: float) -> None:
    assert ArrivalLimits().prolonged(due, now, progress) == expected
