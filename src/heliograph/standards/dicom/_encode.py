"""Writes elements as bytes: explicit or implicit VR, one character set for all text (PS3.5 7.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from struct import Struct, error, pack
from typing import Any, Final

from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import charset, tags, uids, values
from heliograph.standards.dicom._envelope import declared_encoding
from heliograph.standards.dicom._layout import LONG

# VR, then: values, or raw bytes, or the items of a sequence, which are Elements again.
Elementary = tuple[str, tuple[Any, ...] | bytes]
Elements = Mapping[int, Elementary]

_LONG_VRS: Final = frozenset(LONG.values())
_PAD_NUL: Final = frozenset({"UI", *values.BINARY_VRS})
_SHORT_LIMIT: Final = 0xFFFE
_MAX_DEPTH: Final = 64
_CODES: Final = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_COMMAND_GROUP_LENGTH: Final = 0x00000000


@dataclass(slots=True)
class _Writer:
    explicit: bool
    mark: str
    sets: charset.CharacterSets
    short: Struct
    long: Struct
    implicit: Struct

    def data_set(self, elements: Elements, depth: int) -> bytes:
        if depth > _MAX_DEPTH:
            raise Invalid("a data set nested too deep")
        return b"".join([self.element(tag, *elements[tag], depth) for tag in sorted(elements)])

    def element(self, tag: int, vr: str, content: object, depth: int) -> bytes:
        raw = self.sequence(content, depth) if vr == "SQ" else self.value(tag, vr, content)
        group, number, size = tag >> 16, tag & 0xFFFF, len(raw)
        if not self.explicit:
            return self.implicit.pack(group, number, size) + raw
        if vr in _LONG_VRS:
            return self.long.pack(group, number, vr.encode(), 0, size) + raw
        if size > _SHORT_LIMIT:  # PS3.5 6.2.2: a value that its VR cannot count goes as UN
            return self.long.pack(group, number, b"UN", 0, size) + raw
        return self.short.pack(group, number, vr.encode(), size) + raw

    def sequence(self, content: object, depth: int) -> bytes:
        parts = []
        for item in content if isinstance(content, tuple | list) else ():
            if not isinstance(item, Mapping):
                raise Invalid("an item of a sequence must be a data set")
            inner = self.data_set(item, depth + 1)
            parts.append(self.implicit.pack(0xFFFE, 0xE000, len(inner)) + inner)
        return b"".join(parts)

    def value(self, tag: int, vr: str, content: object) -> bytes:
        if isinstance(content, bytes):
            raw = content
        elif not isinstance(content, tuple | list):
            raise Invalid(f"values of {tags.text_of(tag)} must be a tuple")
        else:
            try:
                raw = self.values(vr, content)
            except (error, ValueError, OverflowError) as cause:
                raise Invalid(f"a value does not fit its VR: {tags.text_of(tag)} {vr}") from cause
        if len(raw) & 1:
            raw += b"\0" if vr in _PAD_NUL else b" "
        return raw

    def values(self, vr: str, content: Iterable[object]) -> bytes:
        code = _CODES.get(vr)
        if code is not None:
            return b"".join([pack(self.mark + code, value) for value in content])
        if vr == "AT":
            numbers = [value if isinstance(value, int) else int(str(value), 16) for value in content]
            return b"".join([pack(self.mark + "HH", number >> 16, number & 0xFFFF) for number in numbers])
        text = "\\".join([_as_text(vr, value) for value in content])
        if vr in values.CHARSET_VRS:
            return charset.encode(text, self.sets, vr)[0]
        return text.encode("ascii", "replace")


def _as_text(vr: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return decimal_string(value) if vr == "DS" else str(int(value)) if vr == "IS" else str(value)
    return str(value)


def decimal_string(value: float) -> str:
    """A DS value: the shortest that reads back the same, or the best of 16 characters (PS3.5 6.2)."""
    text = repr(value)
    if text.endswith(".0"):
        text = text[:-2]
    digits = 16
    while len(text) > 16 and digits > 0:
        digits -= 1
        text = f"{value:.{digits}g}"
    return text


def encode(elements: Elements, transfer_syntax: str, *, character_set: str | None = None) -> bytes:
    """The bytes of a data set.

    character_set: raw value of (0008,0005) that the reader would like; UTF-8 where it cannot hold the text.
    Without one, the data set's own (0008,0005) rules.
    """
    if transfer_syntax in uids.DEFLATED:
        raise Invalid("a small data set is not written deflated")
    if character_set is not None:
        elements = _in_character_set(elements, character_set)
    own = elements.get(tags.SPECIFIC_CHARACTER_SET)
    sets = charset.ASCII
    if own is not None and own[1]:
        sets = charset.character_sets("\\".join(map(str, own[1])).encode("ascii", "replace"))
    encoding = declared_encoding(transfer_syntax)
    return _writer("<" if encoding.little else ">", sets, explicit=encoding.explicit).data_set(elements, 0)


def _writer(mark: str, sets: charset.CharacterSets, *, explicit: bool) -> _Writer:
    return _Writer(explicit, mark, sets, Struct(mark + "HH2sH"), Struct(mark + "HH2sHL"), Struct(mark + "HHL"))


def _in_character_set(elements: Elements, wanted: str) -> Elements:
    text = "".join(_charset_texts(elements))
    rest = {tag: element for tag, element in elements.items() if tag != tags.SPECIFIC_CHARACTER_SET}
    if text.isascii():
        return rest
    sets = charset.character_sets(wanted.encode("ascii", "replace"))
    if not charset.encode(text, sets, "UT")[1]:
        sets = charset.UNICODE
    terms = tuple(["" if term == charset.DEFAULT else term for term in sets.terms])
    return {tags.SPECIFIC_CHARACTER_SET: ("CS", terms), **rest}


def _charset_texts(elements: Elements, depth: int = 0) -> Iterable[str]:
    for vr, content in elements.values():
        if vr == "SQ" and depth < _MAX_DEPTH:
            for item in content:
                if isinstance(item, Mapping):
                    yield from _charset_texts(item, depth + 1)
        elif vr in values.CHARSET_VRS and not isinstance(content, bytes):
            yield from map(str, content)


def encode_command(elements: Elements) -> bytes:
    """A command set with its group length (PS3.7 6.3.1, E.1)."""
    rest = {tag: element for tag, element in elements.items() if tag != _COMMAND_GROUP_LENGTH}
    body = _writer("<", charset.ASCII, explicit=False).data_set(rest, 0)
    return pack("<HHLL", 0, 0, 4, len(body)) + body
