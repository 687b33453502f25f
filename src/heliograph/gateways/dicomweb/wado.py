"""WADO-RS: instances, metadata, bulk data (PS3.18 10.4). Frames are in `frames`, pictures in `rendered`."""

import asyncio
import hashlib
import struct
import zlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from heliograph.features.imaging import Documents
from heliograph.gateways.dicomweb.bulk import bulk_of
from heliograph.gateways.dicomweb.locate import Located
from heliograph.gateways.dicomweb.multipart import Seams
from heliograph.gateways.dicomweb.negotiation import (
    DicomForm,
    accept_of,
    dicom_form,
    not_acceptable,
    parse_accept,
    wants_json,
)
from heliograph.gateways.dicomweb.objects import leaving
from heliograph.gateways.dicomweb.ranges import ranged
from heliograph.gateways.dicomweb.state import DicomWeb, dicomweb_of
from heliograph.gateways.http import ActorDep
from heliograph.gateways.http.volume import count, sent_bytes
from heliograph.kit.errors import Absent, Invalid

router = APIRouter()
_CACHING = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


@router.get("/studies/{study_uid}")
async def study(study_uid: str, request: Request, actor: ActorDep) -> Response:
    """Every instance of a study."""
    return await _retrieve(request, actor, await _below(request, actor, study_uid))


@router.get("/studies/{study_uid}/series/{series_uid}")
async def series(study_uid: str, series_uid: str, request: Request, actor: ActorDep) -> Response:
    """Every instance of a series."""
    return await _retrieve(request, actor, await _below(request, actor, study_uid, series_uid))


@router.get("/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}")
async def instance(study_uid: str, series_uid: str, sop_uid: str, request: Request, actor: ActorDep) -> Response:
    """One instance; alone it may be asked for by range."""
    return await _retrieve(request, actor, await _below(request, actor, study_uid, series_uid, sop_uid))


@router.get("/studies/{study_uid}/metadata")
async def study_metadata(study_uid: str, request: Request, actor: ActorDep) -> Response:
    """Metadata of a study: that of its series, one after the other."""
    found = await _below(request, actor, study_uid)
    documents: Documents = request.app.state.documents
    bodies, tags = [], []
    for series_uid in dict.fromkeys(one.series_uid for one in found):
        document = await asyncio.to_thread(documents.find, actor, study_uid, series_uid)
        bodies.append(document.metadata(_base(request))[1:-1])
        tags.append(document.etag)
    return _json(request, b"[" + b",".join(body for body in bodies if body) + b"]", ".".join(tags))


@router.get("/studies/{study_uid}/series/{series_uid}/metadata")
async def series_metadata(study_uid: str, series_uid: str, request: Request, actor: ActorDep) -> Response:
    """Metadata of a series, from its document (PS3.18 10.4.1.1.2)."""
    web = dicomweb_of(request)
    document = await asyncio.to_thread(web.documents.find, actor, study_uid, series_uid)
    await _note(web, actor, study_uid)
    etag = f'"{document.etag}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag, **_CACHING})
    _check_json(request)
    return Response(
        web.metadata_of(document, _base(request)),
        media_type="application/dicom+json",
        headers={"ETag": etag, **_CACHING},
    )


@router.get("/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}/metadata")
async def instance_metadata(
    study_uid: str, series_uid: str, sop_uid: str, request: Request, actor: ActorDep
) -> Response:
    """Metadata of one instance."""
    web = dicomweb_of(request)
    document = await asyncio.to_thread(web.documents.find, actor, study_uid, series_uid)
    await _note(web, actor, study_uid)
    body = document.instance_metadata(sop_uid, _base(request))
    if body is None:
        raise Absent("no such instance", code="no_instance")
    return _json(request, body, f"{document.etag}.{sop_uid}")


@router.get("/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}/bulkdata/{path:path}")
async def bulkdata(
    study_uid: str, series_uid: str, sop_uid: str, path: str, request: Request, actor: ActorDep
) -> Response:
    """The bytes of one attribute, by the path that the metadata gives (trap 58); by range when asked."""
    web = dicomweb_of(request)
    found = (await _below(request, actor, study_uid, series_uid, sop_uid))[0]
    web.locator.require_whole(found)
    bulk = await asyncio.to_thread(bulk_of, web, found, path)
    headers = {"ETag": f'"{found.sha256}.{path}"', **_CACHING}
    ranges = parse_accept(accept_of(request))
    if not any(one.covers(bulk.media_type) or one.media_type == "application/octet-stream" for one in ranges):
        raise not_acceptable(f"these bytes are {bulk.media_type}")
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if bulk.is_many or ranges[0].is_multipart:
        seams = Seams.new(bulk.media_type)
        await count(request, actor, bulk.size)
        return StreamingResponse(bulk.parts(web, seams), media_type=seams.content_type, headers=headers)
    answer = ranged(request, bulk.size, lambda first, last: bulk.pieces(web, first, last), bulk.content_type, headers)
    await count(request, actor, sent_bytes(answer))
    return answer


