"""What the query and retrieve services need from the archive."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from heliograph.gateways.dimse.requestor import Destination
from heliograph.standards.dicom.dataset import Elements
from heliograph.standards.dicom.query import Query


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored instance: what it is and where its bytes are; the data set begins behind `prefix_bytes`."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str
    blob: str
    size_bytes: int
    prefix_bytes: int
    study_id: int | None = None


class Meter(Protocol):
    """What one retrieve takes, held against what its caller may take within an hour (N8)."""

    def has_room(self) -> bool:
        """Whether one more object may go; once there was none, there is none for this retrieve."""
        ...

    def took(self, stored: Stored) -> None:
        """Counts an object that went."""
        ...

    @property
    def is_used_up(self) -> bool: ...

    def close(self) -> None:
        """What was counted is on record, and that there was too much."""
        ...


class Catalogue(Protocol):
    """The archive as one actor may see it; every call passes the policy point."""

    def find(self, query: Query) -> Iterator[Elements]:
        """The matches at the query's level, each with its return keys."""
        ...

    def unsupported(self, query: Query) -> Sequence[int]:
        """Tags whose values are passed over at the query's level."""
        ...

    def instances(self, query: Query) -> Sequence[Stored]:
        """Every instance below what the query selects, in order of series and number."""
        ...

    def destination(self, aet: str) -> Destination | None:
        """Where a registered device listens; None for one that is not registered or never receives (N8)."""
        ...

    def read(self, stored: Stored, offset: int, length: int) -> bytes: ...

    def meter(self) -> Meter: ...

    def note_refused(self, to: str) -> None:
        """Records that a destination was asked for that is not registered."""
        ...

    def note_given(self, given: Sequence[Stored], to: str) -> None:
        """Records that objects went out."""
        ...
