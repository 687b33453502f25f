"""Raw value bytes -> Python values, leniently; nothing here raises on foreign bytes (PS3.5 6.2)."""

import math
from abc import abstractmethod
from struct import Struct
from typing import Final

from heliograph.standards.dicom import charset, tags

Value = str | int | float
CHARSET_VRS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
ONE_VALUE_VRS: Final = frozenset({"LT", "ST", "UT", "UR"})
TEXT_VRS: Final = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR", *CHARSET_VRS})
BINARY_VRS: Final = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_INTEGER_LIMIT: Final = 2**63
_LIMITS: Final = {"AE": 16, "AS": 4, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "SH": 16, "UI": 64}
_CODES: Final = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
_READERS: Final = {
    (vr, little): Struct(("<" if little else ">") + code) for vr, code in _CODES.items() for little in (True, False)
}
NUMBER_VRS: Final = frozenset(_CODES)


def numbers(raw: bytes, vr: str, *, little: bool) -> tuple[int | float, ...]:
    """The values of a binary number VR; a rest shorter than one value is left out."""
    reader = _READERS[vr, little]
    whole = len(raw) - len(raw) % reader.size
    return tuple(value for (value,) in reader.iter_unpack(raw[:whole]))


def size_of(vr: str) -> int:
    """Bytes of one value of a binary VR, 1 for all others."""
    reader = _READERS.get((vr, True))
    return reader.size if reader is not None else 4 if vr == "AT" else 1


def attribute_tags(raw: bytes, *, little: bool) -> tuple[str, ...]:
    """AT values as eight hexadecimal digits."""
    halves = numbers(raw, "US", little=little)
    pairs = zip(halves[::2], halves[1::2], strict=False)
    return tuple(f"{group:04X}{number:04X}" for group, number in pairs)


def swapped(raw: bytes, size: int) -> bytes:
    """The same words of two, four or eight bytes in the other byte order; a rest that is no word stays."""
    words = memoryview(raw)[: len(raw) - len(raw) % size].cast("B")
    out = bytearray(raw)
    for place in range(size):
        out[place : len(words) : size] = words[size - 1 - place :: size]
    return bytes(out)


def split(text: str, vr: str) -> tuple[str, ...]:
    """The values of a text, without their padding."""
    if vr in ONE_VALUE_VRS:
        return (text.rstrip(" \0"),)
    if vr == "PN":
        return tuple(person_name(part) for part in text.split("\\"))
    return tuple([part.strip(" \0") for part in text.split("\\")])


def person_name(text: str) -> str:
    """A PN value without padding and without empty groups at its end."""
    if "=" not in text:
        return text.strip(" \0")
    return "=".join([group.strip(" \0") for group in text.split("=")]).rstrip("=")


def integer_of(text: str) -> int | None:
    """IS, leniently: blanks, a sign, or a whole decimal such as 12.0; never more than 64 bits."""
    if len(text) > 19 or not text.isascii() or "_" in text:
        return None
    try:
        number: float = int(text)
    except ValueError:
        found = number_of(text)
        if found is None or found != int(found):
            return None
        number = found
    return int(number) if abs(number) < _INTEGER_LIMIT else None


def number_of(text: str) -> float | None:
    """DS, leniently; never NaN or infinite; a decimal comma is read as a point."""
    if len(text) > 64 or not text.isascii() or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return None
    return number if math.isfinite(number) else None


