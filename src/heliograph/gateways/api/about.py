"""What this installation is and how it is set."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response

from heliograph import __version__
from heliograph.features import access
from heliograph.gateways.http import ActorDep, ServicesDep
from heliograph.kit.bill import MEDIA_TYPE, bill_of_materials
from heliograph.kit.settings import FIELDS

router = APIRouter(tags=["about"])
_SECRET = {"alarm_webhook", "database", "ldap_bind_password", "oidc_client_secret"}


@router.get("/about")
def about(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Version, where modalities send to, what is stored."""
    access.require(actor, "study.read")
    settings = services.settings
    (studies, seen), (held, also) = access.visible(actor, "st"), access.sees_held(actor, "held")
    with services.database.transaction() as tx:
        row = tx.execute(
            "select s.*, (select count(*) from held where tenant_id = %s and state = 'held' "
            f"and {held}) from (select count(*), coalesce(sum(st.instance_count), 0), coalesce(sum(st.bytes), 0) from study st where {studies}) s",
            (actor.tenant_id, *also, *seen),
        ).fetchone()
        name = access.called(tx, actor.tenant_id, settings.site_name)
        title = access.title_of(tx, actor.tenant_id, settings.aet)
    assert row is not None
    host, port = settings.dicom_address
    return {
        "version": __version__,
        "site": name,
        "dicom": {"aet": title, "host": host, "port": port},
        "dicomweb": "/dicom-web",
        "counts": {"studies": row[0], "instances": int(row[1]), "bytes": int(row[2]), "held": row[3]},
        "storage": {
            "kind": settings.blobs.split(":")[0],
            "free_bytes": services.blobs.free_bytes() if actor.tenant_id == access.HOUSE else None,
        },
    }


@router.get("/about/sbom")
def sbom(actor: ActorDep) -> Response:
    """What this build is made of: every package with version, licence and digests, as CycloneDX 1.6."""
    access.require(actor, "settings.read")
    return Response(bill_of_materials(), media_type=MEDIA_TYPE)


@router.get("/settings")
def settings(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Every setting, its value, where the value came from, and what it means."""
    access.require(actor, "settings.read")
    made = []
    for field in FIELDS:
        value = getattr(services.settings, field.name)
        shown: Any = str(value) if isinstance(value, Path) else value
        if field.name in _SECRET and shown not in {"", "embedded"}:
            shown = "(set)"
        made.append({
            "name": field.metadata["toml"] or field.name,
            "value": shown,
            "source": services.settings.sources.get(field.name, "default"),
            "doc": field.metadata["doc"],
        })  # fmt: skip
    return {"items": made}
