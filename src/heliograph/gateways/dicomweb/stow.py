"""STOW-RS: storing what comes in a multipart or single body as it streams in, many objects with one sync (PS3.18 10.5)."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from heliograph.features.access import Actor, require
from heliograph.features.archive import Delivery, ObjectSink, Outcome, database_is_away
from heliograph.features.archive.search import Receipt, receipts
from heliograph.gateways.dicomweb.attributes import dump_xml, to_json
from heliograph.gateways.dicomweb.multipart import (
    Event,
    MultipartReader,
    PartBegins,
    PartData,
    PartEnds,
    boundary_of,
    type_of,
)
from heliograph.gateways.dicomweb.negotiation import DICOM, JSON, XML, accept_of, parse_accept
from heliograph.gateways.dicomweb.state import DicomWeb, dicomweb_of
from heliograph.gateways.http import ActorDep, client_address
from heliograph.kit.errors import Absent, Busy, HeliographError, Invalid
from heliograph.standards.dicom import tags, uids
from heliograph.standards.dicom.header import NeedMore, Unparseable, scan

router = APIRouter()
OUT_OF_RESOURCES: Final = 0xA700
STUDY_DIFFERS: Final = 0xA901
CANNOT_UNDERSTAND: Final = 0xC000
CONFLICT: Final = 0x0111
PROCESSING_FAILURE: Final = 0x0110
_NOT_UNDERSTOOD: Final = frozenset({"unparseable", "missing_identifier", "bad_identifier", "truncated"})
_CHUNK: Final = 1 << 20
_MOST_CHUNKS: Final = 1024
_HEAD_BYTES: Final = 1 << 20
_TAG: Final = {
    word: tags.tag_of(word)
    for word in ("ReferencedSOPSequence", "FailedSOPSequence", "ReferencedSOPClassUID", "ReferencedSOPInstanceUID", "RetrieveURL", "FailureReason")
}  # fmt: skip


@router.post("/studies")
async def store(request: Request, actor: ActorDep) -> Response:
    """Stores objects of any study."""
    return await _store(request, actor, None)


@router.post("/studies/{study_uid}")
async def store_into(study_uid: str, request: Request, actor: ActorDep) -> Response:
    """Stores objects of one study; those of another are refused."""
    if not uids.is_valid_uid(study_uid):
        raise Absent("there is nothing of this identifier", code="no_such_uid")
    return await _store(request, actor, study_uid)


@dataclass(slots=True)
class _Result:
    """What became of one object. `reason` is set when it was not stored; a held one has an outcome too."""

    outcome: Outcome | None = None
    reason: int | None = None
    sop_class_uid: str = ""
    sop_uid: str = ""


@dataclass(slots=True)
class _Storing:
    """The request's objects on their way into the archive; used by one thread at a time."""

    delivery: Delivery
    study_uid: str | None
    results: list[_Result] = field(default_factory=list)
    trouble: Busy | None = None
    _staged: list[_Result] = field(default_factory=list)
    _sink: ObjectSink | None = None
    _head: bytearray = field(default_factory=bytearray)
    _skipping: _Result | None = None
    _is_empty: bool = True

    def take(self, events: Iterator[Event]) -> None:
        for event in events:
            match event:
                case PartBegins():
                    self.begin()
                case PartData(data):
                    self.write(data)
                case PartEnds():
                    self.end()

    def begin(self) -> None:
        self._head.clear()
        self._skipping = None
        self._is_empty = True
        if self.trouble is not None and database_is_away(self.trouble):  # each further object would wait for it again
            self._give_up(self.trouble)
            return
        try:
            self._sink = self.delivery.open()
        except Busy as error:
            self._give_up(error)

    def write(self, data: bytes) -> None:
        if self._sink is None:
            return
        self._is_empty = self._is_empty and not data
        if self.study_uid is not None and len(self._head) < _HEAD_BYTES:
            self._head += data[: _HEAD_BYTES - len(self._head)]
        try:
            self._sink.write(data)
        except Busy as error:
            self._give_up(error)
        except Invalid:
            self._fail(_Result(reason=OUT_OF_RESOURCES))

    def end(self) -> None:
        sink, self._sink = self._sink, None
        if sink is None:
            self.results.append(self._skipping or _Result(reason=OUT_OF_RESOURCES))
            return
        if self._is_empty:  # nothing came that could be kept for a person to look at
            self.delivery.failed()
            self.results.append(_Result(reason=CANNOT_UNDERSTAND))
            return
        if self.study_uid is not None:
            other = _of_other_study(bytes(self._head), self.study_uid)
            if other is not None:
                self.delivery.failed()
                self.results.append(other)
                return
        result = _Result()
        self.results.append(result)
        try:
            sink.stage()
        except HeliographError as error:
            self._note(result, error)
            return
        self._staged.append(result)
        if self.delivery.is_full:
            self.settle()

    def settle(self) -> None:
        """What became of the objects so far."""
        staged, self._staged = self._staged, []
        for result, outcome in zip(staged, self.delivery.settle(), strict=True):
            self._note(result, outcome)

    def _note(self, result: _Result, outcome: Outcome | HeliographError) -> None:
        if isinstance(outcome, HeliographError):
            self.delivery.failed()
            result.reason = PROCESSING_FAILURE
            if isinstance(outcome, Busy):
                self.trouble, result.reason = outcome, OUT_OF_RESOURCES
            return
        result.outcome = outcome
        if outcome.kind == "held":
            result.reason = CANNOT_UNDERSTAND if outcome.reason in _NOT_UNDERSTOOD else CONFLICT

    def _give_up(self, error: Busy) -> None:
        self.trouble = error
        self._fail(_Result(reason=OUT_OF_RESOURCES))

    def _fail(self, result: _Result) -> None:
        self._sink = None
        self._skipping = result
        self.delivery.failed()


