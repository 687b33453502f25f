"""A list of people from a spreadsheet."""

import dataclasses
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Base64Bytes, BaseModel, Field

from heliograph.features.access.identity.importing import import_people
from heliograph.features.access.identity.people_csv import MOST_BYTES
from heliograph.gateways.http import FreshActorDep, ServicesDep
from heliograph.gateways.http.auth import authenticator_of

router = APIRouter(tags=["people"])


class PeopleFile(BaseModel):
    """The bytes of the file in base64: their encoding is found out here, not by the browser."""

    file: Base64Bytes = Field(max_length=MOST_BYTES * 4 // 3 + 1024)
    dry_run: bool = True


@router.post("/users/import")
def bring(body: PeopleFile, request: Request, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Adds and changes people by a CSV file, all or nobody; with a problem, or as a dry run, nothing is done (`done` says it)."""
    with services.database.transaction() as tx:
        result = import_people(tx, actor, body.file, dry_run=body.dry_run)
    if result.is_done:
        authenticator_of(request).forget_all()
    return {
        "done": result.is_done,
        "items": [dataclasses.asdict(item) for item in result.items],
        "problems": [dataclasses.asdict(problem) for problem in result.problems],
    }