class Attributes:
    """Values by keyword, decoded when asked for; the base of a header, an item and a data set."""

    __slots__ = ()

    # -- what a holder of elements answers ---------------------------------------------------------------------

    @abstractmethod
    def find(self, tag: int) -> tuple[str, bytes, bool] | None:
        """VR as written ("" in implicit VR), value bytes, little endian; None when the tag is absent."""

    @abstractmethod
    def holds(self, tag: int) -> bool: ...

    @abstractmethod
    def character_sets(self) -> charset.CharacterSets: ...

    @abstractmethod
    def note(self, problem: str) -> None: ...

    # -- what everybody asks -----------------------------------------------------------------------------------

    def has(self, keyword: str) -> bool:
        return self.holds(tags.tag_of(keyword))

    def raw(self, keyword: str) -> bytes | None:
        """The value bytes as they stand, padding included."""
        found = self.find(tags.tag_of(keyword))
        return None if found is None else found[1]

    def text(self, keyword: str) -> str:
        """The first value; "" when absent or empty. A person name keeps its groups: alphabetic=ideographic=phonetic."""
        values = self.texts_at(tags.tag_of(keyword))
        return values[0] if values else ""

    def texts(self, keyword: str) -> tuple[str, ...]:
        """All values; () when absent or empty."""
        return self.texts_at(tags.tag_of(keyword))

    def integer(self, keyword: str) -> int | None:
        tag = tags.tag_of(keyword)
        value = self._first(tag)
        if isinstance(value, str):
            number = integer_of(value) if value else None
            if value and number is None:
                self.note(f"not an integer: {tags.text_of(tag)}")
            return number
        return None if value is None or not math.isfinite(value) else int(value)

    def number(self, keyword: str) -> float | None:
        tag = tags.tag_of(keyword)
        value = self._first(tag)
        if isinstance(value, str):
            number = number_of(value) if value else None
            if value and number is None:
                self.note(f"not a number: {tags.text_of(tag)}")
            return number
        return None if value is None or not math.isfinite(value) else float(value)

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """All values that are finite numbers, such as a position or a spacing; () when one is not."""
        values = self.values_at(tags.tag_of(keyword))
        read = [number_of(value) if isinstance(value, str) else float(value) for value in values]
        known = tuple(value for value in read if value is not None and math.isfinite(value))
        return known if len(known) == len(values) else ()

    def texts_at(self, tag: int) -> tuple[str, ...]:
        """All values of a tag as text, private ones too."""
        return tuple([value if isinstance(value, str) else str(value) for value in self.values_at(tag)])

    def values_at(self, tag: int) -> tuple[Value, ...]:
        """All values of a tag, numbers of binary VRs as numbers; () for sequences and bulk data."""
        found = self.find(tag)
        if found is None or not found[1]:
            return ()
        vr, raw, little = found
        if vr in ("", "UN"):
            little = little or vr == "UN"
            vr = tags.vr_of(tag, signed=self._is_signed(tag))
        if vr in TEXT_VRS:
            return self.texts_of(tag, vr, raw)
        if vr in NUMBER_VRS:
            return numbers(raw, vr, little=little)
        return attribute_tags(raw, little=little) if vr == "AT" else ()

    def _first(self, tag: int) -> Value | None:
        values = self.values_at(tag)
        return values[0] if values else None

    def _is_signed(self, tag: int) -> bool:
        row = tags.attribute(tag)
        if row is None or " or " not in row.vr:
            return False
        found = self.find(tags.PIXEL_REPRESENTATION)
        return found is not None and found[1][:2] in (b"\1\0", b"\0\1")

    def texts_of(self, tag: int, vr: str, raw: bytes) -> tuple[str, ...]:
        """The texts that raw bytes hold when they are read as this VR."""
        if vr in CHARSET_VRS:
            text, sound = charset.decode(raw, self.character_sets(), vr)
            if not sound:
                self.note(f"not in the declared character set: {tags.text_of(tag)}")
        elif raw.isascii():
            text = raw.decode("ascii")
        else:
            text = raw.decode("latin_1")
            self.note(f"a character outside of the default repertoire: {tags.text_of(tag)}")
        values = split(text, vr)
        limit = _LIMITS.get(vr)
        if limit is not None and len(raw) > limit and max(map(len, values)) > limit:
            self.note(f"a value longer than {vr} may be: {tags.text_of(tag)}")
        return values if values != ("",) else ()
