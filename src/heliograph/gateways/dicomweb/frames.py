"""WADO-RS frames (PS3.18 10.4.1.1.6), the busiest resource of a viewer: a plain ASGI application in front of the framework.

The usual request - known actor, known instance, bytes as stored, in the page cache - is answered without a thread, a query or a
copy more than the kernel's; everything else takes the long way through threads.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

from starlette.requests import Request

from heliograph.engine import telemetry
from heliograph.engine.children import Children
from heliograph.features.access import Actor
from heliograph.gateways.dicomweb.locate import Located, Locator, Pixels, spec_of
from heliograph.gateways.dicomweb.negotiation import Form, accept_of, frame_form
from heliograph.gateways.dicomweb.page_cache import CachedRanges
from heliograph.gateways.dicomweb.ranges import range_of
from heliograph.gateways.http import Authenticator, problem
from heliograph.gateways.http.volume import Tally, Volumes
from heliograph.kit.errors import Absent, Broken, HeliographError, Invalid
from heliograph.kit.ids import new_secret
from heliograph.kit.time import monotonic_s
from heliograph.services import Services
from heliograph.standards.dicom import transcode, uids
from heliograph.standards.dicom.described import described_frame

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
BOUNDARY = new_secret(18).encode()  # nobody outside can put it into pixels
_END = b"\r\n--" + BOUNDARY + b"--\r\n"
_MOST_FRAMES = 1000
_MOST_DIGITS = 10
_REMEMBER_S = 2.0
_MOST_CREDENTIALS = 2048


class Asked(NamedTuple):
    """The request's headers that matter here; `credential` is whatever says who asks."""

    accept: str
    credential: bytes
    known: bytes = b""
    byte_range: bytes = b""
    if_range: bytes = b""


class Answer(NamedTuple):
    """A whole frame as it is sent: header lines, the seams of its part, and its bytes between them."""

    headers: list[tuple[bytes, bytes]]
    head: bytes
    frame: memoryview | bytes
    tail: bytes


