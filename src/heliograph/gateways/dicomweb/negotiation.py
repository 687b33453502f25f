"""What a client accepts, and what we choose from it (PS3.18 8.7, traps 54 and 56)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

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
    syntax: kind for kind, syntaxes in reversed(FRAME_TYPES.items()) if not kind.startswith("image/x-") for syntax in syntaxes
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
    def payload(self) -> str:
        """The media type of the object itself, in one part or in many."""
        return (self.part or "*/*") if self.is_multipart else self.kind

    def covers(self, kind: str) -> bool:
        wanted = self.payload
        return wanted in ("*/*", kind) or (wanted.endswith("/*") and kind.startswith(wanted[:-1]))


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is sent: the media type, in parts or alone, and the acceptable transfer syntaxes in the order of preference."""

    kind: str
    in_parts: bool
    syntaxes: tuple[str, ...]

    @property
    def as_stored(self) -> bool:
        return ANY in self.syntaxes


def parse_accept(texts: Iterable[str]) -> tuple[MediaRange, ...]:
    """The ranges of all Accept values, best first; raises Invalid (400) for what is no media type at all.

    Quotes around `type` may be missing although it has a slash, as some viewers send it.
    """
    text = ", ".join(text for text in texts if text.strip())
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


def choose_objects(ranges: Sequence[MediaRange], *, single: bool) -> Chosen:
    """How DICOM objects are given back; `single`: the resource is one instance, so that it may come without parts."""
    if not ranges:
        return Chosen(DICOM, True, ())
    for one in ranges:
        if one.is_multipart and one.covers(DICOM):
            return Chosen(DICOM, True, _syntaxes(ranges, DICOM))
        if one.kind == "*/*":
            return Chosen(DICOM, True, _syntaxes(ranges, DICOM))
        if one.kind == DICOM and single:
            return Chosen(DICOM, False, _syntaxes(ranges, DICOM))
        if one.kind == ZIP:
            return Chosen(ZIP, False, (one.syntax,) if one.syntax else ())
    raise not_acceptable("objects come as application/dicom or application/zip")


def _syntaxes(ranges: Sequence[MediaRange], kind: str) -> tuple[str, ...]:
    """Acceptable transfer syntaxes; `*/*` alone accepts the default."""
    found = [one.syntax for one in ranges if one.payload == kind or (one.is_multipart and one.covers(kind))]
    return tuple(dict.fromkeys(syntax for syntax in found if syntax))


def syntax_for_object(stored: str, chosen: Chosen) -> str | None:
    """The transfer syntax an object is sent in, None when there is no way (8.7.3.4)."""
    if chosen.as_stored or stored in chosen.syntaxes:
        return stored
    for wanted in chosen.syntaxes or (EXPLICIT,):
        if wanted == stored or (stored not in _LOSSY and can_transcode(stored, wanted)):
            return wanted
    is_lossy = stored in _LOSSY or is_video(stored)
    if is_lossy and (not chosen.syntaxes or EXPLICIT in chosen.syntaxes):
        return stored  # the uncompressed form of lossy pixels is not what was received
    return next((wanted for wanted in chosen.syntaxes if can_transcode(stored, wanted)), None)


@dataclass(frozen=True, slots=True)
class ChosenFrame:
    """How one frame is sent: its Content-Type without parameters, its transfer syntax, in parts or alone."""

    kind: str
    syntax: str
    in_parts: bool

    @property
    def content_type(self) -> str:
        return f"{self.kind}; transfer-syntax={self.syntax}"


def choose_frame(ranges: Sequence[MediaRange], stored: str) -> ChosenFrame:
    """The form of a frame that is stored in a transfer syntax: as it is whenever that is acceptable, else transcoded without loss."""
    plain = stored in uids.NATIVE or stored == uids.ENCAPSULATED_UNCOMPRESSED
    own_kind = OCTETS if plain else _TYPE_OF_SYNTAX.get(stored, OCTETS)
    own_syntax = EXPLICIT if plain else stored
    if not ranges:
        return ChosenFrame(OCTETS, EXPLICIT, True) if plain or can_transcode(stored, EXPLICIT) else ChosenFrame(own_kind, stored, True)
    for one in ranges:
        in_parts = one.is_multipart or one.kind == "*/*"
        if one.covers(OCTETS):
            if one.syntax == ANY or plain:
                return ChosenFrame(OCTETS, own_syntax, in_parts)
            if one.syntax in ("", EXPLICIT) and can_transcode(stored, EXPLICIT):
                return ChosenFrame(OCTETS, EXPLICIT, in_parts)
            if one.syntax == stored:
                return ChosenFrame(OCTETS, stored, in_parts)
        if not plain and _same_kind(one, own_kind) and one.syntax in ("", ANY, stored):
            return ChosenFrame(own_kind, stored, in_parts)
    for one in ranges:
        for kind, syntaxes in FRAME_TYPES.items():
            if not one.covers(kind) or one.payload == "*/*":
                continue
            wanted = one.syntax if one.syntax in syntaxes else syntaxes[0]
            if can_transcode(stored, wanted):
                return ChosenFrame(kind, wanted, one.is_multipart)
    raise not_acceptable(f"this frame is stored as {own_kind}; transfer-syntax={own_syntax}")


def _same_kind(one: MediaRange, kind: str) -> bool:
    return one.covers(kind) or one.covers(kind.replace("image/", "image/x-")) or one.covers(kind.replace("dicom-rle", "x-dicom-rle"))


def choose_rendered(ranges: Sequence[MediaRange], offered: Sequence[str]) -> str:
    """The media type of a picture: the first offered that is accepted, by the client's preference."""
    if not ranges:
        return offered[0]
    for one in ranges:
        for kind in offered:
            if one.covers(kind):
                return kind
    raise not_acceptable(f"pictures come as {', '.join(offered)}")


def wants_json(ranges: Sequence[MediaRange]) -> str:
    """The JSON media type to answer with; raises 406 when only others are accepted."""
    if not ranges:
        return JSON
    for one in ranges:
        if one.kind in (JSON, "*/*", "application/*"):
            return JSON
        if one.kind == "application/json":
            return "application/json"
    raise not_acceptable("attributes come as application/dicom+json")
