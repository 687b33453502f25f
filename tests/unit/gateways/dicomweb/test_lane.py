"""The lane for frames on a real socket: what takes it, what does not, and that nobody can tell by the answer."""

import asyncio
import contextlib
import functools
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
import uvicorn

from heliograph.engine.blobs.segments import SegmentStore
from heliograph.features.access import Actor
from heliograph.gateways.dicomweb.frames import Frames
from heliograph.gateways.dicomweb.lane import FrameLane, lane
from heliograph.gateways.dicomweb.locate import Located, Locator
from heliograph.gateways.dicomweb.page_cache import CachedRanges
from heliograph.gateways.http.connection import BODY_S, Connection
from heliograph.gateways.http.volume import Volumes
from heliograph.kit.settings import Settings
from heliograph.services import Services
from heliograph.standards.dicom.header import scan
from tests import phantoms
from tests.phantoms import Shape

SHAPE = Shape(5, rows=600, columns=500, seed=91, patient="LANE")
FRAME_BYTES = 600 * 500 * 2
TOKEN = b"\nBearer one"
FOREVER = 1e12


class House(NamedTuple):
    """A served archive of one series; every actor, row and frame table is remembered for ever."""

    port: int
    frames: Frames
    store: SegmentStore
    pixels: list[bytes]
    protocol: type[FrameLane]
    server: uvicorn.Server
    loop: asyncio.AbstractEventLoop

    def watch(self, later_s: float) -> None:
        """Looks at every connection as the door's watch would after so many seconds."""

        async def look() -> None:
            for one in list(self.server.server_state.connections):
                assert isinstance(one, Connection)
                one.end_if_silent(self.loop.time() + later_s)

        asyncio.run_coroutine_threadsafe(look(), self.loop).result(120)


class Answered(NamedTuple):
    status: int
    headers: dict[bytes, bytes]
    body: bytes
    rest: bytes

    @property
    def by_road(self) -> bool:
        return b"x-road" in self.headers


class _Server(uvicorn.Server):
    loop: asyncio.AbstractEventLoop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def install_signal_handlers(self) -> None:
        """Runs in a thread."""


@functools.cache
def _files() -> list[bytes]:
    return list(phantoms.slices(SHAPE))


def _filled(store: SegmentStore) -> tuple[Frames, list[bytes]]:
    services = cast("Services", SimpleNamespace(blobs=store, settings=Settings(), database=None))
    locator = Locator(services)
    nobody = cast("Any", None)
    frames = Frames(services, nobody, locator, nobody, CachedRanges(store), Volumes(services, nobody))
    actor = Actor("user", "1", "reader", 1, frozenset())
    frames._actors[TOKEN] = (FOREVER, actor, None)
    pixels = []
    with_writer = store.writer()
    for number, data in enumerate(_files(), 1):
        header = scan(data)
        assert header.pixel_offset is not None
        pixels.append(data[header.pixel_offset : header.pixel_offset + FRAME_BYTES])
        with_writer.begin()
        with_writer.write(data)
        ref = with_writer.finish(b"").ref
        with_writer.sync()
        with_writer.keep()
        found = Located(
            1, SHAPE.study_uid, 1, SHAPE.series_uid, number, SHAPE.sop_uid(number), header.text("SOPClassUID"),
            header.transfer_syntax, ref, len(data), header.prefix_bytes, header.header_bytes, f"{number:032x}" * 2,
        )  # fmt: skip
        locator._rows["user", "1", SHAPE.study_uid, SHAPE.series_uid, SHAPE.sop_uid(number)] = (FOREVER, found)
        locator.pixels(found)
    with_writer.close()
    return frames, pixels


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with _served(tmp_path) as made:
        yield made


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[House]:
    """A house whose sockets take a tenth of a frame at a time. Whether a request finds the last answer sent is then a matter of luck."""
    with _served(tmp_path, room=1 << 16) as made:
        yield made