class Frames:
    """Answers GET .../instances/{sop}/frames/{list}."""

    def __init__(
        self,
        services: Services,
        authenticator: Authenticator,
        locator: Locator,
        children: Children,
        cached: CachedRanges,
        volumes: Volumes,
    ) -> None:
        self._services = services
        self._authenticator = authenticator
        self._locator = locator
        self._children = children
        self._actors: dict[bytes, tuple[float, Actor, Tally | None]] = {}
        self._cached = cached
        self._volumes = volumes

    async def __call__(self, scope: Scope, send: Send, parts: list[str]) -> None:
        """`parts` is the path below /dicom-web, split at slashes."""
        try:
            _, study_uid, _, series_uid, _, sop_uid, _, numbers = parts
            asked, actor = await self.who(scope)
            tally = await self._volumes.admit(actor)
            if tally is not None:
                send = counted(send, tally)
            found = self._locator.remembered(actor, study_uid, series_uid, sop_uid)
            if found is None:
                found = await asyncio.to_thread(self._locator.instance, actor, study_uid, series_uid, sop_uid)
            self._locator.require_whole(found)
            pixels = self._locator.remembered_pixels(found)
            if pixels is None:
                pixels = await asyncio.to_thread(self._locator.pixels, found)
            answer = self._whole(asked, found, pixels, numbers)
            if answer is not None:
                await _answer(send, answer)
                return
            form = frame_form(asked.accept, pixels.table.transfer_syntax)
            etag = _etag(found, form, numbers)
            if asked.known == etag:
                await start(send, 304, [(b"etag", etag), *_CACHING], b"")
            elif asked.byte_range and asked.if_range in {b"", etag}:
                await self._range(send, found, pixels, form, numbers, asked.byte_range, etag)
            else:
                await self._slowly(send, found, pixels, form, _frame_numbers(numbers), etag)
        except HeliographError as error:
            await problem(error)(scope, no_receive, send)
        except Exception as error:  # noqa: BLE001 one request fails, the door stays open
            telemetry.trouble("frames_failed", error)
            await problem(Broken("an unexpected error; the log has its place", code="bug"))(scope, no_receive, send)

    @staticmethod
    def asked(headers: Iterable[tuple[bytes, bytes]]) -> Asked:
        """What the header lines of a request ask for."""
        accept = credential = known = byte_range = if_range = b""
        for name, value in headers:
            if name == b"accept":
                accept = accept + b"," + value if accept else value
            elif name in {b"authorization", b"cookie"}:
                credential = credential + b"\n" + value
            elif name == b"if-none-match":
                known = value
            elif name == b"range":
                byte_range = value
            elif name == b"if-range":
                if_range = value
        return Asked(accept.decode("latin-1"), credential, known, byte_range, if_range)

    def at_once(self, asked: Asked, parts: list[str]) -> Answer | None:
        """The answer when everything that it takes is remembered and cached; None for the long way. Raises what the request deserves."""
        known = self._actors.get(asked.credential)
        if known is None or known[0] <= monotonic_s():
            return None
        _, actor, tally = known
        found = self._locator.remembered(actor, parts[1], parts[3], parts[5])
        pixels = None if found is None else self._locator.remembered_pixels(found)
        if found is None or pixels is None or (tally is not None and tally.is_used_up):
            return None
        answer = self._whole(asked, found, pixels, parts[7])
        if answer is not None and tally is not None:
            tally.took(len(answer.frame))
        return answer

    async def who(self, scope: Scope) -> tuple[Asked, Actor]:
        """What is asked and by whom; a credential seen in the last two seconds is not looked up again."""
        asked = self.asked(scope["headers"])
        if scope["query_string"]:
            asked = asked._replace(accept=accept_of(Request(scope)))
        known = self._actors.get(asked.credential)
        if known is not None and known[0] > monotonic_s():
            return asked, known[1]
        actor, _ = await self._authenticator.identify(Request(scope))
        if len(self._actors) > _MOST_CREDENTIALS:
            self._actors.clear()
        self._actors[asked.credential] = (monotonic_s() + _REMEMBER_S, actor, self._volumes.tally_of(actor))
        return asked, actor

    def _whole(self, asked: Asked, found: Located, pixels: Pixels, numbers: str) -> Answer | None:
        """The frame when it is sent as it is stored and its bytes are one range that the page cache holds; None for the long way."""
        table = pixels.table
        if asked.byte_range or not numbers.isdecimal() or len(numbers) > _MOST_DIGITS or pixels.data is not None:
            return None
        form, frame = frame_form(asked.accept, table.transfer_syntax), int(numbers) - 1
        if (
            table.transfer_syntax != found.transfer_syntax_uid
            or table.transfer_syntax == uids.EXPLICIT_VR_BIG_ENDIAN
            or form.transfer_syntax != _sent_syntax(table.transfer_syntax)
            or not 0 <= frame < table.available
        ):
            return None
        etag = _etag(found, form, numbers)
        pieces = table.fragments(frame)
        if asked.known == etag or len(pieces) != 1 or not table.is_plain(frame):
            return None
        data = self._cached.find(found.blob, *pieces[0])
        return None if data is None else _whole_answer(form, data, etag)

    async def _slowly(
        self, send: Send, found: Located, pixels: Pixels, form: Form, numbers: list[int], etag: bytes
    ) -> None:
        if not form.is_multipart and len(numbers) != 1:
            raise Invalid("several frames need multipart/related", code="not_acceptable")
        if not all(number < pixels.table.available for number in numbers):
            raise Absent("there is no such frame", code="no_such_frame")
        body = await self._frame(found, pixels, form, numbers[0])
        if not form.is_multipart:
            await _answer(send, _whole_answer(form, body, etag))
            return
        headers = [(b"content-type", _content_type(form)), (b"etag", etag), *_CACHING]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for position in range(len(numbers)):
            lead = b"" if position == 0 else b"\r\n"
            await send({"type": "http.response.body", "body": lead + _part_head(form) + body, "more_body": True})
            if position + 1 < len(numbers):
                body = await self._frame(found, pixels, form, numbers[position + 1])
        await send({"type": "http.response.body", "body": _END})

    async def _range(
        self, send: Send, found: Located, pixels: Pixels, form: Form, numbers: str, wanted: bytes, etag: bytes
    ) -> None:
        """A part of one frame, alone, as progressive viewers ask for it even when they accept parts only."""
        chosen = _frame_numbers(numbers)
        if len(chosen) != 1 or chosen[0] >= pixels.table.available:
            raise Absent("there is no such frame", code="no_such_frame")
        whole = await self._frame(found, pixels, form, chosen[0])
        kind = f"{form.media_type}; transfer-syntax={form.transfer_syntax}".encode()
        headers = [(b"content-type", kind), (b"etag", etag), (b"accept-ranges", b"bytes"), *_CACHING]
        try:
            part = range_of(wanted.decode("latin-1"), len(whole))
        except ValueError:
            await start(send, 416, [(b"content-range", b"bytes */%d" % len(whole)), *headers], b"")
            return
        if part is None:
            await self._slowly(send, found, pixels, form, chosen, etag)
            return
        first, last = part
        span = b"bytes %d-%d/%d" % (first, last, len(whole))
        await start(send, 206, [(b"content-range", span), *headers], whole[first : last + 1])

    async def _frame(self, found: Located, pixels: Pixels, form: Form, number: int) -> bytes:
        data = await asyncio.to_thread(pixels.read, self._services.blobs, found.blob, number)
        stored = pixels.table.transfer_syntax
        if form.transfer_syntax == _sent_syntax(stored) and stored != uids.EXPLICIT_VR_BIG_ENDIAN:
            return data
        if form.transfer_syntax == uids.EXPLICIT_VR_LITTLE_ENDIAN:
            described: bytes = await self._children.run(described_frame, spec_of(pixels).only(number), data, stored)
            return described
        return await self._children.run(
            transcode.transcoded_frame_bytes, spec_of(pixels).only(number), data, stored, form.transfer_syntax
        )


