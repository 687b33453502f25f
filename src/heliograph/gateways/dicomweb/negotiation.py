"""What a client accepts, and what we choose from it (PS3.18 8.7, traps 54 and 56)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from starlette.requests import Request

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import uids
from heliograph.standards.dicom.frames import is_video
from heliograph.standards.dicom.transcode import can_transcode

DICOM: Final = "application/dicom"
OCTETS: Final = "application/octet-stream"
JSON: Final = "application/dicom+json"
XML: Final = "application/dicom+xml"
ZIP: Final = "application/zip"
MULTIPART: Final = "multipart/related"
ANY: Final = "*"
EXPLICIT: Final = uids.EXPLICIT_VR_LITTLE_ENDIAN

_MOST_RANGES: Final = 64
_MOST_TEXT: Final = 8192
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z+-]+")
_PARAMETER: Final = re.compile(r';\s*([A-Za-z0-9*_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,]*)')

# The media type of single frames in a compressed transfer syntax (PS3.18 table 8.7.3-5), its default syntax first.
FRAME_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "image/jpeg": (uids.JPEG_LOSSLESS_SV1, uids.JPEG_BASELINE, uids.JPEG_EXTENDED, uids.JPEG_LOSSLESS),
    "image/dicom-rle": (uids.RLE_LOSSLESS,),
    "image/x-dicom-rle": (uids.RLE_LOSSLESS,),
    "image/jls": (uids.JPEG_LS_LOSSLESS, uids.JPEG_LS_NEAR_LOSSLESS),
    "image/x-jls": (uids.JPEG_LS_LOSSLESS, uids.JPEG_LS_NEAR_LOSSLESS),
    "image/jp2": (uids.JPEG_2000_LOSSLESS, uids.JPEG_2000),
    "image/jpx": (uids.JPEG_2000_MULTI_COMPONENT_LOSSLESS, uids.JPEG_2000_MULTI_COMPONENT),
    "image/jphc": (uids.HTJ2K_LOSSLESS, uids.HTJ2K_LOSSLESS_RPCL, uids.HTJ2K),
    "image/jxl": (uids.JPEG_XL_LOSSLESS, uids.JPEG_XL_JPEG_RECOMPRESSION, uids.JPEG_XL),
    "application/x-deflate": (uids.DEFLATED_IMAGE_FRAME,),
    "video/mpeg": ("1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101"),
    "video/mp4": tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(102, 107)),
    "video/H265": ("1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108"),
}
_TYPE_OF_SYNTAX: Final = {
    syntax: kind
    for kind, syntaxes in reversed(FRAME_TYPES.items())
    if not kind.startswith("image/x-")
    for syntax in syntaxes
}
_LOSSY: Final = frozenset({
    uids.JPEG_BASELINE, uids.JPEG_EXTENDED, uids.JPEG_LS_NEAR_LOSSLESS, uids.JPEG_2000, uids.JPEG_2000_MULTI_COMPONENT, uids.HTJ2K,
    uids.JPEG_XL,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One entry of Accept. `part` is the type parameter of multipart/related; `syntax` "" when none was given."""

    kind: str
    part: str = ""
    syntax: str = ""
    quality: float = 1.0

    @property
    def is_multipart(self) -> bool:
        return self.kind in (MULTIPART, "multipart/*")

    @property
    def media_type(self) -> str:
        """The media type of the content itself, in one part or in many."""
        return (self.part or "*/*") if self.is_multipart else self.kind

    def covers(self, kind: str) -> bool:
        wanted = self.media_type
        return wanted in ("*/*", kind) or (wanted.endswith("/*") and kind.startswith(wanted[:-1]))


def accept_of(request: Request) -> str:
    """What the client accepts: the query parameter goes before the header (PS3.18 8.3.3.1)."""
    return request.query_params.get("accept") or ", ".join(request.headers.getlist("accept"))


def parse_accept(text: str) -> tuple[MediaRange, ...]:
    """The ranges of Accept, best first, `*/*` when there are none; raises Invalid (400) for what is no media type at all.

    Quotes around `type` may be missing although it has a slash, as some viewers send it.
    """
    if len(text) > _MOST_TEXT:
        raise Invalid("the Accept header is too long", code="bad_accept")
    found: list[MediaRange] = []
    at = 0
    while at < len(text):
        if text[at] in ", \t":
            at += 1
            continue
        token = _TOKEN.match(text, at)
        if token is None:
            raise Invalid("the Accept header has something that is no media type", code="bad_accept")
        kind, at = token.group().lower(), token.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(text, _blank(text, at)):
            parameters[parameter.group(1).lower()] = _unquoted(parameter.group(2))
            at = parameter.end()
        at = _blank(text, at)
        if at < len(text) and text[at] == ";":
            at += 1
        elif at < len(text) and text[at] != ",":
            raise Invalid("the Accept header has something that is no parameter", code="bad_accept")
        found.append(_range(kind, parameters))
        if len(found) > _MOST_RANGES:
            raise Invalid("the Accept header has too many entries", code="bad_accept")
    if not found:
        return (MediaRange("*/*"),)
    return tuple(sorted((one for one in found if one.quality > 0), key=lambda one: -one.quality))


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def _unquoted(text: str) -> str:
    text = text.strip()
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if len(text) > 1 and text[0] == text[-1] == '"' else text


