"""The orders of the study list, and the cursor that says where a page ended."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from heliograph.features.archive.search._way import Order
from heliograph.kit.errors import Invalid

# Sort key columns and whether each runs against the asked direction; the id makes the order total.
SORTS: Final[dict[str, tuple[tuple[str, bool], ...]]] = {
    "received_at": (("st.received_at", False), ("st.id", False)),
    "study_date": (("st.study_date", False), ("st.study_time", False), ("st.id", False)),
    "patient_name": (("st.patient_name_folded", False), ("st.id", False)),
    "patient_id": (("st.patient_id", False), ("st.id", False)),
    "accession_number": (("st.accession_number", False), ("st.id", False)),
    "modality": (("st.modality_key", False), ("st.received_at", True), ("st.id", True)),
    "instances": (("st.instance_count", False), ("st.id", False)),
}


def order_of(sort: str, *, descending: bool) -> Order:
    return [(column, descending != against) for column, against in SORTS[sort]]


def key_of(row: tuple[Any, ...], sort: str) -> tuple[Any, ...]:
    return row[-len(SORTS[sort]) :]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended. The count travels along, so that it is made once."""

    sort: str
    descending: bool
    key: tuple[Any, ...]
    count: int
    count_is_exact: bool

    def text(self) -> str:
        values = [value.isoformat() if isinstance(value, datetime) else value for value in self.key]
        body = json.dumps([self.sort, self.descending, values, self.count, self.count_is_exact], separators=(",", ":"))
        return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, sort: str, *, descending: bool) -> "Position":
        trouble = Invalid("the cursor is not one that this list gave out", code="bad_cursor")
        try:
            body = json.loads(base64.urlsafe_b64decode(text[:4096] + "=" * (-len(text) % 4)))
            of, direction, values, number, is_exact = body
            columns = SORTS[sort]
            if of != sort or direction != descending or len(values) != len(columns):
                raise trouble
            key = tuple(_typed(column, value) for (column, _), value in zip(columns, values, strict=True))
            return cls(sort, descending, key, int(number), bool(is_exact))
        except (ValueError, TypeError, KeyError) as error:
            raise trouble from error


def _typed(column: str, value: Any) -> Any:
    if column == "st.received_at":
        return datetime.fromisoformat(value)
    return int(value) if column in ("st.id", "st.instance_count") else str(value)