def _sent_syntax(stored: str) -> str:
    """Uncompressed frames are always little endian, and say so."""
    native = {uids.IMPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_BIG_ENDIAN, uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN}
    return uids.EXPLICIT_VR_LITTLE_ENDIAN if stored in native else stored


def _frame_numbers(text: str) -> list[int]:
    numbers = [part for part in text.split(",") if part]
    if (
        not numbers
        or len(numbers) > _MOST_FRAMES
        or not all(part.isdecimal() and len(part) <= _MOST_DIGITS and 0 < int(part) < 1 << 31 for part in numbers)
    ):
        raise Invalid("frames must be numbers from 1 with commas between", code="bad_frames")
    return [int(part) - 1 for part in numbers]


_CACHING = [(b"cache-control", b"private, no-cache"), (b"x-content-type-options", b"nosniff")]
_heads: dict[Form, bytes] = {}


def _part_head(form: Form) -> bytes:
    head = _heads.get(form)
    if head is None:
        kind = f"{form.media_type}; transfer-syntax={form.transfer_syntax}"
        head = _heads[form] = b"--" + BOUNDARY + b"\r\nContent-Type: " + kind.encode() + b"\r\n\r\n"
    return head


_types: dict[Form, bytes] = {}


def _content_type(form: Form) -> bytes:
    kind = _types.get(form)
    if kind is None:
        text = f"{form.media_type}; transfer-syntax={form.transfer_syntax}"
        if form.is_multipart:
            boundary = BOUNDARY.decode()
            text = f'multipart/related; type="{form.media_type}"; transfer-syntax={form.transfer_syntax}; boundary={boundary}'
        kind = _types[form] = text.encode()
    return kind


def _whole_answer(form: Form, frame: memoryview | bytes, etag: bytes) -> Answer:
    head, tail = (_part_head(form), _END) if form.is_multipart else (b"", b"")
    length = b"%d" % (len(head) + len(frame) + len(tail))
    headers = [(b"content-type", _content_type(form)), (b"content-length", length), (b"etag", etag), *_CACHING]
    return Answer(headers, head, frame, tail)


async def _answer(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": answer.headers})
    if answer.head:
        await send({"type": "http.response.body", "body": answer.head, "more_body": True})
        await send({"type": "http.response.body", "body": answer.frame, "more_body": True})
    await send({"type": "http.response.body", "body": answer.tail or answer.frame})


def counted(send: Send, tally: Tally) -> Send:
    """Counts what goes out by the slow ways."""
    is_data = False

    async def counting(message: MutableMapping[str, Any]) -> None:
        nonlocal is_data
        if message["type"] == "http.response.start":
            is_data = message["status"] in {200, 206}
            if is_data:
                tally.took(0)
        elif is_data:
            tally.took(len(message.get("body", b"")), 0)
        await send(message)

    return counting


async def start(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes | bytearray) -> None:
    if status != 304:
        headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _etag(found: Located, form: Form, numbers: str) -> bytes:
    """By content, frames and form: the same URL of a replaced instance is another representation (safety guard 1)."""
    mark = "m" if form.is_multipart else "s"
    return f'"{found.sha256[:32]}.{numbers[:64]}.{form.transfer_syntax}.{mark}"'.encode("latin-1", "replace")


async def no_receive() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}
