"""WADO-RS: instances, metadata, bulk data (PS3.18 10.4). Frames are in `frames`, pictures in `rendered`."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from heliograph.features.imaging import Documents
from heliograph.gateways.dicomweb.locate import Located
from heliograph.gateways.dicomweb.negotiation import DicomForm, dicom_form, not_acceptable, parse_accept
from heliograph.gateways.dicomweb.ranges import ranged
from heliograph.gateways.dicomweb.state import DicomWeb, dicomweb_of
from heliograph.gateways.http import ActorDep
from heliograph.kit.errors import Absent, HeliographError, Invalid
from heliograph.standards.dicom import parse, part10, transcode

router = APIRouter()
_BOUNDARY = b"heliograph-instance-boundary"
_CHUNK = 2 << 20
_CACHING = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PREAMBLE = 128


@router.get("/studies/{study_uid}")
async def study(study_uid: str, request: Request, actor: ActorDep) -> Response:
    """Every instance of a study."""
    return await _retrieve(request, await _below(request, actor, study_uid))


@router.get("/studies/{study_uid}/series/{series_uid}")
async def series(study_uid: str, series_uid: str, request: Request, actor: ActorDep) -> Response:
    """Every instance of a series."""
    return await _retrieve(request, await _below(request, actor, study_uid, series_uid))


@router.get("/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}")
async def instance(study_uid: str, series_uid: str, sop_uid: str, request: Request, actor: ActorDep) -> Response:
    """One instance; alone it may be asked for by range."""
    return await _retrieve(request, await _below(request, actor, study_uid, series_uid, sop_uid))


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
    data = await asyncio.to_thread(_attribute, web, found, path)
    multipart = any(one.is_multipart for one in parse_accept(request.headers.get("accept", ""))[:1])
    etag = f'"{found.sha256}.{path}"'
    if multipart:
        head = b"--" + _BOUNDARY + b"\r\nContent-Type: application/octet-stream\r\n\r\n"
        kind = f'multipart/related; type="application/octet-stream"; boundary={_BOUNDARY.decode()}'
        return Response(
            head + data + b"\r\n--" + _BOUNDARY + b"--\r\n", media_type=kind, headers={"ETag": etag, **_CACHING}
        )
    return ranged(request, data, web.media_of(found, path), etag, _CACHING)


def _attribute(web: DicomWeb, found: Located, path: str) -> bytes:
    blobs = web.services.blobs
    header, data = web.locator.header(found)
    if header.pixel_tag is not None and path.upper() == f"{header.pixel_tag:08X}":
        assert header.pixel_offset is not None
        length = header.pixel_length if header.pixel_length is not None else found.size_bytes - header.pixel_offset
        return blobs.read(found.blob, header.pixel_offset, length)
    offset, length = parse.value_at(data, path, header)
    return bytes(header.data[offset : offset + length])


async def _below(
    request: Request, actor: ActorDep, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
) -> list[Located]:
    web = dicomweb_of(request)
    found = await asyncio.to_thread(web.locator.instances, actor, study_uid, series_uid, sop_uid)
    await asyncio.to_thread(web.locator.note_read, actor, found[0].study_id, study_uid)
    return found


async def _note(web: DicomWeb, actor: ActorDep, study_uid: str) -> None:
    await asyncio.to_thread(web.note_study, actor, study_uid)


async def _retrieve(request: Request, found: list[Located]) -> Response:
    web = dicomweb_of(request)
    form = dicom_form(request.headers.get("accept", ""))
    etag = f'"{zlib.crc32("".join(one.sha256 for one in found).encode()):08x}.{len(found)}.{form.key}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag, **_CACHING})
    if not any(form.syntax_for(one.transfer_syntax_uid) for one in found):
        raise not_acceptable("the stored transfer syntax is given by transfer-syntax=*")
    headers = {"ETag": etag, **_CACHING}
    if form.container == "single":
        if len(found) != 1:
            raise Invalid("several instances need multipart/related or application/zip", code="not_acceptable")
        data = b"".join([piece async for piece in _pieces(web, found[0], form)])
        return ranged(request, data, "application/dicom", etag, headers)
    if form.container == "zip":
        return StreamingResponse(_zip(web, found, form), media_type="application/zip", headers=headers)
    kind = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY.decode()}'
    return StreamingResponse(_multipart(web, found, form), media_type=kind, headers=headers)


async def _multipart(web: DicomWeb, found: list[Located], form: DicomForm) -> AsyncIterator[bytes | memoryview]:
    for number, one in enumerate(found):
        syntax = _syntax(one, form)
        head = b"--" + _BOUNDARY + f"\r\nContent-Type: application/dicom; transfer-syntax={syntax}\r\n\r\n".encode()
        first = True
        async for piece in _pieces(web, one, form):
            yield (head if number == 0 else b"\r\n" + head) + piece if first else piece
            first = False
    yield b"\r\n--" + _BOUNDARY + b"--\r\n"


def _syntax(one: Located, form: DicomForm) -> str:
    """The transfer syntax that is really sent (trap 56)."""
    return form.syntax_for(one.transfer_syntax_uid) or one.transfer_syntax_uid


async def _pieces(web: DicomWeb, one: Located, form: DicomForm) -> AsyncIterator[bytes | memoryview]:
    """The Part 10 file in pieces of some megabytes: as stored, or transcoded whole in a child process."""
    wanted = _syntax(one, form)
    if wanted != one.transfer_syntax_uid:
        whole = await asyncio.to_thread(web.services.blobs.read, one.blob)
        try:
            yield await web.children.run(transcode.transcode, whole, wanted)
            return
        except HeliographError:
            if len(whole) <= _CHUNK:
                yield _with_prefix(one, whole)
                return
    position = 0
    while position < one.size_bytes:
        length = min(_CHUNK, one.size_bytes - position)
        data = web.at_once(one.blob, position, length)
        if data is None:
            data = memoryview(await asyncio.to_thread(web.services.blobs.read, one.blob, position, length))
        yield _with_prefix(one, data) if position == 0 else data
        position += length


def _with_prefix(one: Located, data: bytes | memoryview) -> bytes | memoryview:
    """The beginning of an instance as it leaves: with file meta, and without a preamble that could be run (P9)."""
    if one.prefix_bytes <= _PREAMBLE:
        meta = part10.file_meta(one.sop_class_uid, one.sop_uid, one.transfer_syntax_uid)
        return meta + data[one.prefix_bytes :]
    if data[:4] in _TIFF or not any(data[:_PREAMBLE]):
        return data
    return bytes(_PREAMBLE) + data[_PREAMBLE:]


async def _zip(web: DicomWeb, found: list[Located], form: DicomForm) -> AsyncIterator[bytes | memoryview]:
    """A ZIP that stores: images do not shrink. Sizes follow the data, names are numbers."""
    directory, offset = [], 0
    for number, one in enumerate(found):
        name = f"{number + 1:06d}.dcm".encode()
        head = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 8, 0, 0, 33, 0, 0, 0, len(name), 0) + name
        yield head
        crc = size = 0
        async for piece in _pieces(web, one, form):
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
    accepted = {"application/dicom+json", "application/json", "*/*", "application/*"}
    if not any(one.media_type in accepted for one in parse_accept(request.headers.get("accept", ""))):
        raise Invalid("no acceptable form; metadata is sent as application/dicom+json", code="not_acceptable")


def _base(request: Request) -> str:
    """Scheme, host and root of this request, behind a trusted proxy as well (trap 60)."""
    return dicomweb_of(request).base_url(request)
