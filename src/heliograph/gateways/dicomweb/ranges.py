"""Byte ranges of a single part (RFC 9110 14; trap 59): one range, suffixes too; more than one answers whole (N18)."""

import re
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")
Pieces = Callable[[int, int], AsyncIterator[bytes | memoryview]]


def range_of(text: str, size: int) -> tuple[int, int] | None:
    """First and last byte that a Range header asks for; None for the whole. Raises ValueError when it lies outside."""
    asked = _RANGE.match(text.replace(" ", ""))
    if asked is None or asked[1] == asked[2] == "":
        return None
    if asked[1] == "":
        first, last = max(0, size - int(asked[2])), size - 1
    else:
        first, last = int(asked[1]), min(int(asked[2]), size - 1) if asked[2] else size - 1
    if asked[1] and asked[2] and int(asked[1]) > int(asked[2]):
        return None  # not a range at all: ignored as RFC 9110 14.1.1 says
    if first >= size or first > last:
        raise ValueError("the range lies outside")
    return first, last


def ranged(request: Request, size: int, pieces: Pieces, media_type: str, headers: Mapping[str, str]) -> Response:
    """200, 206, 304 or 416 for bytes that `pieces(first, last)` reads; `headers` hold the ETag."""
    etag = headers["ETag"]
    headers = {**headers, "Accept-Ranges": "bytes"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    asked, if_range = request.headers.get("range", ""), request.headers.get("if-range", etag)
    try:
        part = range_of(asked, size) if asked and if_range == etag else None
    except ValueError:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    first, last = part or (0, size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if part is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return StreamingResponse(pieces(first, last), 206 if part else 200, media_type=media_type, headers=headers)
