"""Specific Character Set (0008,0005): bytes <-> text, with code extensions (PS3.3 C.12.1.1.2, PS3.5 6.1)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

UTF_8: Final = "ISO_IR 192"
DEFAULT: Final = "ISO_IR 6"

# ISO-IR number -> codec that reads the set in its right half (G1) beside ASCII in the left half (G0).
_SINGLE_BYTE: Final = {
    "6": "ascii",
    "100": "latin_1",
    "101": "iso8859_2",
    "109": "iso8859_3",
    "110": "iso8859_4",
    "144": "iso8859_5",
    "127": "iso8859_6",
    "126": "iso8859_7",
    "138": "iso8859_8",
    "148": "iso8859_9",
    "203": "iso8859_15",
    "13": "shift_jis",
    "166": "iso8859_11",
}
_MULTI_BYTE_G1: Final = {"149": "euc_kr", "58": "gb2312"}
_MULTI_BYTE_G0: Final = {"87": "jis_x_0208", "159": "jis_x_0212"}
_STAND_ALONE: Final = {"192": "utf_8", "GB18030": "gb18030", "GBK": "gb18030"}

# Escape sequences without the ESC: (half, codec).
_ESCAPES: Final = {
    b"(B": ("G0", "ascii"),
    b"(J": ("G0", "ascii"),
    b")I": ("G1", "shift_jis"),
    b"(I": ("G0", "katakana"),
    b"$B": ("G0", "jis_x_0208"),
    b"$@": ("G0", "jis_x_0208"),
    b"$(D": ("G0", "jis_x_0212"),
    b"$)C": ("G1", "euc_kr"),
    b"$)A": ("G1", "gb2312"),
    b"-A": ("G1", "latin_1"),
    b"-B": ("G1", "iso8859_2"),
    b"-C": ("G1", "iso8859_3"),
    b"-D": ("G1", "iso8859_4"),
    b"-L": ("G1", "iso8859_5"),
    b"-G": ("G1", "iso8859_6"),
    b"-F": ("G1", "iso8859_7"),
    b"-H": ("G1", "iso8859_8"),
    b"-M": ("G1", "iso8859_9"),
    b"-T": ("G1", "iso8859_11"),
    b"-b": ("G1", "iso8859_15"),
}
_G1_ESCAPE: Final = {codec: b"\x1b" + mark for mark, (half, codec) in _ESCAPES.items() if half == "G1"}
_G0_ESCAPE: Final = {"jis_x_0208": b"\x1b$B", "jis_x_0212": b"\x1b$(D"}
_ESC: Final = b"\x1b"
_IR_NUMBER: Final = re.compile(r"^(?:ISO)?[ _-]*(2022)?[ _-]*(?:IR)?[ _-]*(\d{1,3})$")
_ISO_8859: Final = re.compile(r"^ISO[ _-]*8859[ _-]*(\d{1,2})$")
_BY_PART: Final = {
    "1": "100", "2": "101", "3": "109", "4": "110", "5": "144", "6": "127", "7": "126", "8": "138", "9": "148",
    "11": "166", "15": "203",
}  # fmt: skip
_RESET_NAME: Final = re.compile(rb"([\\^=\t\n\f\r])")
_RESET_LIST: Final = re.compile(rb"([\\\t\n\f\r])")
_RESET_TEXT: Final = re.compile(rb"([\t\n\f\r])")


@dataclass(frozen=True, slots=True)
class CharacterSets:
    """The parsed value of Specific Character Set."""

    terms: tuple[str, ...]  # as the standard spells them
    codec: str  # stand-alone codec, or the one of the first value
    extensions: tuple[str, ...]  # codecs that an escape may switch to
    problems: tuple[str, ...]

    @property
    def is_stand_alone(self) -> bool:
        return self.codec in ("utf_8", "gb18030")


def normalised(term: str) -> str | None:
    """The standard's spelling of a defined term; None when nobody can tell what was meant."""
    word = " ".join(term.replace("\0", " ").upper().split())
    if not word:
        return DEFAULT
    if word in ("GB18030", "GBK"):
        return word
    if word.replace("-", "").replace("_", "").replace(" ", "") == "UTF8":
        return UTF_8
    part = _ISO_8859.match(word)
    if part:
        number = _BY_PART.get(part.group(1))
        return f"ISO_IR {number}" if number else None
    match = _IR_NUMBER.match(word)
    if not match:
        return {"GB2312": "ISO 2022 IR 58", "ASCII": DEFAULT}.get(word)
    number = match.group(2)
    if number in _MULTI_BYTE_G0 or number in _MULTI_BYTE_G1 or (match.group(1) and number in _SINGLE_BYTE):
        return f"ISO 2022 IR {number}"
    if number in _SINGLE_BYTE or number in _STAND_ALONE:
        return f"ISO_IR {number}"
    return None


