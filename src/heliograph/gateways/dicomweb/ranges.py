"""Byte ranges of a single part (RFC 9110 14; trap 59): one range, suffixes too; more than one answers whole."""

import re

from starlette.requests import Request
from starlette.responses import Response

_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")


def ranged(request: Request, data: bytes, media_type: str, etag: str, headers: dict[str, str]) -> Response:
    """200, 206, 304 or 416 for bytes at hand."""
    headers = {**headers, "ETag": etag, "Accept-Ranges": "bytes"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    asked = _RANGE.match(request.headers.get("range", "").replace(" ", ""))
    if_range = request.headers.get("if-range")
    if asked is None or (asked[1] == "" and asked[2] == "") or (if_range is not None and if_range != etag):
        return Response(data, media_type=media_type, headers=headers)
    size = len(data)
    if asked[1] == "":
        first, last = max(0, size - int(asked[2])), size - 1
    else:
        first, last = int(asked[1]), min(int(asked[2]), size - 1) if asked[2] else size - 1
    if first >= size or first > last:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(data[first : last + 1], 206, media_type=media_type, headers=headers)
