"""Frames on the wire: whole, in order, whatever the client does with its connection; colours when they are transcoded (trap 12)."""

import io
import socket
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from tests import data, phantoms
from tests.peers.dicomweb import parts_of, stow
from tests.peers.heliograph import Server
from tests.phantoms import Shape

SHAPE = Shape(6, rows=700, columns=500, seed=733, patient="DF-1")
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture(scope="module")
def frames(server: Server) -> list[bytes]:
    """The pixel bytes of each instance, stored."""
    files = phantoms.slices(SHAPE)
    with server.client() as web:
        assert stow(web, files).status_code == 200
    return [dcmread(io.BytesIO(one)).PixelData for one in files]


def request(server: Server, number: int, *lines: str) -> bytes:
    path = f"/dicom-web/studies/{SHAPE.study_uid}/series/{SHAPE.series_uid}/instances/{SHAPE.sop_uid(number)}/frames/1"
    head = [f"GET {path} HTTP/1.1", "Host: x", "Accept: application/octet-stream", *lines]
    head += [f"{key}: {value}" for key, value in server.headers.items()]
    return ("\r\n".join(head) + "\r\n\r\n").encode()


def connect(server: Server) -> socket.socket:
    where = urlsplit(server.http)
    assert where.hostname is not None
    return socket.create_connection((where.hostname, where.port or 80), timeout=120)


def answer(wire: socket.socket, rest: bytes = b"") -> tuple[bytes, bytes, bytes]:
    """Head, body, and what came after it."""
    got = bytearray(rest)
    while b"\r\n\r\n" not in got:
        got += wire.recv(65536) or pytest.fail("closed inside the head")
    head, _, body = bytes(got).partition(b"\r\n\r\n")
    length = next(int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
    whole = bytearray(body)
    while len(whole) < length:
        whole += wire.recv(65536) or pytest.fail(f"closed after {len(whole)} of {length} bytes")
    return head, bytes(whole[:length]), bytes(whole[length:])


def test_frames_asked_for_in_one_breath_come_in_order(server: Server, frames: list[bytes]) -> None:
    with connect(server) as wire:
        wire.sendall(b"".join(request(server, number) for number in (1, 4, 2, 6)))
        rest = b""
        for number in (1, 4, 2, 6):
            head, body, rest = answer(wire, rest)
            assert head.startswith(b"HTTP/1.1 200")
            assert body == frames[number - 1]


def test_a_slow_reader_gets_every_byte_while_others_are_served(server: Server, frames: list[bytes]) -> None:
    with connect(server) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(request(server, 3))
        time.sleep(0.3)
        with connect(server) as quick:
            for number in (1, 2, 3, 4, 5, 6):
                quick.sendall(request(server, number))
                assert answer(quick)[1] == frames[number - 1]
        assert answer(slow)[1] == frames[2]


def test_a_client_that_leaves_in_the_middle_harms_nobody(server: Server, frames: list[bytes]) -> None:
    for _ in range(10):
        with connect(server) as wire:
            wire.sendall(request(server, 5))
            wire.recv(1000)
    with connect(server) as wire:
        wire.sendall(request(server, 5))
        assert answer(wire)[1] == frames[4]


def test_the_connection_is_closed_when_the_client_says_so(server: Server, frames: list[bytes]) -> None:
    with connect(server) as wire:
        wire.sendall(request(server, 2, "Connection: close"))
        _, body, rest = answer(wire)
        assert body == frames[1]
        assert rest == b""
        assert wire.recv(10) == b""


@pytest.mark.parametrize(
    "name",
    [
        "us/acuson_echo_65f.dcm",
        "pattern/TestPattern_JPEG-Baseline_YBR422.dcm",
        "pattern/TestPattern_JPEG-Baseline_YBRFull.dcm",
    ],
)
def test_trap_12_uncompressed_colour_frames_are_as_the_metadata_says(server: Server, name: str) -> None:
    """A lossy YBR JPEG asked for uncompressed: read with the object's own metadata it is the picture that the JPEG holds (PS3.3 C.7.6.3.1.2)."""
    data.require()
    sample = next(one for one in data.all_dicom() if one.name.endswith(name))
    original = dcmread(io.BytesIO(sample.read()))
    assert original.PhotometricInterpretation.startswith("YBR_FULL")
    with server.client() as web:
        assert stow(web, [sample.read()]).status_code == 200
        address = f"/dicom-web/studies/{original.StudyInstanceUID}/series/{original.SeriesInstanceUID}/instances/{original.SOPInstanceUID}"
        accept = f"multipart/related; type=application/octet-stream; transfer-syntax={EXPLICIT}"
        got = web.get(f"{address}/frames/1", headers={"Accept": accept}).raise_for_status()
        told = web.get(f"{address}/metadata", headers={"Accept": "application/dicom+json"}).raise_for_status().json()[0]
    ((headers, body),) = parts_of(got)
    assert headers["content-type"] == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    read = Dataset.from_json(told, bulk_data_uri_handler=lambda *_: None)
    read.file_meta = FileMetaDataset()
    read.file_meta.TransferSyntaxUID = UID(EXPLICIT)
    read.NumberOfFrames, read.PixelData = 1, body
    assert read.PhotometricInterpretation == original.PhotometricInterpretation, "metadata describes the stored object"
    sent = pixel_array(read)
    stored = next(generate_frames(original.PixelData, number_of_frames=int(original.get("NumberOfFrames") or 1)))
    picture = np.asarray(Image.open(io.BytesIO(stored)).convert("RGB"))
    assert np.abs(sent.astype(int) - picture.astype(int)).mean() < 2.0