def _of_other_study(head: bytes, study_uid: str) -> _Result | None:
    try:
        header = scan(head, complete=len(head) < _HEAD_BYTES)
    except (NeedMore, Unparseable):
        return None
    if header.text("StudyInstanceUID") == study_uid:
        return None
    return _Result(None, STUDY_DIFFERS, header.text("SOPClassUID")[:64], header.text("SOPInstanceUID")[:64])


async def _store(request: Request, actor: Actor, study_uid: str | None) -> Response:
    require(actor, "study.store")
    web = dicomweb_of(request)
    limit = web.services.settings.max_upload_bytes
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise Invalid("the request is larger than web.max_upload_bytes", code="too_large")
    media_type = _response_type(request)
    reader = _reader(request.headers.get("content-type", ""))
    address = client_address(request)
    stack = contextlib.ExitStack()
    arrival = web.services.intake.arrival(actor, "stow", f"{actor.kind}:{actor.name}", address=address)
    delivery = await asyncio.to_thread(stack.enter_context, arrival)
    storing = _Storing(delivery, study_uid)
    try:
        await _read_body(request, storing, reader, limit)
    finally:
        await asyncio.to_thread(stack.close)
        web.locator.forget()
    if storing.trouble is not None and not any(one.reason is None for one in storing.results):
        raise storing.trouble
    return await asyncio.to_thread(_response, web, storing.results, study_uid, web.base_url(request), media_type)


