"""Attributes of a search or a report as DICOM JSON and Native DICOM XML (PS3.18 F, PS3.19 A.1)."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from heliograph.standards.dicom import tags, values

Elements = Mapping[int, tuple[str, Any]]
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_NAME_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_SAFE_INTEGER = 2**53
_TEXT = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"})


def to_json(elements: Elements) -> dict[str, Any]:
    """One data set; attributes without a value keep their VR alone."""
    return {f"{tag:08X}": _element(vr, content) for tag, (vr, content) in sorted(elements.items())}


def dump_json(data_sets: Iterable[Elements]) -> bytes:
    """A JSON array of data sets."""
    return json.dumps([to_json(one) for one in data_sets], ensure_ascii=False, separators=(",", ":")).encode()


def _element(vr: str, content: Any) -> dict[str, Any]:
    if vr == "SQ":
        items = [to_json(item) for item in content]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if not isinstance(content, tuple | list):
        return {"vr": vr}
    found = [value or None for value in content] if vr in _TEXT else [_value(vr, value) for value in content]
    if found.count(None) == len(found):
        return {"vr": vr}
    return {"vr": vr, "Value": found}


def _value(vr: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if vr == "PN":
        return _person_name(str(value))
    if vr == "IS":
        number = values.integer_of(str(value))
        return str(value) if number is None or abs(number) > _SAFE_INTEGER else number
    if vr == "DS":
        decimal = values.number_of(str(value))
        return str(value) if decimal is None else decimal
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _person_name(text: str) -> dict[str, str]:
    groups = values.person_name(text).split("=")
    return {name: group for name, group in zip(_GROUPS, groups, strict=False) if group}


def dump_xml(elements: Elements) -> bytes:
    """One data set as a Native DICOM Model document."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xml:space="preserve">'
        + _xml(elements)
        + "</NativeDicomModel>"
    ).encode()


def _xml(elements: Elements) -> str:
    out = []
    for tag, (vr, content) in sorted(elements.items()):
        keyword = tags.keyword_of(tag)
        named = f" keyword={quoteattr(keyword)}" if keyword else ""
        inner = [_xml_value(vr, number, value) for number, value in enumerate(content, 1)]
        out.append(f'<DicomAttribute tag="{tag:08X}" vr="{vr}"{named}>{"".join(inner)}</DicomAttribute>')
    return "".join(out)


def _xml_value(vr: str, number: int, value: Any) -> str:
    if vr == "SQ":
        return f'<Item number="{number}">{_xml(value)}</Item>'
    if vr != "PN":
        return f'<Value number="{number}">{escape(str(value))}</Value>'
    groups = []
    for name, group in _person_name(str(value)).items():
        parts = [
            f"<{word}>{escape(part)}</{word}>"
            for word, part in zip(_NAME_PARTS, group.split("^"), strict=False)
            if part
        ]
        groups.append(f"<{name}>{''.join(parts)}</{name}>")
    return f'<PersonName number="{number}">{"".join(groups)}</PersonName>'
