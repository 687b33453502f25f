"""DICOM JSON (PS3.18 F.2) from the bytes of a header; bulk data is named and never read."""

import math
import re
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from heliograph.standards.dicom import charset, tags, values
from heliograph.standards.dicom._layout import Buffer, Element
from heliograph.standards.dicom.dataset import DataSet
from heliograph.standards.dicom.header import Header, scan
from heliograph.standards.dicom.parse import parse

_NOT_IN_DATA_SETS: Final = (0x0000, 0x0002)
_UTF_8: Final = {"vr": "CS", "Value": [charset.UTF_8]}
_SAFE_INTEGER: Final = 2**53
_PRECISE_CHARS: Final = 15
_INTEGER: Final = re.compile(r"[+-]?[0-9]+\Z")
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")
_WORD_BYTES: Final = {"OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}


def to_json(
    data: Buffer,
    header: Header | None = None,
    *,
    bulk: Callable[[str], str],
    inline_limit_bytes: int = 1024,
) -> dict[str, Any]:
    """The attributes up to and with Pixel Data.

    bulk: makes the URI for a path such as 00289999 or 00540016/0/00189074. Text is Unicode, so Specific Character
    Set answers UTF-8 as F.2.2 asks.
    """
    header = header if header is not None else scan(data)
    tree = parse(data, header)
    assumed = header.character_sets() if header.assumed_character_set is not None else None
    writer = _Writer(bulk, inline_limit_bytes, assumed)
    out = writer.data_set(tree, "")
    if header.pixel_tag is not None:
        key = f"{header.pixel_tag:08X}"
        out[key] = {"vr": header.pixel_vr or tags.vr_of(header.pixel_tag), "BulkDataURI": bulk(key)}
    if writer.saw_other_script and "00080005" not in out:
        out = {"00080005": dict(_UTF_8), **out}
    for problem in tree.problems:
        header.note(problem)
    return out


class _Writer:
    """Writes data sets; remembers whether any text went beyond ASCII."""

    __slots__ = ("_assumed", "_bulk", "_inline_limit_bytes", "saw_other_script")

    def __init__(
        self, bulk: Callable[[str], str], inline_limit_bytes: int, assumed: charset.CharacterSets | None
    ) -> None:
        self._assumed = assumed
        self._bulk = bulk
        self._inline_limit_bytes = inline_limit_bytes
        self.saw_other_script = False

    def data_set(self, holder: DataSet, path: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        sets = self._assumed or holder.character_sets()
        for tag, element in holder.elements.items():
            if not tag & 0xFFFF or tag >> 16 in _NOT_IN_DATA_SETS:
                continue
            if tag == tags.SPECIFIC_CHARACTER_SET:
                out["00080005"] = dict(_UTF_8)
                continue
            key = f"{tag:08X}"
            out[key] = self._element(holder, element, sets, path + key)
        return out

    def _element(self, holder: DataSet, element: Element, sets: charset.CharacterSets, path: str) -> dict[str, Any]:
        vr = element.vr
        if vr == "SQ":
            items = holder.sequence_at(element.tag)
            inner = [self.data_set(item, f"{path}/{number}/") for number, item in enumerate(items)]
            return {"vr": vr, "Value": inner} if inner else {"vr": vr}
        if not element.length:
            return {"vr": vr}
        if vr in values.BINARY_VRS:
            return self._binary(holder, element, path)
        raw = holder.data[element.offset : element.offset + element.length]
        found = self._values(holder, element, raw, sets)
        return {"vr": vr, "Value": found} if found else {"vr": vr}

    def _values(self, holder: DataSet, element: Element, raw: bytes, sets: charset.CharacterSets) -> list[Any]:
        vr = element.vr
        if vr in values.NUMBER_VRS:
            return [_finite(value) for value in values.numbers(raw, vr, little=holder.little)]
        if vr == "AT":
            return list(values.attribute_tags(raw, little=holder.little))
        if raw.isascii() and b"\x1b" not in raw:
            text = raw.decode("ascii")
        else:
            self.saw_other_script = True
            text, sound = charset.decode(raw, sets if vr in values.CHARSET_VRS else charset.ASCII, vr)
            if not sound:
                holder.note(f"not in the declared character set: {tags.text_of(element.tag)}")
        if vr in values.ONE_VALUE_VRS:
            text = text.rstrip(" \0")
            return [text] if text else []
        parts = [part.strip(" \0") for part in text.split("\\")]
        if parts == [""]:
            return []
        convert = _CONVERTERS.get(vr)
        if convert is not None:
            return [convert(part) if part else None for part in parts]
        return [part or None for part in parts]

    def _binary(self, holder: DataSet, element: Element, path: str) -> dict[str, Any]:
        if element.length > self._inline_limit_bytes:
            return {"vr": element.vr, "BulkDataURI": self._bulk(path)}
        raw = holder.data[element.offset : element.offset + element.length]
        size = _WORD_BYTES.get(element.vr, 1)
        if size > 1 and not holder.little:
            raw = values.swapped(raw, size)
        return {"vr": element.vr, "InlineBinary": b64encode(raw).decode("ascii")}


def _finite(value: float) -> float | str:
    """JSON has no NaN and no infinity (PS3.18 F.2.3)."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _person_name(text: str) -> dict[str, str]:
    return {name: group for name, group in zip(_GROUPS, values.person_name(text).split("="), strict=False) if group}


def _integer(text: str) -> int | str:
    number = values.integer_of(text)
    return text if number is None or abs(number) > _SAFE_INTEGER else number


def _decimal(text: str) -> float | str:
    """A number when JSON keeps its value exactly, else the text as it stands."""
    if len(text) <= _PRECISE_CHARS and _INTEGER.match(text):
        return int(text)
    number = values.number_of(text)
    if number is None or (len(text) > _PRECISE_CHARS and not _is_exact(text, number)):
        return text
    return number


def _is_exact(text: str, number: float) -> bool:
    try:
        return Decimal(text) == Decimal(repr(number))
    except ArithmeticError:
        return False


_CONVERTERS: Final[dict[str, Callable[[str], Any]]] = {"PN": _person_name, "IS": _integer, "DS": _decimal}
