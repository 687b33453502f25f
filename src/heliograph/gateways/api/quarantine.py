"""What is held back, and deciding about it."""

import itertools
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from heliograph.features import archive
from heliograph.gateways.api.paging import page_of
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep
from heliograph.gateways.http.reads import ReadsDep
from heliograph.standards.dicom import part10, uids

router = APIRouter(prefix="/quarantine", tags=["quarantine"])
_CHUNK = 1 << 20


class Why(BaseModel):
    reason: str = Field(min_length=3, max_length=500)


@router.get("")
def held(
    actor: ActorDep, services: ServicesDep, reads: ReadsDep, state: Literal["held", "released", "discarded"] = "held", cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> dict[str, Any]:  # fmt: skip
    """Held objects, latest first."""
    with services.database.transaction() as tx:
        page = page_of(archive.held_objects(tx, actor, state=state, limit=limit + 1, before=cursor), limit)
    for item in page["items"]:
        item["sop_class"] = uids.name_of(item.pop("sop_class_uid"))
        item["study_id"] = str(item.pop("study_fk")) if item["study_fk"] is not None else None
        item["bytes"] = item.pop("size_bytes")
        item["id"] = str(item["id"])
    reads.note(actor, "held.listed", {}, detail={"state": state})
    return page


@router.post("/{held_id}/release")
def release(held_id: UUID, body: Why, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Takes the object into the archive."""
    outcome = services.database.retried(
        lambda tx: archive.release(tx, actor, services.intake, held_id, body.reason), races=archive.RACES
    )
    return {"outcome": outcome.kind, "study_id": str(outcome.study_id)}


@router.post("/{held_id}/discard", status_code=204)
def discard(held_id: UUID, body: Why, actor: FreshActorDep, services: ServicesDep) -> None:
    """Takes the object off the list."""
    services.database.retried(lambda tx: archive.discard(tx, actor, held_id, body.reason), races=archive.RACES)


@router.get("/{held_id}/file")
def file(held_id: UUID, actor: FreshActorDep, services: ServicesDep) -> Response:
    """The object as it was received, to look into with other tools; only its preamble is emptied (P9)."""
    with services.database.transaction() as tx:
        blob, size = archive.held_blob(tx, actor, held_id)
    services.note_read(actor, "held.read", {"held": str(held_id)})
    first = part10.harmless(services.blobs.read(blob, 0, min(_CHUNK, size)))
    rest = (services.blobs.read(blob, at, min(_CHUNK, size - at)) for at in range(_CHUNK, size, _CHUNK))
    pieces = itertools.chain((first,), rest)
    headers = {"Content-Disposition": f'attachment; filename="{held_id}.dcm"', "Content-Length": str(size)}
    return StreamingResponse(pieces, media_type="application/dicom", headers=headers)