def _range(kind: str, parameters: dict[str, str]) -> MediaRange:
    quality = parameters.get("q", "1")
    try:
        weight = min(1.0, max(0.0, float(quality)))
    except ValueError:
        raise Invalid("a q value of the Accept header is no number", code="bad_accept") from None
    syntax = parameters.get("transfer-syntax", "")
    if syntax and syntax != ANY and not uids.is_valid_uid(syntax):
        raise Invalid("transfer-syntax must be a UID or *", code="bad_accept")
    return MediaRange(kind, parameters.get("type", "").lower(), syntax, weight)


def not_acceptable(what: str) -> Invalid:
    return Invalid(f"none of the accepted media types can be given; {what}", code="not_acceptable")


# -- choosing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DicomForm:
    """How objects are given back: in parts, alone, or as a ZIP; `syntaxes` are acceptable, the preferred one first."""

    container: Literal["multipart", "single", "zip"]
    syntaxes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """For entity tags: the same instances in another form are another representation."""
        return f"{self.container}.{'.'.join(self.syntaxes) or EXPLICIT}".replace(ANY, "any")

    def syntax_for(self, stored: str) -> str | None:
        """The transfer syntax an object is sent in; None when there is no acceptable one (PS3.18 8.7.3.4, trap 56)."""
        if ANY in self.syntaxes or stored in self.syntaxes:
            return stored
        is_lossy = stored in _LOSSY or is_video(stored)
        for wanted in self.syntaxes or (EXPLICIT,):
            if is_lossy and wanted == EXPLICIT:
                return stored  # what was received is lossy: its uncompressed form would pretend otherwise
            if can_transcode(stored, wanted):
                return wanted
        return None


def dicom_form(accept: str) -> DicomForm:
    """The form of DICOM objects; raises 406 when none of ours is accepted."""
    ranges = parse_accept(accept)
    for one in ranges:
        if (one.is_multipart and one.covers(DICOM)) or one.kind == "*/*":
            return DicomForm("multipart", _syntaxes(ranges, DICOM))
        if one.kind in (DICOM, "application/*"):
            return DicomForm("single", _syntaxes(ranges, DICOM))
        if one.kind == ZIP:
            return DicomForm("zip", (one.syntax,) if one.syntax else ())
    raise not_acceptable("objects come as application/dicom or application/zip")


def _syntaxes(ranges: Sequence[MediaRange], kind: str) -> tuple[str, ...]:
    """Acceptable transfer syntaxes in the client's order; a range without one accepts the default."""
    found = [one.syntax or EXPLICIT for one in ranges if one.covers(kind) and one.kind != "*/*"]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Form:
    """How one frame is sent."""

    media_type: str
    transfer_syntax: str
    is_multipart: bool


@lru_cache(maxsize=2048)
def frame_form(accept: str, stored: str) -> Form:
    """The form of a frame that is stored in a transfer syntax: as it is whenever that is acceptable, else transcoded without loss.

    A frame of uncompressed pixels is always sent little endian and says so. Raises 406.
    """
    ranges = parse_accept(accept)
    is_plain = stored in uids.NATIVE or stored == uids.ENCAPSULATED_UNCOMPRESSED
    own = Form(OCTETS if is_plain else _TYPE_OF_SYNTAX.get(stored, OCTETS), EXPLICIT if is_plain else stored, True)
    for one in ranges:
        in_parts = one.is_multipart or one.kind == "*/*"
        if one.covers(OCTETS):
            if is_plain or one.syntax in (ANY, stored):
                return Form(OCTETS, own.transfer_syntax, in_parts)
            if one.syntax in ("", EXPLICIT) and one.media_type == OCTETS and can_transcode(stored, EXPLICIT):
                return Form(OCTETS, EXPLICIT, in_parts)
        if not is_plain and _same_kind(one, own.media_type) and one.syntax in ("", ANY, stored):
            return Form(own.media_type, stored, in_parts)
    for one in ranges:
        for kind, syntaxes in FRAME_TYPES.items():
            if one.media_type != kind:
                continue
            wanted = one.syntax if one.syntax in syntaxes else syntaxes[0]
            if can_transcode(stored, wanted):
                return Form(kind, wanted, one.is_multipart)
    raise not_acceptable(f"this frame is stored as {own.media_type}; transfer-syntax={own.transfer_syntax}")


def media_type_of(transfer_syntax: str) -> str:
    """The media type of frames, or of a video, in a transfer syntax."""
    return _TYPE_OF_SYNTAX.get(transfer_syntax, OCTETS)


def _same_kind(one: MediaRange, kind: str) -> bool:
    return one.covers(kind) or one.covers(kind.replace("image/", "image/x-"))


def wants_json(accept: str) -> str:
    """The JSON media type to answer with; raises 406 when only others are accepted."""
    for one in parse_accept(accept):
        if one.kind in (JSON, "*/*", "application/*"):
            return JSON
        if one.kind == "application/json":
            return "application/json"
    raise not_acceptable("attributes come as application/dicom+json")
