"""Attributes of PS3.6: tag, keyword, VR, VM and name, as plain integers and text."""

from functools import cache, lru_cache
from typing import Final, NamedTuple

from heliograph.standards.dicom import _dictionary

SPECIFIC_CHARACTER_SET: Final = 0x00080005
PIXEL_REPRESENTATION: Final = 0x00280103
FLOAT_PIXEL_DATA: Final = 0x7FE00008
DOUBLE_FLOAT_PIXEL_DATA: Final = 0x7FE00009
PIXEL_DATA: Final = 0x7FE00010
PIXEL_TAGS: Final = frozenset({FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA, PIXEL_DATA})
ITEM: Final = 0xFFFEE000
ITEM_DELIMITATION: Final = 0xFFFEE00D
SEQUENCE_DELIMITATION: Final = 0xFFFEE0DD


class Attribute(NamedTuple):
    tag: int
    keyword: str
    vr: str  # may be a choice such as "US or SS"
    vm: str
    name: str
    retired: bool


@cache
def _by_tag() -> dict[int, Attribute]:
    table, _ = _dictionary.attributes()
    return {tag: Attribute(tag, row[4], row[0], row[1], row[2], bool(row[3])) for tag, row in table.items()}


@cache
def _by_keyword() -> dict[str, int]:
    known = {row.keyword: row.tag for row in _by_tag().values() if row.keyword}
    return {row.keyword: value for _, value, row in _repeating() if row.keyword} | known  # the first of its groups


@cache
def _repeating() -> tuple[tuple[int, int, Attribute], ...]:
    """(mask, value, attribute): a tag belongs to it when tag & mask == value."""
    _, masks = _dictionary.attributes()
    rows = []
    for text, row in masks.items():
        mask = int("".join("0" if char == "x" else "F" for char in text), 16)
        value = int(text.replace("x", "0"), 16)
        rows.append((mask, value, Attribute(value, row[4], row[0], row[1], row[2], bool(row[3]))))
    return tuple(rows)


@lru_cache(maxsize=4096)
def _unlisted(tag: int) -> Attribute | None:
    if is_private(tag):
        if is_private_creator(tag):
            return Attribute(tag, "", "LO", "1", "Private Creator", False)
        return None
    if tag & 0xFFFF == 0:
        return Attribute(tag, "", "UL", "1", "Group Length", True)
    for mask, value, row in _repeating():
        if tag & mask == value:
            return row._replace(tag=tag)
    return None


def attribute(tag: int) -> Attribute | None:
    """The dictionary's row, also for repeating groups, group lengths and private creators."""
    return _by_tag().get(tag) or _unlisted(tag)


def tag_of(keyword: str) -> int:
    """The tag of a keyword; KeyError for a keyword that PS3.6 does not have, which is a mistake in our code."""
    return _by_keyword()[keyword]


def find_tag(text: str) -> int | None:
    """The tag that a person or a peer wrote: PatientID, 00100020, 0010,0020, (0010,0020)."""
    tag = _by_keyword().get(text)
    if tag is not None:
        return tag
    digits = text.strip("()").replace(",", "")
    if len(digits) != 8 or not all(char in "0123456789abcdefABCDEF" for char in digits):
        return None
    return int(digits, 16)


def keyword_of(tag: int) -> str:
    row = attribute(tag)
    return row.keyword if row else ""


def name_of(tag: int) -> str:
    row = attribute(tag)
    return row.name if row else ""


def vm_of(tag: int) -> str:
    row = attribute(tag)
    return row.vm if row else "1-n"


def vr_of(tag: int, *, signed: bool = False) -> str:
    """One VR: the dictionary's choice is settled as PS3.5 A.1 says; UN when the tag is not known."""
    row = attribute(tag)
    if row is None:
        return "UN"
    if " or " in row.vr:
        return _settled(row.vr, signed)
    return "UN" if row.vr == "NONE" else row.vr


@cache
def _private() -> dict[str, dict[int, str]]:
    """Creator -> group and element without its block -> VR."""
    return {
        creator: {int(text.replace("xx", "00"), 16): row[0] for text, row in rows.items() if text[4:6] == "xx"}
        for creator, rows in _dictionary.private_attributes().items()
    }


def private_vr(creator: str, tag: int, *, signed: bool = False) -> str:
    """The VR that a vendor documents for a private attribute (PS3.5 7.8); UN when nobody knows."""
    vr = _private().get(creator, {}).get(tag & 0xFFFF00FF, "UN")
    return _settled(vr, signed) if " or " in vr else "OB" if vr == "OB_OW" else vr


def _settled(choice: str, signed: bool) -> str:
    if choice.startswith("US or SS"):
        return "SS" if signed else "US"
    return "OW"


def is_private(tag: int) -> bool:
    return bool(tag & 0x10000)


def is_private_creator(tag: int) -> bool:
    return bool(tag & 0x10000) and 0x10 <= tag & 0xFFFF <= 0xFF


def text_of(tag: int) -> str:
    """(0010,0020), as the standard prints it."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
