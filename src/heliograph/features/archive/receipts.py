"""What the archive knows about the receiving of one object, for its proof."""

from heliograph.engine.audit.export import Received
from heliograph.engine.db import Tx
from heliograph.features.access import Actor, note, visible
from heliograph.kit.errors import Absent


def received(tx: Tx, actor: Actor, sop_uid: str) -> tuple[Received, str]:
    """The object as its row tells, and where its bytes are; audited as a read. Raises Absent."""
    condition, values = visible(actor, "st")
    row = tx.execute(
        "select i.tenant_id, i.arrival_id, i.sop_uid, i.sha256, i.received_at, i.blob, st.id, st.study_uid from instance i "
        f"join series se on se.id = i.series_fk join study st on st.id = se.study_fk where {condition} and i.tenant_id = %s and i.sop_uid = %s",
        (*values, actor.tenant_id, sop_uid),
    ).fetchone()
    if row is None:
        raise Absent("no such instance", code="no_instance")
    tenant, arrival, uid, sha256, at, blob, study, study_uid = row
    note(tx, actor, "study.read", {"study": study, "study_uid": study_uid}, detail={"door": "proof"})
    return Received(tenant, arrival, uid, bytes(sha256), at), blob