@contextlib.contextmanager
def _served(tmp_path: Path, *, room: int = 0) -> Iterator[House]:
    store = SegmentStore(tmp_path / "blobs")
    frames, pixels = _filled(store)

    async def road(scope: Any, receive: Any, send: Any) -> None:
        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-road", b"1")]
            await send(message)

        words = scope["path"].split("/")[2:]
        if scope["method"] == "GET" and len(words) == 8:
            await frames(scope, marked, words)
            return
        while (await receive()).get("more_body"):
            pass
        await marked({"type": "http.response.start", "status": 405, "headers": [(b"content-length", b"0")]})
        await marked({"type": "http.response.body", "body": b""})

    protocol = lane(frames)
    config = uvicorn.Config(
        road, http=protocol, loop="uvloop", lifespan="off", log_config=None, access_log=False, server_header=False
    )
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if room:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield House(listener.getsockname()[1], frames, store, pixels, protocol, server, server.loop)
        server.should_exit = True
        thread.join(120)
    store.close()
    assert not thread.is_alive()


def parts(number: int) -> list[str]:
    return ["studies", SHAPE.study_uid, "series", SHAPE.series_uid, "instances", SHAPE.sop_uid(number), "frames", "1"]


def request(number: int, *lines: str, frame: str = "1", accept: str = "application/octet-stream") -> bytes:
    path = "/".join(parts(number)[:-1])
    head = [
        f"GET /dicom-web/{path}/{frame} HTTP/1.1",
        "Host: x",
        f"Accept: {accept}",
        "Authorization: Bearer one",
        *lines,
        "",
        "",
    ]
    return "\r\n".join(head).encode()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def connect(house: House, *, room: int = 0) -> socket.socket:
    wire = socket.socket()
    if room:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    wire.settimeout(120)
    wire.connect(("127.0.0.1", house.port))
    return wire


def answer(wire: socket.socket, rest: bytes = b"") -> Answered:
    got = bytearray(rest)
    while b"\r\n\r\n" not in got:
        got += wire.recv(65536) or pytest.fail("closed inside the head")
    head, _, body = bytes(got).partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    length = int(headers.get(b"content-length", b"0"))
    whole = bytearray(body)
    while len(whole) < length:
        whole += wire.recv(65536) or pytest.fail(f"closed after {len(whole)} of {length} bytes")
    return Answered(int(status.split()[1]), headers, bytes(whole[:length]), bytes(whole[length:]))


def ask(wire: socket.socket, text: bytes) -> Answered:
    wire.sendall(text)
    found = answer(wire)
    assert found.rest == b""
    return found


def taught(wire: socket.socket, text: bytes | None = None) -> Answered:
    """The first request of its kind, after which the lane knows it."""
    found = ask(wire, text or request(1))
    assert found.status == 200
    assert found.by_road
    return found


@pytest.mark.parametrize("accept", ["application/octet-stream", 'multipart/related; type="application/octet-stream"'])
def test_the_lane_answers_as_the_road_does(house: House, accept: str) -> None:
    with connect(house) as wire:
        first = taught(wire, request(1, accept=accept))
        again = ask(wire, request(1, accept=accept))
        assert not again.by_road
        same = {name: value for name, value in first.headers.items() if name not in {b"x-road", b"date"}}
        assert {name: value for name, value in again.headers.items() if name != b"date"} == same
        assert list(again.headers) == [name for name in first.headers if name != b"x-road"]
        assert again.body == first.body
        for number in (3, 2, 5, 4, 1):
            found = ask(wire, request(number, accept=accept))
            assert not found.by_road
            assert house.pixels[number - 1] in found.body
            assert found.headers[b"etag"] != first.headers[b"etag"] or number == 1


def test_what_one_connection_taught_serves_the_next(house: House) -> None:
    with connect(house) as wire:
        taught(wire)
    with connect(house) as wire:
        found = ask(wire, request(2))
        assert not found.by_road
        assert found.body == house.pixels[1]


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (("Range: bytes=10-19",), 206),
        (("Range: bytes=9999999-",), 416),
        (("Connection: close",), 200),
        (("Expect: 100-continue",), 200),
        (("Upgrade: h2c", "Connection: Upgrade"), 200),
        (("Content-Length: 0",), 200),
    ],
)
def test_unusual_requests_take_the_road_each_time(house: House, lines: tuple[str, ...], status: int) -> None:
    for _ in range(2):
        with connect(house) as wire:
            taught(wire) if not house.protocol.known else None
            found = ask(wire, request(2, *lines))
            assert found.by_road
            assert found.status == status
            assert len(house.protocol.known) == 1


