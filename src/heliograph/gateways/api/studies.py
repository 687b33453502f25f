"""The study list, a study, its manifest, series documents and thumbnails."""

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from heliograph.engine.db import Tx
from heliograph.features import access, archive, imaging
from heliograph.features.access import Actor
from heliograph.features.archive import search
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.gateways.http.reads import ReadsDep
from heliograph.kit.errors import Absent

router = APIRouter(tags=["studies"])


class StudySearch(BaseModel):
    """Every field narrows; `text` looks into name, identifier, accession number and description."""

    text: str | None = Field(default=None, max_length=200)
    patient_name: str | None = Field(default=None, max_length=200)
    patient_id: str | None = Field(default=None, max_length=200)
    accession_number: str | None = Field(default=None, max_length=64)
    modalities: list[Annotated[str, Field(max_length=16)]] | None = Field(default=None, max_length=40)
    date_from: str | None = Field(default=None, pattern=r"^\d{8}$")
    date_to: str | None = Field(default=None, pattern=r"^\d{8}$")
    state: Literal["receiving", "settled", "held"] | None = None
    sort: Literal[
        "received_at", "study_date", "patient_name", "patient_id", "accession_number", "modality", "instances"
    ] = "received_at"
    descending: bool = True
    cursor: str | None = Field(default=None, max_length=2000)
    limit: int = Field(default=100, ge=1, le=500)


@router.post("/studies/search")
def search_studies(body: StudySearch, actor: ActorDep, services: ServicesDep, reads: ReadsDep) -> dict[str, Any]:
    """One page of the study list. A POST, so that names never stand in a URL."""
    access.require(actor, "study.read")
    filters = body.model_dump(exclude={"sort", "descending", "cursor", "limit"}, exclude_none=True)
    with services.database.transaction() as tx:
        found = search.study_list(
            tx, actor, filters, sort=body.sort, descending=body.descending, cursor=body.cursor, limit=body.limit
        )
        found["withheld"] = _withheld(tx, actor, filters)
    if filters:
        detail = {"keys": sorted(filters), "results": len(found["items"])}
        services.note_read(actor, "studies.searched", {}, detail=detail)
    else:
        reads.note(actor, "studies.searched", {}, detail={"keys": []})
    return found


def _withheld(tx: Tx, actor: Actor, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """Who looks for one patient and treats is told that something is withheld (safety guard 10); nobody else is."""
    patient_id = str(filters.get("patient_id") or filters.get("text") or "")
    found = access.withheld_patients(tx, actor, patient_id) if patient_id else []
    return [{"patient": str(patient), "issuer": issuer, "count": count} for patient, issuer, count in found]


@router.get("/studies/{study_id}")
def study(study_id: str, actor: ActorDep, services: ServicesDep, reads: ReadsDep) -> dict[str, Any]:
    """One study with its series."""
    number = number_of(study_id)
    with services.database.transaction() as tx:
        found = search.study_by_id(tx, actor, number)
        series = search.series_of_study(tx, actor, number)
    reads.note(actor, "study.read", {"study": number})
    return found | {"series": series}


@router.get("/studies/{study_id}/manifest")
def manifest(
    study_id: str, request: Request, actor: ActorDep, services: ServicesDep, reads: ReadsDep, ahead: bool = False
) -> Any:
    """What a viewer hangs a study by. Opening a study is audited here, also when the browser has the manifest already; with `ahead` it is
    read, and nobody has opened it yet."""
    with services.database.transaction() as tx:
        found = imaging.study_manifest(tx, actor, number_of(study_id), services.blobs)
    subject = {"study": study_id, "study_uid": found["study"]["study_uid"]}
    if ahead:
        reads.note(actor, "study.read", {"study": number_of(study_id)})
    else:
        services.note_read(actor, "study.opened", subject)
    answer = JSONResponse(jsonable_encoder(found), headers={"Cache-Control": "private, no-cache"})
    # By content: settling, and what becomes of the patient's other studies, make no new revision (safety guard 7).
    etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    answer.headers["ETag"] = etag
    return answer


@router.get("/studies/{study_id}/held")
def held(study_id: str, actor: ActorDep, services: ServicesDep, reads: ReadsDep) -> dict[str, Any]:
    """Objects that are held back from this study, with what differs (safety guard 2)."""
    with services.database.transaction() as tx:
        search.study_by_id(tx, actor, number_of(study_id))
        items = archive.held_of_study(tx, actor, number_of(study_id))
    reads.note(actor, "study.read", {"study": number_of(study_id)})
    return {"items": items}


@router.get("/series/{series_id}/document")
def series_document(
    series_id: str, request: Request, actor: ActorDep, reads: ReadsDep, rev: Annotated[str | None, Query(max_length=32)] = None
) -> Response:  # fmt: skip
    """Every instance of a series for the viewer; for ever fresh only under a URL with the revision it has (guard 1)."""
    found = request.app.state.documents.by_id(actor, number_of(series_id))
    reads.note(actor, "study.read", {"study_uid": found.study_uid})
    is_fixed = rev == str(found.revision) and found.settled  # settling changes the document and not its revision
    headers = {
        "ETag": f'"{found.etag}"',
        "Cache-Control": "private, max-age=31536000, immutable" if is_fixed else "private, no-cache",
        "Vary": "Cookie, Authorization",  # a browser keeps it for the person who asked, not for the next one
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.for_viewer("/dicom-web"), media_type="application/json", headers=headers)


@router.get("/series/{series_id}/copies")
def series_copies(
    series_id: str, request: Request, actor: ActorDep, services: ServicesDep, reads: ReadsDep, mark: Annotated[str | None, Query(max_length=64)] = None
) -> Response:  # fmt: skip
    """Which images of a series have a copy whose first bytes are a smaller picture, and by how many bytes each size is whole. Asked for
    beside the document, which says nothing of copies: they come and go without the series becoming another."""
    document = request.app.state.documents.by_id(actor, number_of(series_id))
    with services.database.transaction() as tx:
        found = imaging.copies.of_series(tx, document.series_id)
    reads.note(actor, "study.read", {"study_uid": document.study_uid})
    headers = {
        "ETag": f'"{series_id}.{found["mark"]}"',
        "Cache-Control": "private, max-age=31536000, immutable" if mark == found["mark"] else "private, no-cache",
        "Vary": "Cookie, Authorization",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return JSONResponse(found, headers=headers)


@router.get("/series/{series_id}/thumbnail")
def thumbnail(series_id: str, request: Request, actor: ActorDep, services: ServicesDep, reads: ReadsDep) -> Response:
    """A picture of the series, at most 128 pixels wide; 204 for a series that shows none (a report)."""
    body, tag, study_id = imaging.series_thumbnail(services.database, services.blobs, actor, number_of(series_id))
    reads.note(actor, "study.read", {"study": study_id})
    if not body:
        return Response(status_code=204)
    etag = f'"{tag}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304)
    return Response(body, media_type="image/jpeg", headers={"ETag": etag, "Cache-Control": "private, no-cache"})


def number_of(text: str) -> int:
    """Ids are opaque text outside; what is no number here is simply not there."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Absent("there is nothing of this id", code="no_such_id")
    return int(text)
