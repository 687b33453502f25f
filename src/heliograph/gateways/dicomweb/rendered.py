"""Rendered and thumbnail resources (PS3.18 10.4.1.1.3): pictures for people, made in child processes."""

import asyncio
import functools
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from heliograph.features.imaging import series_thumbnail
from heliograph.gateways.dicomweb.locate import Located, spec_of
from heliograph.gateways.dicomweb.negotiation import parse_accept
from heliograph.gateways.dicomweb.state import dicomweb_of
from heliograph.gateways.http import ActorDep
from heliograph.gateways.http.volume import count
from heliograph.kit.errors import Absent, Invalid
from heliograph.standards.dicom import image, render

router = APIRouter()
_CACHING = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}
_INSTANCE = "/studies/{study_uid}/series/{series_uid}/instances/{sop_uid}"
_MEDIA = ("image/jpeg", "image/png", "image/gif", "image/jp2")
_FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
Text = Annotated[str | None, Query(max_length=120)]


@router.get(_INSTANCE + "/frames/{frame}/rendered")
@router.get(_INSTANCE + "/rendered")
async def rendered(
    study_uid: str, series_uid: str, sop_uid: str, request: Request, actor: ActorDep, frame: int | None = None,
    window: Text = None, viewport: Text = None, quality: Annotated[int, Query(ge=1, le=100)] = 90, accept: Text = None,
) -> Response:  # fmt: skip
    """One frame as a picture; of several the middle one when none is named."""
    web = dicomweb_of(request)
    found = await asyncio.to_thread(web.locator.instance, actor, study_uid, series_uid, sop_uid)
    pixels = await asyncio.to_thread(web.locator.pixels, found)
    number = frame - 1 if frame is not None else pixels.table.available // 2
    if not 0 <= number < pixels.table.available:
        raise Absent("no such frame", code="no_such_frame")
    media = _media(accept or request.headers.get("accept", ""))
    view = render.View(window=_window(window), viewport=_viewport(viewport))
    etag = f'"{found.sha256}.{number}.{media}.{quality}.{window}.{viewport}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag, **_CACHING})
    data = await asyncio.to_thread(pixels.read, web.services.blobs, found.blob, number)
    work = functools.partial(render.render_encoded, media_type=media, quality=quality)
    body = await web.children.run(work, spec_of(pixels).only(number), data, pixels.table.transfer_syntax, number, view)
    await count(request, actor, len(body))
    return Response(body, media_type=media, headers={"ETag": etag, **_CACHING})


@router.get("/studies/{study_uid}/rendered")
@router.get("/studies/{study_uid}/series/{series_uid}/rendered")
async def rendered_series(
    study_uid: str, request: Request, actor: ActorDep, series_uid: str | None = None, window: Text = None, viewport: Text = None,
    quality: Annotated[int, Query(ge=1, le=100)] = 90, accept: Text = None,
) -> Response:  # fmt: skip
    """The middle picture of a series, or of the first series of a study that has one."""
    found = await _pictures(request, actor, study_uid, series_uid)
    middle = found[len(found) // 2]
    return await rendered(
        study_uid, middle.series_uid, middle.sop_uid, request, actor, None, window, viewport, quality, accept
    )


@router.get("/studies/{study_uid}/thumbnail")
@router.get("/studies/{study_uid}/series/{series_uid}/thumbnail")
@router.get(_INSTANCE + "/thumbnail")
@router.get(_INSTANCE + "/frames/{frame}/thumbnail")
async def thumbnail(
    study_uid: str, request: Request, actor: ActorDep, series_uid: str | None = None, sop_uid: str | None = None, frame: int | None = None,
    viewport: Text = None,
) -> Response:  # fmt: skip
    """A small JPEG."""
    web = dicomweb_of(request)
    if sop_uid is None:
        found = await _pictures(request, actor, study_uid, series_uid)
        series_id = await asyncio.to_thread(web.series_id, actor, found[0].series_uid)
        body, tag, _ = await asyncio.to_thread(
            series_thumbnail, web.services.database, web.services.blobs, actor, series_id
        )
        if not body:
            raise Absent("there is no picture", code="no_picture")
        etag = f'"{tag}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag, **_CACHING})
        await count(request, actor, len(body))
        return Response(body, media_type="image/jpeg", headers={"ETag": etag, **_CACHING})
    return await rendered(
        study_uid, series_uid or "", sop_uid, request, actor, frame, None, viewport or "128,128", 80, "image/jpeg"
    )


async def _pictures(request: Request, actor: ActorDep, study_uid: str, series_uid: str | None) -> list[Located]:
    """Instances of the first series with pixels."""
    web = dicomweb_of(request)
    found = await asyncio.to_thread(web.locator.instances, actor, study_uid, series_uid)
    await asyncio.to_thread(web.locator.note_read, actor, found[0].study_id, study_uid)
    by_series: dict[str, list[Located]] = {}
    for one in found:
        by_series.setdefault(one.series_uid, []).append(one)
    for instances in by_series.values():
        try:
            await asyncio.to_thread(web.locator.pixels, instances[len(instances) // 2])
        except (Absent, Invalid):
            continue
        return instances
    raise Absent("there is no picture", code="no_picture")


def _media(accept: str) -> str:
    for one in parse_accept(accept):
        if one.media_type in {"*/*", "image/*"}:
            return "image/jpeg"
        if one.media_type in _MEDIA:
            return one.media_type
    raise Invalid("no acceptable form; pictures are sent as image/jpeg or image/png", code="not_acceptable")


def _window(text: str | None) -> image.Window | None:
    """`center,width,function` (PS3.18 8.3.5.1.4)."""
    if text is None:
        return None
    parts = text.split(",")
    try:
        center, width = float(parts[0]), float(parts[1])
        function = _FUNCTIONS[parts[2].lower()] if len(parts) > 2 else "LINEAR"
    except (ValueError, IndexError, KeyError):
        raise Invalid("window must be center,width,linear|linear-exact|sigmoid", code="bad_window") from None
    return image.Window(center, width, function)


def _viewport(text: str | None) -> tuple[int, int] | None:
    """`width,height` in pixels; further values (a region) are not used by this resource."""
    if text is None:
        return None
    try:
        width, height = (int(float(part)) for part in text.split(",")[:2])
    except (ValueError, OverflowError):
        raise Invalid("viewport must be width,height", code="bad_viewport") from None
    if not 1 <= width <= render.MAX_SIDE or not 1 <= height <= render.MAX_SIDE:
        raise Invalid(f"viewport must be 1 to {render.MAX_SIDE} pixels wide and high", code="bad_viewport")
    return width, height
