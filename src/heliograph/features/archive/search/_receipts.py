"""What the archive calls the objects that a request has just brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from heliograph.engine.db import Tx


@dataclass(frozen=True, slots=True)
class Receipt:
    """The identifiers of one stored or held object."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class_uid: str


def receipts(tx: Tx, instance_ids: Sequence[int], held_ids: Sequence[UUID]) -> dict[int | UUID, Receipt]:
    """Identifiers by instance or held id. Only for the actor who brought them: there is no other check."""
    found: dict[int | UUID, Receipt] = {}
    if instance_ids:
        rows = tx.execute(
            "select i.id, st.study_uid, se.series_uid, i.sop_uid, i.sop_class_uid from instance i join series se on se.id = i.series_fk "
            "join study st on st.id = se.study_fk where i.id = any(%s::bigint[])",
            (list(instance_ids),),
        )
        found |= {row[0]: Receipt(*row[1:]) for row in rows}
    if held_ids:
        held = tx.execute(
            "select id, study_uid, series_uid, sop_uid, sop_class_uid from held where id = any(%s::uuid[])",
            (list(held_ids),),
        )
        found |= {row[0]: Receipt(*row[1:]) for row in held}
    return found
