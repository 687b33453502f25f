"""A mark as a value: what it is, where it lies, what it measures. Foreign until `read` has looked at every part of it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from heliograph.kit.errors import Invalid

# How many points each kind has, at least and at most. Points are (column, row): the centre of the first pixel is (0, 0).
POINTS: Final[Mapping[str, tuple[int, int]]] = {
    "length": (2, 2),
    "angle": (3, 3),  # the vertex in the middle
    "cobb": (4, 4),  # two lines
    "bidirectional": (4, 4),  # long axis, short axis
    "ellipse": (4, 4),  # ends of one axis, ends of the other
    "rectangle": (2, 2),  # opposite corners
    "circle": (2, 2),  # centre, and one point of the circle
    "freehand": (3, 4096),  # closed
    "arrow": (2, 2),  # the tip first
    "probe": (1, 1),
    "text": (1, 1),
    "key": (0, 0),  # the image as a whole
}
QUANTITIES: Final = frozenset(
    {"length", "angle", "long_axis", "short_axis", "area", "perimeter", "mean", "deviation", "least", "most", "value"}
)
MOST_LABEL: Final = 400
_MOST_MEASURED = 12
_MOST_UNIT = 32
_FARTHEST = 1e6
_UID = re.compile(r"[0-9][0-9.]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}|")


@dataclass(frozen=True, slots=True)
class MarkImage:
    """`frame` from 1; `digest`: SHA-256 of the object as it was when the reader drew on it."""

    series_uid: str
    sop_uid: str
    frame: int = 1
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """`unit` in UCUM, or `px`, `px2`; `basis`: what the size of a pixel rests on, as it was printed beside the value."""

    name: str
    value: float
    unit: str
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """`follows`: the mark of an earlier study that this one measures again."""

    kind: str
    image: MarkImage
    points: tuple[tuple[float, float], ...] = ()
    measured: tuple[Measured, ...] = ()
    label: str = ""
    follows: UUID | None = None

    def as_record(self) -> dict[str, Any]:
        """As it is stored and sent."""
        image = self.image
        return {
            "kind": self.kind,
            "image": {"series_uid": image.series_uid, "sop_uid": image.sop_uid, "frame": image.frame, "digest": image.digest},
            "points": [list(point) for point in self.points],
            "measured": [{"name": one.name, "value": one.value, "unit": one.unit, "basis": one.basis} for one in self.measured],
            "label": self.label,
            "follows": None if self.follows is None else str(self.follows),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `version` counts the changes of its mark in the window that made them; no `body`: the mark was taken away."""

    id: UUID
    mark_id: UUID
    version: int
    at: datetime
    body: Mark | None


def read(record: Mapping[str, Any]) -> Mark:
    """The mark that a stranger sent; raises Invalid with the name of the field."""
    kind = str(record.get("kind", ""))
    if kind not in POINTS:
        raise _bad("kind", f"one of {', '.join(POINTS)}")
    points = tuple(_point(one) for one in _list(record, "points", POINTS["freehand"][1]))
    least, most = POINTS[kind]
    if not least <= len(points) <= most:
        raise _bad("points", f"{least} of them for {kind}")
    measured = tuple(_measured(one) for one in _list(record, "measured", _MOST_MEASURED))
    label = record.get("label", "")
    if not isinstance(label, str) or len(label) > MOST_LABEL:
        raise _bad("label", f"text of at most {MOST_LABEL} characters")
    return Mark(kind, _image(record.get("image")), points, measured, label, _uuid(record.get("follows")))


def _image(record: Any) -> MarkImage:
    if not isinstance(record, dict):
        raise _bad("image", "series_uid, sop_uid, frame, digest")
    frame = record.get("frame", 1)
    if isinstance(frame, bool) or not isinstance(frame, int) or not 1 <= frame <= 1_000_000:
        raise _bad("image.frame", "a number from 1")
    found = MarkImage(
        str(record.get("series_uid", "")), str(record.get("sop_uid", "")), frame, str(record.get("digest", ""))
    )
    if not (_UID.fullmatch(found.series_uid) and _UID.fullmatch(found.sop_uid) and _DIGEST.fullmatch(found.digest)):
        raise _bad("image", "two unique identifiers and a SHA-256 in lower case")
    return found


def _measured(record: Any) -> Measured:
    if not isinstance(record, dict) or record.get("name") not in QUANTITIES:
        raise _bad("measured.name", f"one of {', '.join(sorted(QUANTITIES))}")
    unit, basis = str(record.get("unit", "")), str(record.get("basis", ""))
    if len(unit) > _MOST_UNIT or len(basis) > _MOST_UNIT:
        raise _bad("measured", f"unit and basis of at most {_MOST_UNIT} characters")
    return Measured(str(record["name"]), _number(record.get("value"), "measured.value", math.inf), unit, basis)


def _point(record: Any) -> tuple[float, float]:
    if not isinstance(record, list | tuple) or len(record) != 2:
        raise _bad("points", "pairs of column and row")
    return _number(record[0], "points", _FARTHEST), _number(record[1], "points", _FARTHEST)


def _number(value: Any, field: str, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > most:
        raise _bad(field, "finite numbers")
    return float(value)


def _list(record: Mapping[str, Any], field: str, most: int) -> list[Any]:
    value = record.get(field, [])
    if not isinstance(value, list) or len(value) > most:
        raise _bad(field, f"a list of at most {most}")
    return value


def _uuid(value: Any) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(str(value))
    except ValueError as error:
        raise _bad("follows", "the identifier of a mark") from error


def _bad(field: str, wanted: str) -> Invalid:
    return Invalid(f"{field}: {wanted}", code="bad_mark")
