"""Person names: component groups, folding for search, trigrams for an index, wildcard matching (PS3.5 6.2.1, PS3.4 C.2.2.2)."""

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

# Combining marks of European, Hebrew and Arabic writing; the vowel signs of South Asian scripts are no accents.
_MARKS: Final = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")  # fmt: skip
_LETTERS: Final = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŧ": "t", "ĸ": "k",
     "ـ": None}
)  # fmt: skip
_SEPARATORS: Final = re.compile(r"[\s^=,\\\0]+")
_WILD: Final = re.compile(r"[*?]")
_MULTIPLIERS: Final = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
_INT4_MAX: Final = 0x7FFFFFFF
MAX_NAME_CHARS: Final = 1024


class PersonName(NamedTuple):
    """One component group."""

    family: str = ""
    given: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""


class Groups(NamedTuple):
    """The three representations of one name."""

    alphabetic: str = ""
    ideographic: str = ""
    phonetic: str = ""


def groups(name: str) -> Groups:
    """Component groups, each without the empty components at its end."""
    parts = [part.strip(" ").rstrip("^ ") for part in name.split("=", 2)]
    return Groups(*parts)


def components(group: str) -> PersonName:
    return PersonName(*[part.strip(" ") for part in group.split("^", 4)])


def display(name: str) -> str:
    """One line for a person to read, in the order of the standard: family, given, middle, prefix, suffix."""
    chosen = groups(name)
    return " ".join(part for part in components(chosen.alphabetic or chosen.ideographic or chosen.phonetic) if part)


# -- folding -----------------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """Case, accents, width, separators and repeated blanks no longer matter: DOE^Jané=... -> "doe jane ..."."""
    text = text[:MAX_NAME_CHARS]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", _MARKS.sub("", text)).casefold().translate(_LETTERS)
        text = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text)))
    else:
        text = text.lower()
    return _SEPARATORS.sub(" ", text).strip(" ")


# -- trigrams ----------------------------------------------------------------------------------------------------


def trigrams(text: str) -> list[int]:
    """Sorted positive int4 numbers, one per three neighbouring characters of a folded word set in blanks.

    The numbers are stored in an index: the way they are made must never change.
    """
    found: set[int] = set()
    for word in fold(text).split(" "):
        if word:
            _add(found, f"  {word} ")
    return sorted(found)


def pattern_trigrams(pattern: str) -> list[int]:
    """Trigrams that every name matching a wildcard pattern has; [] when the pattern is too short to tell."""
    found: set[int] = set()
    runs = _WILD.split(pattern[:MAX_NAME_CHARS])
    for number, run in enumerate(runs):
        begins, ends = number == 0, number == len(runs) - 1
        folded = fold(run)
        words = folded.split(" ") if folded else []
        for place, word in enumerate(words):
            whole_start = place > 0 or begins or _SEPARATORS.match(run) is not None
            whole_end = place < len(words) - 1 or ends or _SEPARATORS.search(run[-1:]) is not None
            _add(found, ("  " if whole_start else "") + word + (" " if whole_end else ""))
    return sorted(found)


def _add(found: set[int], padded: str) -> None:
    codes = list(map(ord, padded))
    first, second, third = _MULTIPLIERS
    for one, two, three in zip(codes, codes[1:], codes[2:], strict=False):
        found.add((one * first + two * second + three * third) & _INT4_MAX)


# -- matching ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _folded_pattern(pattern: str) -> tuple[str, ...]:
    """The pattern cut at its stars, every piece folded; without a star there is one piece."""
    pattern = re.sub(r"\*+", "*", pattern[:MAX_NAME_CHARS])
    return tuple([_fold_piece(piece) for piece in pattern.split("*")])


def _fold_piece(piece: str) -> str:
    """Folds like `fold`, but a blank at either end stays: it stands for a separator beside a star."""
    folded = fold(piece)
    if not folded:
        return " " if piece and _SEPARATORS.search(piece) else ""
    begins = " " if _SEPARATORS.match(piece) else ""
    return begins + folded + (" " if _SEPARATORS.search(piece[-1:]) else "")


def matches(pattern: str, name: str) -> bool:
    """PN matching without regard to case and accents: * is any run, ? any one character.

    A pattern without "=" is tried on each component group and on the whole; empty components at the end do not count.
    """
    pattern = pattern.strip(" ").rstrip("^= ")
    if not pattern or pattern == "*":
        return True
    pieces = _folded_pattern(pattern)
    if "=" not in pattern and any(_fits(pieces, fold(group)) for group in name.split("=", 2) if group):
        return True
    return _fits(pieces, fold(name))


def _fits(pieces: tuple[str, ...], text: str) -> bool:
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        first = first.strip(" ")
        return len(first) == len(text) and _equal_at(text, 0, first)
    first = first.lstrip(" ")
    if not _equal_at(text, 0, first):
        return False
    pos = len(first)
    for piece in pieces[1:-1]:
        pos = _find(text, piece, pos)
        if pos < 0:
            return False
    last = last.rstrip(" ")
    return len(text) - len(last) >= pos and _equal_at(text, len(text) - len(last), last)


def _find(text: str, piece: str, pos: int) -> int:
    """The end of the first place at or after pos where the piece fits; -1 when there is none."""
    if "?" not in piece:
        found = text.find(piece, pos)
        return -1 if found < 0 else found + len(piece)
    for start in range(pos, len(text) - len(piece) + 1):
        if _equal_at(text, start, piece):
            return start + len(piece)
    return -1


def _equal_at(text: str, pos: int, piece: str) -> bool:
    if len(text) - pos < len(piece):
        return False
    if "?" not in piece:
        return text.startswith(piece, pos)
    return all(char in ("?", text[pos + place]) for place, char in enumerate(piece))