def test_ranges_and_tags_between_whole_frames_on_one_connection(house: House) -> None:
    with connect(house) as wire:
        tag = taught(wire).headers[b"etag"].decode()
        for _ in range(3):
            assert ask(wire, request(1)).body == house.pixels[0]
            part = ask(wire, request(1, "Range: bytes=-100"))
            assert (part.status, part.body) == (206, house.pixels[0][-100:])
            part = ask(wire, request(1, "Range: bytes=5-", f"If-Range: {tag}"))
            assert (part.status, part.body) == (206, house.pixels[0][5:])
            part = ask(wire, request(1, "Range: bytes=5-", 'If-Range: "of another version"'))
            assert (part.status, part.body) == (200, house.pixels[0])
            known = ask(wire, request(1, f"If-None-Match: {tag}"))
            assert (known.status, known.body) == (304, b"")
            assert ask(wire, request(2, f"If-None-Match: {tag}")).body == house.pixels[1]


@pytest.mark.parametrize("frame", ["2", "0", "1,1", "x", "1?accept=text/html", "9" * 5000, "%31"])
def test_frames_that_cannot_be_given_at_once_take_the_road(house: House, frame: str) -> None:
    with connect(house) as wire:
        taught(wire)
        found = ask(wire, request(1, frame=frame))
        assert found.by_road
        assert found.status == {"2": 404, "x": 400, "0": 400, "%31": 200, "1?accept=text/html": 406}.get(
            frame, found.status
        )
        assert found.status < 500
        assert ask(wire, request(1)).body == house.pixels[0]


def test_a_request_in_pieces_is_one_request(house: House) -> None:
    with connect(house) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        taught(wire)
        text = request(4)
        for cut in (1, text.index(b"\r\n") + 2, len(text) - 2):
            wire.sendall(text[:cut])
            time.sleep(0.05)
            wire.sendall(text[cut:])
            assert answer(wire).body == house.pixels[3]
            assert not ask(wire, request(2)).by_road


