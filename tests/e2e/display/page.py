"""docs/reference/display.md: the table of the numeric display suite, written by a run of the whole and held by every run."""

import re
from pathlib import Path

from tests.e2e.display.encodings import BASE, ENCODINGS
from tests.e2e.display.subjects import SUBJECTS
from tests.e2e.display.suite import Result

PATH = Path(__file__).resolve().parents[3] / "docs" / "reference" / "display.md"
SAME = "="
NONE = ""
# The last digit is a matter of the graphics driver.
_TOLERANCE = 0.3

_HEAD = """# Display

Every kind of grey and colour picture, in every encoding that can hold it, shown by the viewer in Chromium at one image pixel to one
screen pixel and read back from the screen. The truth is computed apart from the product, with numpy, by the equations of the standard
(PS3.3 C.7.6.3, C.7.9.2, C.11.1, C.11.2). Numbers are the largest difference of any pixel from that truth, in grey levels of 255; half a
level is rounding. `=` means that every byte on the screen is the same as that of the uncompressed object. What a lossy encoding holds is
read by another decoder, and the same equations are applied to it; as two decoders may round a stored value up and down, the truth lies
between the levels of the neighbouring stored values. An empty place: the encoding cannot hold this kind.

Written by `DISPLAY_SUITE=write pytest tests/e2e/test_display.py`; every run of the tests shows a part of it (with `DISPLAY_SUITE=whole`
all of it) and fails when a number is larger than 1, an `=` is not, or this page says otherwise. Drawn by SwiftShader, without a graphics card.

"""


def cell(result: Result) -> str:
    if result.failure:
        return result.failure
    is_lossy = next(encoding.is_lossy for encoding in ENCODINGS if encoding.name == result.encoding)
    return SAME if result.is_same and result.encoding != BASE.name and not is_lossy else f"{result.largest:.1f}"


def render(results: list[Result]) -> str:
    by_place = {(result.subject, result.encoding): cell(result) for result in results}
    parts = [
        ("Lossless encodings", [item for item in ENCODINGS if not item.is_lossy]),
        ("Lossy encodings", [item for item in ENCODINGS if item.is_lossy]),
    ]
    text = _HEAD
    for title, encodings in parts:
        rows = [subject for subject in SUBJECTS if any((subject.name, item.name) in by_place for item in encodings)]
        text += f"## {title}\n| | " + " | ".join(item.name for item in encodings) + " |\n"
        text += "|---" * (len(encodings) + 1) + "|\n"
        for subject in rows:
            text += (
                f"| {subject.name} | "
                + " | ".join(by_place.get((subject.name, item.name), NONE) for item in encodings)
                + " |\n"
            )
        text += "\n"
    counted = len(results)
    largest = max(result.largest for result in results)
    return f"{text}{counted} objects; the largest difference of all is {largest:.1f}.\n"


def _published() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    columns: list[str] = []
    for line in PATH.read_text(encoding="utf-8").splitlines() if PATH.is_file() else []:
        places = [place.strip() for place in line.split("|")[1:-1]]
        if not places or set(places[0]) == {"-"}:
            continue
        if places[0] == "":
            columns = places[1:]
            continue
        found |= {(places[0], column): value for column, value in zip(columns, places[1:], strict=True) if value}
    return found


def disagreements(results: list[Result]) -> list[str]:
    """Where the page says otherwise, or knows kinds and encodings that are no more."""
    published = _published()
    possible = {(subject.name, item.name) for subject in SUBJECTS for item in ENCODINGS if item.holds(subject)}
    told = [f"not on the page: {place}" for place in sorted(possible - set(published))]
    told += [f"no longer shown: {place}" for place in sorted(set(published) - possible)]
    for result in results:
        said, now = published.get((result.subject, result.encoding), ""), cell(result)
        if said != now and not (_number(said) and _number(now) and abs(float(said) - float(now)) <= _TOLERANCE):
            told.append(f"{result.subject}, {result.encoding}: {said!r} on the page, {now!r} now")
    return told


def _number(text: str) -> bool:
    return re.fullmatch(r"\d+\.\d", text) is not None
