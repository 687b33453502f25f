"""The stored objects that a retrieval means, in the order they are given back."""

from dataclasses import dataclass

from heliograph.engine.db import Tx
from heliograph.features.access import Actor
from heliograph.features.archive.search._sql import FROM, compile_filter
from heliograph.kit.errors import Invalid
from heliograph.standards.dicom.query import Level, Query


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """The present version of one instance and where its bytes are."""

    instance_id: int
    study_id: int
    sop_class_uid: str
    sop_uid: str
    transfer_syntax_uid: str
    blob: str
    size_bytes: int
    prefix_bytes: int


def stored_instances(tx: Tx, actor: Actor, query: Query) -> list[StoredInstance]:
    """Instances of an IMAGE level query by unique keys, series by series. Raises Invalid when a key cannot be matched by the index."""
    found = compile_filter(query, actor)
    if query.level is not Level.IMAGE or found.unsupported:
        raise Invalid("only unique keys select what is retrieved", code="not_a_unique_key")
    rows = tx.execute(
        "select i.id, st.id, i.sop_class_uid, i.sop_uid, i.transfer_syntax_uid, i.blob, i.size_bytes, i.prefix_bytes "
        f"from {FROM[Level.IMAGE]} where {found.where} "
        "order by st.id, se.number nulls last, se.id, i.number nulls last, i.id",
        found.where.parameters,
    )
    return [StoredInstance(*row) for row in rows]
