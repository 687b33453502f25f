"""What readers draw on the images of a study."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from heliograph.features.archive.headers import stored_header
from heliograph.features.reading import marks
from heliograph.features.reading.marks.log import MOST_EVENTS, Stored
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.gateways.http.reads import ReadsDep
from heliograph.standards.dicom.header import Header

router = APIRouter(prefix="/studies/{study_id}/marks", tags=["marks"])


class NewEvent(BaseModel):
    """`body`: the mark as it is now, null when it was taken away."""

    id: UUID
    mark: UUID
    version: int = Field(ge=1, le=1_000_000)
    at: AwareDatetime
    body: dict[str, Any] | None = None


class NewEvents(BaseModel):
    events: list[NewEvent] = Field(max_length=MOST_EVENTS)


@router.get("")
def marks_of_study(
    study_id: str, actor: ActorDep, services: ServicesDep, reads: ReadsDep, after: Annotated[int, Query(ge=0)] = 0
) -> dict[str, Any]:
    """What has changed since an event of that number; from the beginning, what there is."""
    number = number_of(study_id)
    with services.database.transaction() as tx:
        items = marks.marks_of_study(tx, actor, number, after=after)
    reads.note(actor, "study.read", {"study": number})
    return {"items": items, "last": max((one["number"] for one in items), default=after)}


@router.post("")
def append(study_id: str, body: NewEvents, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Takes changes into the log, each once however often it is sent; all of them or none."""
    events = [
        marks.Event(one.id, one.mark, one.version, one.at, None if one.body is None else marks.read(one.body))
        for one in body.events
    ]

    def look(stored: Stored) -> Header:
        return stored_header(services.blobs, stored.blob, stored.header_bytes, stored.size_bytes)[0]

    with services.database.transaction() as tx:
        last = marks.append(tx, actor, number_of(study_id), events, look)
    return {"last": last}
