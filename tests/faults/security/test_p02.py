"""P2: ZIP and gzip bombs, and lengths that are only said (Orthanc CVE-2026-5438, -5439, -5440)."""

import contextlib
import gzip
import io
import socket
import struct
import zipfile
import zlib

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import MIB, Identity

BOUND = 64 * MIB


def _zip(entries: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def _nested() -> bytes:
    """42.zip in small: ZIP files of ZIP files; what is in the innermost would fill a disk."""
    inner = _zip([("0.dcm", bytes(8 * MIB))])
    for _ in range(4):
        inner = _zip([(f"{n}.zip", inner) for n in range(8)])
    return inner


def _forged() -> bytes:
    """An entry of 64 MiB that says of itself, in both places, that it has a hundred bytes."""
    data = _zip([("a.dcm", bytes(64 * MIB))])
    return data.replace(struct.pack("<I", 64 * MIB), struct.pack("<I", 100))


def _overlapping() -> bytes:
    """One body of bytes under a thousand names (a "zip of the better kind")."""
    out = io.BytesIO()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packer.compress(bytes(4 * MIB)) + packer.flush()
    crc = zlib.crc32(bytes(4 * MIB))
    facts = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0, crc, len(body), 4 * MIB)
    out.write(b"PK\3\4" + facts + struct.pack("<HH", 1, 0) + b"a" + body)
    start = out.tell()
    for number in range(1000):
        name = f"{number:04d}".encode()
        out.write(b"PK\1\2\24\0" + facts + struct.pack("<HHHHHII", 4, 0, 0, 0, 0, 0, 0) + name)
    size = out.tell() - start
    out.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1000, 1000, size, start, 0))
    return out.getvalue()


@pytest.mark.parametrize("make", [_nested, _forged, _overlapping], ids=["nested", "forged sizes", "overlapping"])
def test_a_zip_bomb_gives_nothing_and_takes_nothing(siege: Siege, web: httpx.Client, make: object) -> None:
    assert callable(make)
    told = web.post("/api/uploads", files=[("file", ("bomb.zip", make()))])
    assert told.status_code == 200, told.text
    assert told.json()["stored"] == 0
    assert siege.rise() < BOUND


def test_a_body_that_says_it_is_packed_is_not_unpacked(siege: Siege, web: httpx.Client) -> None:
    """64 KiB that would be 64 MiB: no door inflates what a request brings."""
    packed = gzip.compress(b" " * (64 * MIB))
    for path in ("/api/session", "/dicom-web/studies", "/api/uploads", "/api/studies/search"):
        told = web.post(path, content=packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        assert 400 <= told.status_code < 500, (path, told.status_code)
    assert siege.rise() < BOUND


@pytest.mark.parametrize("path", ["/dicom-web/studies", "/api/uploads", "/api/session"])
def test_a_stated_length_of_a_terabyte_allocates_nothing(siege: Siege, path: str) -> None:
    server = siege.server
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            wire = stack.enter_context(socket.create_connection(("127.0.0.1", server.http_port), timeout=30))
            wire.sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\nContent-Type: application/dicom\r\n"
                f"Content-Length: {1 << 40}\r\n\r\n".encode()
            )
            assert wire.recv(64).startswith((b"HTTP/1.1 413", b"HTTP/1.1 400", b"HTTP/1.1 415"))
        assert siege.rise() < BOUND


def test_a_body_without_end(siege: Siege) -> None:
    """Chunks for as long as the door takes them; a question is never more than a megabyte."""
    chunk = b"100000\r\n" + b" " * MIB + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", siege.server.http_port), timeout=30) as wire:
        wire.sendall(
            b"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            while sent < 64:
                wire.sendall(chunk)
                sent += 1
    assert siege.rise() < BOUND


def test_a_good_object_in_a_bad_zip_still_comes_in(siege: Siege, web: httpx.Client) -> None:
    who = Identity()
    told = web.post(
        "/api/uploads",
        files=[
            (
                "file",
                ("mixed.zip", _zip([("deep.zip", _nested()), ("good.dcm", hostile.part10(hostile.honest(who), who))])),
            )
        ],
    )
    assert told.json()["stored"] == 1, told.text
    assert siege.rise() < BOUND