def _reader(content_type: str) -> MultipartReader | None:
    """The reader of a multipart body; None for a single object. Raises 415 for what we do not take."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == DICOM:
        return None
    if kind != "multipart/related" or type_of(content_type) not in ("", DICOM):
        raise Invalid("objects come as multipart/related; type=application/dicom", code="unsupported_media_type")
    return MultipartReader(boundary_of(content_type))


async def _read_body(request: Request, storing: _Storing, reader: MultipartReader | None, limit: int) -> None:
    """Feeds the storing thread about a megabyte at a time: what is read from the line waits for what is written to the disk."""
    if reader is None:
        await asyncio.to_thread(storing.begin)
    waiting: list[bytes] = []
    total = fed = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > limit:
            raise Invalid("the request is larger than web.max_upload_bytes", code="too_large")
        waiting.append(chunk)
        if total - fed >= _CHUNK or len(waiting) >= _MOST_CHUNKS:
            await asyncio.to_thread(_feed, storing, reader, waiting)
            waiting, fed = [], total
    await asyncio.to_thread(_feed, storing, reader, waiting)
    await asyncio.to_thread(_finish, storing, reader)


def _feed(storing: _Storing, reader: MultipartReader | None, chunks: list[bytes]) -> None:
    for data in chunks:
        if reader is None:
            storing.write(data)
        else:
            storing.take(reader.feed(data))


def _finish(storing: _Storing, reader: MultipartReader | None) -> None:
    if reader is None:
        storing.end()
    else:
        storing.take(reader.finish())
    storing.settle()


# -- the answer --------------------------------------------------------------------------------------------------


def _response_type(request: Request) -> str:
    """JSON unless XML is what the client prefers; a client that names neither gets JSON."""
    for one in parse_accept(accept_of(request)):
        if one.kind in (XML, "application/xml", "text/xml"):
            return XML
        if one.kind in (JSON, "application/json", "*/*", "application/*"):
            break
    return JSON


def _response(web: DicomWeb, results: list[_Result], study_uid: str | None, base: str, media_type: str) -> Response:
    stored_ids = [one.outcome.instance_id for one in results if one.outcome and one.outcome.instance_id is not None]
    held_ids = [one.outcome.held_id for one in results if one.outcome and one.outcome.held_id is not None]
    with web.services.database.transaction() as tx:
        known = receipts(tx, stored_ids, held_ids)
    referenced = [_referenced(one, known, base) for one in results if one.reason is None]
    failed = [_failed(one, known) for one in results if one.reason is not None]
    elements: dict[int, tuple[str, Any]] = {}
    studies = {one.outcome.study_uid for one in results if one.outcome and one.reason is None}
    if study_uid or len(studies) == 1:
        elements[_TAG["RetrieveURL"]] = ("UR", (f"{base}/studies/{study_uid or studies.pop()}",))
    if referenced:
        elements[_TAG["ReferencedSOPSequence"]] = ("SQ", tuple(referenced))
    if failed:
        elements[_TAG["FailedSOPSequence"]] = ("SQ", tuple(failed))
    status = 200 if not failed else 202 if referenced else 409
    if media_type == XML:
        return Response(dump_xml(elements), status, media_type=XML)
    from starlette.responses import JSONResponse

    return JSONResponse(to_json(elements), status, media_type=JSON)


def _referenced(result: _Result, known: dict[int | UUID, Receipt], base: str) -> dict[int, tuple[str, Any]]:
    assert result.outcome is not None
    assert result.outcome.instance_id is not None
    found = known[result.outcome.instance_id]
    url = f"{base}/studies/{found.study_uid}/series/{found.series_uid}/instances/{found.sop_uid}"
    return {
        _TAG["ReferencedSOPClassUID"]: ("UI", (found.sop_class_uid,)),
        _TAG["ReferencedSOPInstanceUID"]: ("UI", (found.sop_uid,)),
        _TAG["RetrieveURL"]: ("UR", (url,)),
    }


def _failed(result: _Result, known: dict[int | UUID, Receipt]) -> dict[int, tuple[str, Any]]:
    held_id = result.outcome.held_id if result.outcome else None
    found = known.get(held_id) if held_id is not None else None
    sop_class_uid, sop_uid = (found.sop_class_uid, found.sop_uid) if found else (result.sop_class_uid, result.sop_uid)
    return {
        _TAG["ReferencedSOPClassUID"]: ("UI", (sop_class_uid,)),
        _TAG["ReferencedSOPInstanceUID"]: ("UI", (sop_uid,)),
        _TAG["FailureReason"]: ("US", (result.reason,)),
    }