@lru_cache(maxsize=512)
def character_sets(value: bytes) -> CharacterSets:
    """Reads the raw value of (0008,0005); what cannot be read is a problem and never an error."""
    problems: list[str] = []
    terms: list[str] = []
    for written in value.decode("latin_1").split("\\"):
        term = normalised(written)
        if term is None:
            problems.append("Specific Character Set has a term that is not defined")
        elif term != written.strip(" \0") and written.strip(" \0"):
            problems.append("Specific Character Set is misspelt")
        terms.append(term or DEFAULT)
    return from_terms(tuple(terms), tuple(dict.fromkeys(problems)))


def from_terms(terms: Iterable[str], problems: tuple[str, ...] = ()) -> CharacterSets:
    """Character sets from terms in the standard's spelling."""
    terms = tuple(terms) or (DEFAULT,)
    keys = [term.rsplit(" ", 1)[-1] for term in terms]
    for key, term in zip(keys, terms, strict=True):
        # UTF-8, GB18030 and GBK exclude code extensions: the first of them rules (PS3.3 C.12.1.1.2).
        if key in _STAND_ALONE and (key == keys[0] or keys[0] == "6"):
            return CharacterSets((term,), _STAND_ALONE[key], (), problems)
    codec = _SINGLE_BYTE.get(keys[0], "ascii")
    extensions = []
    for key in keys:
        found = _MULTI_BYTE_G0.get(key) or _MULTI_BYTE_G1.get(key) or _SINGLE_BYTE.get(key)
        if found and found not in (codec, "ascii"):
            extensions.append(found)
    return CharacterSets(terms, codec, tuple(extensions), problems)


ASCII: Final = from_terms((DEFAULT,))
UNICODE: Final = from_terms((UTF_8,))


# -- decoding --------------------------------------------------------------------------------------------------


def decode(raw: bytes, sets: CharacterSets, vr: str = "LO") -> tuple[str, bool]:
    """The text, and whether the declared character sets could read all of it."""
    if raw.isascii() and _ESC not in raw:
        return raw.decode("ascii"), True
    if sets.is_stand_alone:
        return _stand_alone(raw, sets.codec)
    if _ESC in raw or sets.extensions:
        return _with_extensions(raw, sets, vr)
    if sets.codec == "ascii":
        return _undeclared(raw), False
    try:
        return raw.decode(sets.codec), True
    except UnicodeDecodeError:
        return _undeclared(raw), False


def _stand_alone(raw: bytes, codec: str) -> tuple[str, bool]:
    try:
        return raw.decode(codec), True
    except UnicodeDecodeError as error:
        # Cut off inside the last character by a length limit; padding may follow.
        if len(raw) - error.start <= 4:
            return raw.decode(codec, "replace"), False
        return (_undeclared(raw) if codec == "utf_8" else raw.decode(codec, "replace")), False


def _undeclared(raw: bytes) -> str:
    try:
        return raw.decode("utf_8")
    except UnicodeDecodeError:
        return raw.decode("latin_1")


def _with_extensions(raw: bytes, sets: CharacterSets, vr: str) -> tuple[str, bool]:
    resets = _RESET_NAME if vr == "PN" else _RESET_TEXT if vr in ("ST", "LT", "UT") else _RESET_LIST
    state = _State(sets, resets)
    first, *rest = raw.split(_ESC)
    out = [state.read(first)]
    for chunk in rest:
        for size in (2, 3):
            designation = _ESCAPES.get(chunk[:size])
            if designation:
                state.designate(*designation)
                out.append(state.read(chunk[size:]))
                break
        else:
            state.is_sound = False
            out.append(state.read(chunk))
    return "".join(out), state.is_sound