async def _below(
    request: Request, actor: ActorDep, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
) -> list[Located]:
    web = dicomweb_of(request)
    found = await asyncio.to_thread(web.locator.instances, actor, study_uid, series_uid, sop_uid)
    await asyncio.to_thread(web.locator.note_read, actor, found[0].study_id, study_uid)
    return found


async def _note(web: DicomWeb, actor: ActorDep, study_uid: str) -> None:
    await asyncio.to_thread(web.note_study, actor, study_uid)


def _whole(web: DicomWeb, found: list[Located]) -> tuple[list[Located], int]:
    """Those that may be given, and how many are damaged. Raises Broken when there is nothing else."""
    withheld = web.services.blobs.withheld
    whole = [one for one in found if one.blob not in withheld]
    if not whole:
        web.locator.require_whole(found[0])
    return whole, len(found) - len(whole)


async def _retrieve(request: Request, actor: ActorDep, found: list[Located]) -> Response:
    web = dicomweb_of(request)
    form = dicom_form(accept_of(request))
    found, damaged = _whole(web, found)
    digests = "".join(one.sha256 for one in found).encode()
    etag = f'"{hashlib.blake2b(digests, digest_size=12).hexdigest()}.{form.key}"'
    headers = {"ETag": etag, **_CACHING}
    status = 200
    if damaged:
        headers["Warning"] = f'299 heliograph "{damaged} damaged, not given: not what was received"'
        status = 206
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    if not any(form.syntax_for(one.transfer_syntax_uid) for one in found):
        raise not_acceptable("the stored transfer syntax is given by transfer-syntax=*")
    if form.container == "single":
        if len(found) != 1:
            raise not_acceptable("several instances need multipart/related or application/zip")
        one = await leaving(web, found[0], form)
        kind = f"application/dicom; transfer-syntax={one.syntax}"
        answer = ranged(request, one.size, lambda first, last: one.pieces(web, first, last), kind, headers)
        await count(request, actor, sent_bytes(answer))
        return answer
    await count(request, actor, sum(one.size_bytes for one in found), len(found))
    if form.container == "zip":
        return StreamingResponse(_zip(web, found, form), status, media_type="application/zip", headers=headers)
    seams = Seams.new("application/dicom")
    return StreamingResponse(
        _multipart(web, found, form, seams), status, media_type=seams.content_type, headers=headers
    )


async def _multipart(
    web: DicomWeb, found: list[Located], form: DicomForm, seams: Seams
) -> AsyncIterator[bytes | memoryview]:
    is_first = True
    for one in found:
        if form.syntax_for(one.transfer_syntax_uid) is None:
            continue  # the client accepts no form of this one, but of others
        going = await leaving(web, one, form)
        seam = seams.head(f"application/dicom; transfer-syntax={going.syntax}", first=is_first)
        is_first = False
        yield seam + going.head
        async for piece in going.pieces(web, len(going.head)):
            yield piece
    yield seams.tail


async def _zip(web: DicomWeb, found: list[Located], form: DicomForm) -> AsyncIterator[bytes | memoryview]:
    """A ZIP that stores: images do not shrink. Sizes follow the data, names are numbers."""
    directory, offset = [], 0
    for number, one in enumerate(found):
        name = f"{number + 1:06d}.dcm".encode()
        head = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 8, 0, 0, 33, 0, 0, 0, len(name), 0) + name
        yield head
        crc = size = 0
        async for piece in (await leaving(web, one, form)).pieces(web):
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            yield piece
        if size >= 1 << 32 or offset >= (1 << 32) - size:
            raise Invalid("too large for one ZIP; ask for multipart/related", code="too_large")
        tail = struct.pack("<4sIII", b"PK\x07\x08", crc, size, size)
        yield tail
        directory.append(
            struct.pack(
                "<4sHHHHHHIIIHHHHHII",
                b"PK\x01\x02",
                20,
                20,
                8,
                0,
                0,
                33,
                crc,
                size,
                size,
                len(name),
                0,
                0,
                0,
                0,
                0,
                offset,
            )
            + name
        )
        offset += len(head) + size + len(tail)
    listing = b"".join(directory)
    yield listing + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(found), len(found), len(listing), offset, 0)


def _json(request: Request, body: bytes, etag: str) -> Response:
    quoted = f'"{etag}"' if len(etag) < 200 else f'"{zlib.crc32(etag.encode()):08x}"'
    if request.headers.get("if-none-match") == quoted:
        return Response(status_code=304, headers={"ETag": quoted, **_CACHING})
    _check_json(request)
    return Response(body, media_type="application/dicom+json", headers={"ETag": quoted, **_CACHING})


def _check_json(request: Request) -> None:
    wants_json(accept_of(request))


def _base(request: Request) -> str:
    """Scheme, host and root of this request, behind a trusted proxy as well (trap 60)."""
    return dicomweb_of(request).base_url(request)
