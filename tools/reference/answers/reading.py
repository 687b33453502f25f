"""What readers draw."""

from datetime import datetime

from tools.reference.answers._answer import Answer


class MarkImage(Answer):
    series_uid: str
    sop_uid: str
    frame: int
    digest: str


class Measured(Answer):
    name: str
    value: float
    unit: str
    basis: str


class MarkBody(Answer):
    """Points are column and row of the frame: the centre of its first pixel is (0, 0)."""

    kind: str
    image: MarkImage
    points: list[list[float]]
    measured: list[Measured]
    label: str
    follows: str | None


class Mark(Answer):
    """`body`: null when it was taken away; `doubt`: why what was measured cannot be believed, empty when it can."""

    id: str
    version: int
    event: str
    number: int
    body: MarkBody | None
    doubt: str
    drawn_by: str
    is_own: bool
    drawn_at: datetime
    changed_at: datetime


class Marks(Answer):
    items: list[Mark]
    last: int


class MarksTaken(Answer):
    """The number of the last change of the study."""

    last: int