class _State:
    """What the two halves of the code table hold at a place in a value (ISO 2022)."""

    def __init__(self, sets: CharacterSets, resets: re.Pattern[bytes]) -> None:
        self.first = sets.codec
        self.declared = next((name for name in sets.extensions if name not in _G0_ESCAPE), None)
        self.resets = resets
        self.g0 = "ascii"
        self.g1 = sets.codec
        self.last: str | None = None
        self.is_sound = True

    def designate(self, half: str, codec: str) -> None:
        if half == "G0":
            self.g0 = codec
        else:
            self.g1 = self.last = codec

    def read(self, chunk: bytes) -> str:
        if self.g0 == "katakana":
            return bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in chunk).decode("shift_jis", "replace")
        if self.g0 != "ascii":
            return self._read_pairs(chunk)
        out = []
        for number, part in enumerate(self.resets.split(chunk)):
            if number & 1:  # a delimiter: back to the state of the beginning
                self.g1 = self.first
                out.append(part.decode("ascii"))
            elif part:
                out.append(self._read_g1(part))
        return "".join(out)

    def _read_g1(self, part: bytes) -> str:
        if part.isascii():
            return part.decode("ascii")
        # After a reset the set should be designated again; many writers do so only once in a value.
        for codec in (self.g1, self.last, self.declared):
            if codec and codec != "ascii":
                try:
                    return part.decode(codec)
                except UnicodeDecodeError:
                    continue
        self.is_sound = False
        return _undeclared(part)

    def _read_pairs(self, chunk: bytes) -> str:
        out = []
        pos, size = 0, len(chunk)
        while pos < size:
            if 0x21 <= chunk[pos] <= 0x7E and pos + 1 < size and 0x21 <= chunk[pos + 1] <= 0x7E:
                out.append(self._pair(chunk[pos : pos + 2]))
                pos += 2
                continue
            if chunk[pos] in b"\t\n\f\r":
                self.g0, self.g1 = "ascii", self.first
                return "".join(out) + self.read(chunk[pos:])
            end = pos + 1
            while end < size and chunk[end] >= 0x80:
                end += 1
            out.append(self._read_g1(chunk[pos:end]))
            pos = end
        return "".join(out)

    def _pair(self, pair: bytes) -> str:
        high = bytes((pair[0] | 0x80, pair[1] | 0x80))
        if self.g0 == "jis_x_0212":
            high = b"\x8f" + high
        for codec in ("euc_jp", "euc_jis_2004"):
            try:
                return high.decode(codec)
            except UnicodeDecodeError:
                continue
        self.is_sound = False
        return "\ufffd"


# -- encoding --------------------------------------------------------------------------------------------------


def encode(text: str, sets: CharacterSets, vr: str = "LO") -> tuple[bytes, bool]:
    """The bytes, and whether the character sets hold every character; those that do not fit become '?'."""
    if text.isascii():
        return text.encode("ascii"), True
    if sets.is_stand_alone or not sets.extensions:
        try:
            return text.encode(sets.codec), True
        except UnicodeEncodeError:
            return text.encode(sets.codec, "replace"), False
    delimiters = {"PN": "\\^=\t\n\f\r", "ST": "\t\n\f\r", "LT": "\t\n\f\r", "UT": "\t\n\f\r"}.get(vr, "\\\t\n\f\r")
    out = bytearray()
    sound = True
    for part in re.split(f"([{re.escape(delimiters)}])", text):
        encoded, fits = _encode_component(part, sets)
        out += encoded
        sound = sound and fits
    return bytes(out), sound


def _encode_component(part: str, sets: CharacterSets) -> tuple[bytes, bool]:
    out = bytearray()
    sound = True
    g0, g1 = "ascii", sets.codec
    for char in part:
        codec, coded = _encode_char(char, sets, g1)
        if codec in _G0_ESCAPE:
            if g0 != codec:
                out += _G0_ESCAPE[codec]
                g0 = codec
        elif coded.isascii():
            if g0 != "ascii":
                out += b"\x1b(B"
                g0 = "ascii"
        elif g1 != codec:
            out += _G1_ESCAPE[codec]
            g1 = codec
        sound = sound and (coded != b"?" or char == "?")
        out += coded
    if g0 != "ascii":
        out += b"\x1b(B"
    return bytes(out), sound


def _encode_char(char: str, sets: CharacterSets, current: str) -> tuple[str, bytes]:
    if char.isascii():
        return "ascii", char.encode("ascii")
    for codec in (current, sets.codec, *sets.extensions):
        coded = _in_codec(char, codec)
        if coded is not None:
            return codec, coded
    return "ascii", b"?"


def _in_codec(char: str, codec: str) -> bytes | None:
    try:
        if codec == "jis_x_0208":
            coded = char.encode("euc_jp")
            return bytes(byte & 0x7F for byte in coded) if len(coded) == 2 and coded[0] != 0x8E else None
        if codec == "jis_x_0212":
            coded = char.encode("euc_jp")
            return bytes(byte & 0x7F for byte in coded[1:]) if len(coded) == 3 else None
        coded = char.encode(codec)
    except UnicodeEncodeError:
        return None
    # Shift JIS stands for JIS X 0201 here: its two-byte characters do not belong to it.
    return coded if codec != "shift_jis" or len(coded) == 1 else None
