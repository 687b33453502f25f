"""What a person and the house have chosen for the workspace."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from heliograph.features import reading
from heliograph.features.reading.preferences import Layer
from heliograph.gateways.http import ServicesDep, SessionDep

router = APIRouter(prefix="/account/preferences", tags=["account"])

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9._-]{0,63}$")]


class NewPreference(BaseModel):
    """`revision`: the one that was read, 0 for none; `document`: null takes the choice back."""

    layer: Layer = "own"
    revision: int = Field(default=0, ge=0)
    document: Any = None


@router.get("/{name}")
def preference(name: Name, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """Both layers of a name: the own one, and what the house has set for everybody."""
    with services.database.transaction() as tx:
        found = reading.preference(tx, session.actor, name)
    return {layer: {"document": one.document, "revision": one.revision} for layer, one in found.items()}


@router.put("/{name}")
def set_preference(name: Name, body: NewPreference, session: SessionDep, services: ServicesDep) -> dict[str, Any]:
    """Saves a choice over the revision that was read; the layer of the house takes `workspace.manage`."""
    with services.database.transaction() as tx:
        made = reading.set_preference(tx, session.actor, name, body.document, layer=body.layer, revision=body.revision)
    return {"revision": made}
