"""Where is my study?"""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from heliograph.features.routing import where
from heliograph.gateways.http import ActorDep, ServicesDep

router = APIRouter(tags=["where"])


class Question(BaseModel):
    text: str = Field(min_length=1, max_length=200)


@router.post("/where")
def where_is(body: Question, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """The life of the studies that a name, identifier, accession number or UID means, with the cause and the mend of faults."""
    with services.database.transaction() as tx:
        found, more = where.answers(tx, actor, body.text.strip())
    services.note_read(actor, "studies.searched", {}, detail={"door": "where", "results": len(found)})
    return {"answers": found, "more": more}
