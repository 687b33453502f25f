"""Who came to a limit, and what devices took: for whoever looks after security."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from heliograph.features.access.limits import Volume, limits_met, token_volumes, volumes
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.gateways.http.volume import volume_of

router = APIRouter(tags=["security"])


@router.get("/limits")
def limits(
    actor: ActorDep, services: ServicesDep, hours: Annotated[float, Query(gt=0, le=720)] = 24.0
) -> dict[str, Any]:
    """Refused because it was too much: whom, what, how often; what devices and programs took within the last hour; and the limits that hold."""
    settings = services.settings
    site = Volume(settings.dimse_hourly_instances, settings.dimse_hourly_bytes)
    with services.database.transaction() as tx:
        met, took = limits_met(tx, actor, hours=hours), volumes(tx, actor, site)
        by_programs = token_volumes(tx, actor, volume_of(settings))
    return {
        "items": met,
        "volumes": took,
        "token_volumes": by_programs,
        "limits": {
            "new_associations_per_minute": settings.dimse_new_per_minute, "associations": settings.dimse_max_associations,
            "associations_of_address": settings.dimse_max_per_peer, "hourly_instances": settings.dimse_hourly_instances,
            "hourly_bytes": settings.dimse_hourly_bytes, "token_hourly_instances": settings.web_hourly_instances,
            "token_hourly_bytes": settings.web_hourly_bytes, "requests_per_minute": settings.requests_per_minute,
            "sign_in_tries": settings.lock_tries, "sign_in_tries_of_address": settings.lock_address_tries, "sign_in_minutes": settings.lock_minutes,
        },
    }  # fmt: skip
