"""N18: two requests in one, ten thousand parts, ten thousand ranges."""

import contextlib
import re
import socket

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity
from tests.peers import dicomweb

HEAD = b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HIDDEN = b"GET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
SMUGGLED = {
    "length and chunks": HEAD
    + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(HIDDEN))
    + HIDDEN,
    "chunks and length": HEAD
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n%x\r\n" % len(HIDDEN)
    + HIDDEN
    + b"\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "two lengths in one": HEAD + b"Content-Length: 0, %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "a length with a sign": HEAD + b"Content-Length: +%d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a length in hexadecimal": HEAD + b"Content-Length: 0x1\r\n\r\n" + HIDDEN,
    "an encoding that is none": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "an encoding with a tab": HEAD
    + b"Transfer-Encoding:\tchunked\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN)
    + HIDDEN,
    "a folded header": HEAD + b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n" + HIDDEN,
    "a chunk of a negative size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + HIDDEN,
    "a chunk that is too long to count": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n" + HIDDEN,
    "a space before the colon": HEAD + b"Content-Length : %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a NUL in a header": HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("how", SMUGGLED)
def test_a_request_inside_of_a_request_is_no_request(siege: Siege, how: str) -> None:
    """Never two readings: what is ambiguous is refused and the connection ends, so that no proxy and we disagree."""
    with socket.create_connection(("127.0.0.1", siege.server.http_port), timeout=20) as wire:
        wire.sendall(SMUGGLED[how])
        told = b""
        with contextlib.suppress(ConnectionError):
            while piece := wire.recv(65536):
                told += piece
    assert re.findall(rb"HTTP/1\.1 (\d{3})", told) == [b"400"], told


def test_ten_thousand_parts(siege: Siege, web: httpx.Client) -> None:
    body, kind = dicomweb.multipart([b""] * 10_000)
    told = web.post(
        "/dicom-web/studies", content=body, headers={"Content-Type": kind, "Accept": "application/dicom+json"}
    )
    assert told.status_code in {400, 409, 413}, told.status_code
    assert siege.rise() < 96 * MIB


def test_ten_thousand_fields(siege: Siege, web: httpx.Client) -> None:
    body = (
        b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(10_000))
        + b"--b--\r\n"
    )
    told = web.post("/api/uploads", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert 400 <= told.status_code < 500, told.status_code
    assert siege.rise() < 64 * MIB


@pytest.mark.parametrize("form", ["overlapping", "tiny", "reversed"])
def test_ten_thousand_ranges(siege: Siege, web: httpx.Client, form: str) -> None:
    """More than one range is answered by the whole (RFC 9110 14.2 allows it); a header beyond bounds is refused."""
    who = Identity()
    hostile.store(siege.server.dicom, [(who, hostile.honest(who))])
    spans = {
        "overlapping": (f"0-{n}" for n in range(10_000)),
        "tiny": (f"{n}-{n}" for n in range(10_000)),
        "reversed": (f"{n}-0" for n in range(1, 10_000)),
    }
    text = "bytes=" + ",".join(spans[form])
    for path in (who.path, who.path + "/frames/1"):
        for asked in (text, text[:8000].rpartition(",")[0]):
            with web.stream("GET", path, headers={"Range": asked, "Accept": "*/*"}) as told:
                assert told.status_code in {200, 400, 406, 416, 431}, told.status_code
                assert len(told.read()) < 10_000
    assert siege.rise() < 64 * MIB


def test_a_hundred_thousand_headers(siege: Siege) -> None:
    with socket.create_connection(("127.0.0.1", siege.server.http_port), timeout=10) as wire:
        try:
            wire.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)))
            told = wire.recv(4096)
        except OSError:
            told = b""
    assert told == b"" or told.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))
    assert siege.rise() < 64 * MIB