def test_a_body_that_looks_like_a_request_is_a_body(house: House) -> None:
    with connect(house) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        taught(wire)
        inner = request(3)
        wire.sendall(b"POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner))
        time.sleep(0.1)
        wire.sendall(inner)
        found = answer(wire)
        assert (found.status, found.rest) == (405, b"")
        assert ask(wire, request(2)).body == house.pixels[1]


def test_requests_in_one_breath_are_answered_in_order(house: House) -> None:
    with connect(house) as wire:
        taught(wire)
        order = [2, 5, 1, 3, 3, 4]
        wire.sendall(b"".join(request(number) for number in order))
        rest = b""
        for number in order:
            found = answer(wire, rest)
            rest = found.rest
            assert found.body == house.pixels[number - 1]


def test_requests_before_the_answer_is_read_wait_their_turn(narrow: House) -> None:
    """The client asks on and on while the first answers still lie in the server: nothing overtakes, nothing is lost."""
    with connect(narrow, room=4096) as wire:
        taught(wire)
        order = [1, 2, 3, 4, 5] * 4
        for number in order:
            wire.sendall(request(number))
            time.sleep(0.01)
        rest = b""
        for number in order:
            found = answer(wire, rest)
            rest = found.rest
            assert found.body == narrow.pixels[number - 1]


def test_a_slow_reader_keeps_nobody_waiting_and_gets_every_byte(narrow: House) -> None:
    with connect(narrow, room=4096) as slow, connect(narrow) as quick:
        taught(quick)
        slow.sendall(request(3))
        for number in (1, 2, 3, 4, 5) * 4:
            assert ask(quick, request(number)).body == narrow.pixels[number - 1]
        got = answer(slow)
        assert not got.by_road
        assert got.body == narrow.pixels[2]
        assert ask(slow, request(1)).body == narrow.pixels[0]


def test_a_half_closed_client_gets_all_of_its_answer(narrow: House) -> None:
    with connect(narrow) as wire:
        taught(wire)
    with connect(narrow, room=4096) as wire:
        wire.sendall(request(4))
        wire.shutdown(socket.SHUT_WR)
        found = answer(wire)
        assert found.body == narrow.pixels[3]
        assert wire.recv(10) == b""


def test_the_watch_over_silent_clients_knows_what_the_lane_did(narrow: House) -> None:
    """A connection that only the lane has used is no unfinished head; one that takes nothing of its answer is cut off."""
    with connect(narrow) as wire:
        taught(wire)
    with connect(narrow) as wire, connect(narrow, room=4096) as stuck:
        assert not ask(wire, request(2)).by_road, "the first on its connection finds nothing unsent"
        stuck.sendall(request(3))
        got = len(stuck.recv(100))
        for look in range(5000):  # what the sockets between can hold moves at first
            narrow.watch(look * (BODY_S + 1))
            if len(narrow.server.server_state.connections) == 1:
                break
            time.sleep(0.02)
        assert ask(wire, request(2)).body == narrow.pixels[1]
        with contextlib.suppress(ConnectionResetError):
            while part := stuck.recv(1 << 20):
                got += len(part)
        assert got < FRAME_BYTES


def test_clients_that_leave_in_the_middle_leave_nothing_behind(narrow: House) -> None:
    with connect(narrow) as stays:
        taught(stays)
        before = open_files()
        for number in range(20):
            with connect(narrow, room=4096) as wire:
                wire.sendall(request(5))
                wire.recv(1000)
                if number % 2:
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, no end
        deadline = time.monotonic() + 60
        while open_files() > before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert open_files() <= before
        assert ask(stays, request(5)).body == narrow.pixels[4]


def test_other_lines_are_other_requests(house: House) -> None:
    with connect(house) as wire:
        taught(wire)
        other = ask(wire, request(1, accept="text/html"))
        assert other.status == 406
        assert ask(wire, request(1, accept="text/html")).status == 406
        assert not ask(wire, request(1)).by_road


def test_who_is_no_longer_remembered_takes_the_road(house: House) -> None:
    with connect(house) as wire:
        taught(wire)
    asked = next(iter(house.protocol.known.values()))
    _, actor, _ = house.frames._actors[TOKEN]
    assert house.frames.at_once(asked, parts(1)) is not None
    house.frames._actors[TOKEN] = (0.0, actor, None)
    assert house.frames.at_once(asked, parts(1)) is None
    house.frames._actors[TOKEN] = (FOREVER, Actor("user", "2", "another", 1, frozenset()), None)
    assert house.frames.at_once(asked, parts(1)) is None, "what one may see says nothing of another"


def test_an_instance_that_is_no_longer_remembered_takes_the_road(house: House) -> None:
    with connect(house) as wire:
        taught(wire)
    asked = next(iter(house.protocol.known.values()))
    assert house.frames.at_once(asked, parts(1)) is not None
    house.frames._locator.forget()
    assert house.frames.at_once(asked, parts(1)) is None


def test_a_segment_that_is_cut_off_is_an_error_and_the_connection_lives(house: House) -> None:
    with connect(house) as wire:
        taught(wire)
        assert not ask(wire, request(5)).by_road
        key = ("user", "1", SHAPE.study_uid, SHAPE.series_uid, SHAPE.sop_uid(5))
        path, start, _ = house.store.locate(house.frames._locator._rows[key][1].blob)
        os.truncate(path, start + 1000)
        broken = ask(wire, request(5))
        assert broken.by_road
        assert broken.status == 500
        assert b"blob_truncated" in broken.body
        assert ask(wire, request(4)).body == house.pixels[3]


def test_a_segment_that_lost_its_name_is_read_from_the_open_file(house: House) -> None:
    with connect(house) as wire:
        taught(wire)
        for path in house.store._folder.glob("*/*.*"):
            path.unlink()
        found = ask(wire, request(2))
        assert not found.by_road
        assert found.body == house.pixels[1]


def test_only_so_many_kinds_of_requests_are_known(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heliograph.gateways.dicomweb.lane._MOST_KNOWN", 3)
    with connect(house) as wire:
        for number in range(6):
            assert ask(wire, request(1, f"X-Number: {number}")).by_road
        assert len(house.protocol.known) == 3
        assert not ask(wire, request(1, "X-Number: 5")).by_road
        assert ask(wire, request(1, "X-Number: 0")).by_road
        long = ask(wire, request(1, f"X-Long: {'x' * 9000}"))
        assert long.by_road
        assert ask(wire, request(1, f"X-Long: {'x' * 9000}")).by_road
