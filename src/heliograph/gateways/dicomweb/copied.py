"""Copies of frames (`features.imaging.copies`) under .../frames/{n}/copy/{digest}-{copy}: a resource of ours beside DICOMweb's own.

Who may see what, what it costs and what is noted is as for the frame itself. The address carries the digest of the object and the number
of the copy, so a browser keeps an answer for ever: the beginning of one copy never meets the end of another, and what was a copy of
a replaced object is not there any more (safety guard 1).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from heliograph.engine import telemetry
from heliograph.features.imaging import Copies
from heliograph.gateways.dicomweb.frames import Frames, counted, no_receive, start
from heliograph.gateways.dicomweb.locate import Locator
from heliograph.gateways.dicomweb.ranges import range_of
from heliograph.gateways.http import problem
from heliograph.gateways.http.volume import Volumes
from heliograph.kit.errors import Absent, Broken, HeliographError
from heliograph.standards.dicom.progressive import TRANSFER_SYNTAX

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_KIND = b"image/jphc; transfer-syntax=" + TRANSFER_SYNTAX.encode()
_CACHING = [
    (b"cache-control", b"private, max-age=31536000, immutable"),
    (b"vary", b"Cookie, Authorization"),  # a browser keeps it for the person who asked, not for the next one
    (b"x-content-type-options", b"nosniff"),
]
_MOST_DIGITS = 10


class CopiedFrames:
    """Answers GET .../instances/{sop}/frames/{n}/copy/{digest}-{copy}, whole or by one range."""

    def __init__(self, frames: Frames, locator: Locator, volumes: Volumes, copies: Copies) -> None:
        self._frames = frames
        self._locator = locator
        self._volumes = volumes
        self._copies = copies

    async def __call__(self, scope: Scope, send: Send, parts: list[str]) -> None:
        """`parts` is the path below /dicom-web, split at slashes."""
        try:
            await self._answer(scope, send, parts)
        except HeliographError as error:
            await problem(error)(scope, no_receive, send)
        except Exception as error:  # noqa: BLE001 one request fails, the door stays open
            telemetry.trouble("copies_failed", error)
            await problem(Broken("an unexpected error; the log has its place", code="bug"))(scope, no_receive, send)

    async def _answer(self, scope: Scope, send: Send, parts: list[str]) -> None:
        _, study_uid, _, series_uid, _, sop_uid, _, number, _, named = parts
        asked, actor = await self._frames.who(scope)
        tally = await self._volumes.admit(actor)
        if tally is not None:
            send = counted(send, tally)
        found = self._locator.remembered(actor, study_uid, series_uid, sop_uid)
        if found is None:
            found = await asyncio.to_thread(self._locator.instance, actor, study_uid, series_uid, sop_uid)
        self._locator.require_whole(found)
        digest, _, made = named.partition("-")
        if digest != found.sha256 or not number.isdecimal() or len(number) > _MOST_DIGITS:
            raise Absent("there is no copy of this object", code="no_copy")
        copy = await asyncio.to_thread(self._copies.find, found.instance_id, found.sha256)
        if made != str(copy.id):
            raise Absent("there is no copy of this object", code="no_copy")
        frame = int(number) - 1
        size = copy.frame(frame).size
        etag = f'"{digest[:32]}.{number}.{copy.id}"'.encode()
        headers = [(b"content-type", _KIND), (b"etag", etag), (b"accept-ranges", b"bytes"), *_CACHING]
        if asked.known == etag:
            await start(send, 304, headers, b"")
            return
        wanted = asked.byte_range if asked.if_range in {b"", etag} else b""
        try:
            part = range_of(wanted.decode("latin-1"), size) if wanted else None
        except ValueError:
            await start(send, 416, [(b"content-range", b"bytes */%d" % size), *headers], b"")
            return
        first, last = part or (0, size - 1)
        body = await asyncio.to_thread(self._copies.read, copy, frame, first, last)
        if part is not None:
            headers.append((b"content-range", b"bytes %d-%d/%d" % (first, last, size)))
        await start(send, 206 if part else 200, headers, body)
