"""The archive's SQL on the way in. Each statement has its reason beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from heliograph.engine.db import Tx
from heliograph.features.archive.model import Arrival, Decision, Existing, Identity, Incoming
from heliograph.features.patients import Person

# One statement for a further instance of a known series: insert, then study, then series. Every transaction takes its locks in this
# order and in the order of keys, and a series that is not the one it was (a database that lost it gives its number again) adds nothing.
ADD_INSTANCE = """
with ins as (
    insert into instance (tenant_id, series_fk, sop_uid, sop_class_uid, transfer_syntax_uid, number, frame_count, rows, columns,
        bits_allocated, size_bytes, prefix_bytes, header_bytes, sha256, blob, problems, arrival_id, received_at)
    select %(tenant)s, %(series)s, %(sop_uid)s, %(sop_class_uid)s, %(transfer_syntax_uid)s, %(number)s, %(frame_count)s, %(rows)s,
        %(columns)s, %(bits_allocated)s, %(size)s, %(prefix_bytes)s, %(header_bytes)s, %(sha256)s, %(blob)s, %(problems)s,
        %(arrival)s, %(at)s::timestamptz
    where exists (select 1 from series where id = %(series)s and study_fk = %(study)s and series_uid = %(series_uid)s)
    on conflict (tenant_id, sop_uid) do nothing
    returning id, blob, frame_count, size_bytes, received_at
), st as (
    update study set instance_count = instance_count + 1, bytes = bytes + ins.size_bytes, revision = revision + 1,
        last_received_at = greatest(last_received_at, ins.received_at),
        settles_at = ins.received_at + make_interval(secs => %(study_quiet)s), settled_at = null
    from ins where study.id = %(study)s
    returning study.id
), se as (
    update series set instance_count = instance_count + 1, frame_count = least(series.frame_count::bigint + ins.frame_count, 2147483647),
        bytes = bytes + ins.size_bytes, revision = revision + 1, last_received_at = greatest(last_received_at, ins.received_at),
        settles_at = ins.received_at + make_interval(secs => %(series_quiet)s), settled_at = null
    from ins, st where series.id = %(series)s
    returning series.id
)
select ins.id, ins.blob from ins, se
"""

# The same for several.
ADD_INSTANCES = """
with incoming as (
    select * from json_to_recordset(%s::json) as r(tenant smallint, study bigint, series bigint, series_uid text, sop_uid text,
        sop_class_uid text, transfer_syntax_uid text, number int, frame_count int, rows int, columns int, bits_allocated smallint,
        size bigint, prefix_bytes int, header_bytes int, sha256 bytea, blob text, problems text[], arrival bigint, at timestamptz)
), ins as (
    insert into instance (tenant_id, series_fk, sop_uid, sop_class_uid, transfer_syntax_uid, number, frame_count, rows, columns,
        bits_allocated, size_bytes, prefix_bytes, header_bytes, sha256, blob, problems, arrival_id, received_at)
    select tenant, series, sop_uid, sop_class_uid, transfer_syntax_uid, number, frame_count, rows, columns, bits_allocated, size,
        prefix_bytes, header_bytes, sha256, blob, problems, arrival, at
    from incoming
    where exists (select 1 from series se where se.id = incoming.series and se.study_fk = incoming.study
        and se.series_uid = incoming.series_uid)
    order by sop_uid
    on conflict (tenant_id, sop_uid) do nothing
    returning id, blob
), added as (
    select ins.id, incoming.* from ins join incoming on incoming.blob = ins.blob
), st as (
    update study set instance_count = instance_count + a.count, bytes = study.bytes + a.bytes, revision = revision + 1,
        last_received_at = greatest(last_received_at, a.at), settles_at = a.at + make_interval(secs => %s), settled_at = null
    from (select study, count(*) as count, sum(size) as bytes, max(at) as at from added group by study order by study) a
    where study.id = a.study
    returning study.id
), se as (
    update series set instance_count = instance_count + a.count, frame_count = least(series.frame_count + a.frames, 2147483647),
        bytes = series.bytes + a.bytes, revision = revision + 1, last_received_at = greatest(last_received_at, a.at),
        settles_at = a.at + make_interval(secs => %s), settled_at = null
    from (select series, count(*) as count, sum(frame_count) as frames, sum(size) as bytes, max(at) as at from added
        group by series order by series) a
    where series.id = a.series and (select count(*) from st) > 0
    returning series.id
)
select id, blob from ins where (select count(*) from se) > 0
"""

_EXISTING = """
select i.id, i.sha256, se.id, se.series_uid, st.id, st.study_uid, a.source, i.version, i.blob, i.transfer_syntax_uid,
    i.received_at
from instance i join series se on se.id = i.series_fk join study st on st.id = se.study_fk join arrival a on a.id = i.arrival_id
where i.tenant_id = %s and i.sop_uid = %s
"""


def existing_instance(tx: Tx, tenant_id: int, sop_uid: str) -> Existing | None:
    row = tx.execute(_EXISTING, (tenant_id, sop_uid)).fetchone()
    return Existing(*row) if row else None


def has_version(tx: Tx, instance_id: int, sha256: bytes, transfer_syntax_uid: str) -> bool:
    """True when this very content was current once."""
    row = tx.execute(
        "select 1 from instance_version where instance_fk = %s and sha256 = %s and transfer_syntax_uid = %s",
        (instance_id, sha256, transfer_syntax_uid),
    ).fetchone()
    return row is not None


def study_row(tx: Tx, tenant_id: int, study_uid: str) -> tuple[int, int, Person] | None:
    """(study, patient, the patient's description) of a study."""
    row = tx.execute(
        "select st.id, p.id, p.patient_id, p.issuer, p.name, p.birth_date, p.sex from study st join patient p on p.id = st.patient_fk "
        "where st.tenant_id = %s and st.study_uid = %s",
        (tenant_id, study_uid),
    ).fetchone()
    return (row[0], row[1], Person(*row[2:])) if row else None


def series_row(tx: Tx, tenant_id: int, series_uid: str) -> tuple[int, int] | None:
    """(series, study) of a series."""
    row = tx.execute(
        "select id, study_fk from series where tenant_id = %s and series_uid = %s", (tenant_id, series_uid)
    ).fetchone()
    return (row[0], row[1]) if row else None


def insert_study(
    tx: Tx, tenant_id: int, patient_id: int, columns: dict[str, Any], at: datetime, settles: datetime
) -> int | None:
    """None when another transaction made it first. The patient's restriction is the study's from its first moment: the reference to
    the patient has waited for whoever restricts it."""
    values = columns | {
        "tenant_id": tenant_id, "patient_fk": patient_id, "received_at": at, "last_received_at": at, "settles_at": settles,
        "attributes": Jsonb(columns["attributes"]),
    }  # fmt: skip
    study_id = _insert(tx, "study", values, "(tenant_id, study_uid)")
    tx.execute(
        "update study st set restriction = p.restriction from patient p where st.id = %s and p.id = st.patient_fk and p.restriction <> ''",
        (study_id,),
    )
    return study_id


def insert_series(
    tx: Tx, tenant_id: int, study_id: int, columns: dict[str, Any], at: datetime, settles: datetime
) -> int | None:
    values = columns | {
        "tenant_id": tenant_id, "study_fk": study_id, "received_at": at, "last_received_at": at, "settles_at": settles,
        "attributes": Jsonb(columns["attributes"]),
    }  # fmt: skip
    return _insert(tx, "series", values, "(tenant_id, series_uid)")


def widen_study(
    tx: Tx, study_id: int, *, new_series: bool, modality: str, sop_class_uid: str, unverified: bool
) -> None:
    """Keeps the study's counters and computed sets (trap 37). Modalities that are no pictures come last in the sort key."""
    tx.execute(
        "update study set series_count = series_count + %s, "
        "modalities = case when %s = '' or %s = any(modalities) then modalities else array_append(modalities, %s) end, "
        "modality_key = case when modality_key = '' or (modality_key in ('SR','PR','KO','DOC','OT') and %s <> '') then %s else modality_key end, "
        "sop_classes = case when %s = any(sop_classes) then sop_classes else array_append(sop_classes, %s) end, "
        "unverified = unverified or %s where id = %s",
        (
            int(new_series),
            modality,
            modality,
            modality,
            modality,
            modality,
            sop_class_uid,
            sop_class_uid,
            unverified,
            study_id,
        ),
    )


def replace_instance(
    tx: Tx, existing: Existing, incoming: Incoming, columns: dict[str, Any], identity: Identity
) -> None:
    """The stored content becomes a version, the new one current, in one step: no moment without either."""
    at = incoming.received_at
    tx.execute(
        "insert into instance_version (tenant_id, instance_fk, version, sop_class_uid, transfer_syntax_uid, size_bytes, prefix_bytes, "
        "header_bytes, sha256, blob, arrival_id, received_at, superseded_at, verified_at) select tenant_id, id, version, sop_class_uid, "
        "transfer_syntax_uid, size_bytes, prefix_bytes, header_bytes, sha256, blob, arrival_id, received_at, %s, verified_at "
        "from instance where id = %s",
        (at, existing.id),
    )
    written = incoming.written
    row = tx.execute(
        "with old as (select size_bytes, frame_count from instance where id = %(id)s) "
        "update instance set sop_class_uid = %(sop_class_uid)s, transfer_syntax_uid = %(transfer_syntax_uid)s, number = %(number)s, "
        "frame_count = %(frame_count)s, rows = %(rows)s, columns = %(columns)s, bits_allocated = %(bits_allocated)s, size_bytes = %(size)s, "
        "prefix_bytes = %(prefix_bytes)s, header_bytes = %(header_bytes)s, sha256 = %(sha256)s, blob = %(blob)s, problems = %(problems)s, "
        "version = version + 1, arrival_id = %(arrival)s, received_at = %(at)s, verified_at = null where id = %(id)s "
        "returning (select size_bytes from old), (select frame_count from old)",
        columns | {
            "id": existing.id, "sop_class_uid": identity.sop_class_uid, "size": written.size_bytes, "sha256": written.sha256,
            "blob": written.ref, "arrival": incoming.arrival.id, "at": at,
        },
    ).fetchone()  # fmt: skip
    assert row is not None
    grown, frames = written.size_bytes - row[0], columns["frame_count"] - row[1]
    tx.execute(
        "update study set bytes = bytes + %s, revision = revision + 1, last_received_at = %s, settled_at = null where id = %s",
        (grown, at, existing.study_id),
    )
    tx.execute(
        "update series set bytes = bytes + %s, frame_count = least(frame_count::bigint + %s, 2147483647), revision = revision + 1, last_received_at = %s, "
        "settled_at = null where id = %s",
        (grown, frames, at, existing.series_id),
    )


def insert_older(tx: Tx, existing: Existing, incoming: Incoming, columns: dict[str, Any], identity: Identity) -> None:
    """A version behind the current one, which keeps its place: its number moves up by one, and nobody sees another picture."""
    written = incoming.written
    row = tx.execute(
        "update instance set version = version + 1 where id = %s returning version", (existing.id,)
    ).fetchone()
    assert row is not None
    tx.execute(
        "insert into instance_version (tenant_id, instance_fk, version, sop_class_uid, transfer_syntax_uid, size_bytes, prefix_bytes, "
        "header_bytes, sha256, blob, arrival_id, received_at, superseded_at) values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (
            incoming.arrival.tenant_id, existing.id, row[0] - 1, identity.sop_class_uid, columns["transfer_syntax_uid"],
            written.size_bytes, written.prefix_bytes, columns["header_bytes"], written.sha256, written.ref, incoming.arrival.id,
            incoming.received_at, existing.received_at,
        ),
    )  # fmt: skip


def wait_for_study(tx: Tx, tenant_id: int, study_uid: str) -> None:
    """Until this transaction ends, nobody else makes this study or holds an object for it while it is not there."""
    tx.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (tenant_id, study_uid))


def adopt_held(tx: Tx, tenant_id: int, study_uid: str, study_id: int) -> None:
    """Objects that were held before their study was there belong to it from now on, so that its reader hears of them."""
    wait_for_study(tx, tenant_id, study_uid)
    tx.execute(
        "with adopted as (update held set study_fk = %(study)s where tenant_id = %(tenant)s and study_uid = %(uid)s and state = 'held' "
        "and study_fk is null returning 1) "
        "update study set held_count = held_count + (select count(*) from adopted) where id = %(study)s and exists (select 1 from adopted)",
        {"study": study_id, "tenant": tenant_id, "uid": study_uid},
    )


def open_held(tx: Tx, tenant_id: int, sha256: bytes, reason: str) -> tuple[UUID, int | None] | None:
    """An undecided held object with the same bytes and reason."""
    row = tx.execute(
        "select id, study_fk from held where tenant_id = %s and sha256 = %s and reason_code = %s and state = 'held'",
        (tenant_id, sha256, reason),
    ).fetchone()
    return (row[0], row[1]) if row else None


def insert_held(
    tx: Tx,
    held_id: UUID,
    incoming: Incoming,
    identity: Identity | None,
    decision: Decision,
    reason_text: str,
    study_id: int | None,
) -> None:
    written, arrival = incoming.written, incoming.arrival
    uids: Sequence[str] = (
        ("", "", "", "") if identity is None
        else tuple(uid[:128] for uid in (identity.study_uid, identity.series_uid, identity.sop_uid, identity.sop_class_uid))
    )  # fmt: skip
    tx.execute(
        "insert into held (id, tenant_id, received_at, arrival_id, door, source, reason_code, reason, study_uid, series_uid, sop_uid, "
        "sop_class_uid, transfer_syntax_uid, study_fk, blob, size_bytes, prefix_bytes, sha256, difference) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (
            held_id, arrival.tenant_id, incoming.received_at, arrival.id, arrival.door, arrival.source, decision.reason, reason_text, *uids,
            incoming.header.transfer_syntax if incoming.header else "", study_id, written.ref, written.size_bytes, written.prefix_bytes,
            written.sha256, Jsonb([d.as_dict() for d in decision.difference]),
        ),
    )  # fmt: skip
    if study_id is not None:
        tx.execute("update study set held_count = held_count + 1, revision = revision + 1 where id = %s", (study_id,))


def insert_arrival(tx: Tx, arrival: dict[str, Any]) -> int:
    arrival_id = _insert(tx, "arrival", arrival, None)
    assert arrival_id is not None
    return arrival_id


# The studies that an arrival can have brought something to, then their instances by their keys: `instance` has no index of arrivals.
_BROUGHT = """
with candidate as materialized (
    select id, tenant_id, study_uid from study where settled_at is null or received_at >= %(since)s - interval '1 day'
)
select candidate.tenant_id, candidate.id, candidate.study_uid, found.arrival_id, found.count
from candidate cross join lateral (
    select i.arrival_id, count(*) as count from series se join instance i on i.series_fk = se.id
    where se.study_fk = candidate.id and i.arrival_id = any(%(arrivals)s) group by i.arrival_id
) found
"""


@dataclass(frozen=True, slots=True)
class CutOff:
    """What an arrival, whose process was killed, brought to one study."""

    arrival_id: int
    source: str
    actor: str
    tenant_id: int
    study_id: int
    study_uid: str
    count: int


def end_cut_off(tx: Tx, at: datetime) -> list[CutOff]:
    """Ends the arrivals that stand open, with the counts that the index tells."""
    ended = tx.execute(
        "update arrival set ended_at = %s, held = (select count(*) from held where held.arrival_id = arrival.id) "
        "where ended_at is null returning id, source, actor, began_at",
        (at,),
    ).fetchall()
    if not ended:
        return []
    known = {row[0]: (row[1], row[2]) for row in ended}
    rows = tx.execute(_BROUGHT, {"since": min(row[3] for row in ended), "arrivals": list(known)}).fetchall()
    brought = [
        CutOff(arrival, *known[arrival], tenant, study_id, study_uid, count)
        for tenant, study_id, study_uid, arrival, count in rows
    ]
    for one in brought:
        tx.execute("update arrival set stored = stored + %s where id = %s", (one.count, one.arrival_id))
    return brought


def brought(tx: Tx, study_id: int, arrival_id: int) -> list[tuple[str, bytes, datetime]]:
    """(SOP Instance UID, digest, instant) of what an arrival brought to a study."""
    rows = tx.execute(
        "select i.sop_uid, i.sha256, i.received_at from series se join instance i on i.series_fk = se.id "
        "where se.study_fk = %s and i.arrival_id = %s order by i.id",
        (study_id, arrival_id),
    ).fetchall()
    return [(sop_uid, bytes(sha256), received_at) for sop_uid, sha256, received_at in rows]


def arrival_row(tx: Tx, arrival_id: int) -> Arrival | None:
    row = tx.execute(
        "select id, tenant_id, door, source, unverified, issuer, site_id, department_id from arrival where id = %s",
        (arrival_id,),
    ).fetchone()
    return Arrival(*row) if row else None


def held_has_blob(tx: Tx, tenant_id: int, ref: str, sha256: bytes) -> bool:
    """True when a held object, decided or not, stands on this blob; recovery must not hold it again."""
    row = tx.execute(
        "select 1 from held where tenant_id = %s and sha256 = %s and blob = %s", (tenant_id, sha256, ref)
    ).fetchone()
    return row is not None


def _insert(tx: Tx, table: str, values: dict[str, Any], conflict: str | None) -> int | None:
    names = ", ".join(values)
    marks = ", ".join(f"%({name})s" for name in values)
    skip = f"on conflict {conflict} do nothing" if conflict else ""
    row = tx.execute(f"insert into {table} ({names}) values ({marks}) {skip} returning id", values).fetchone()
    return row[0] if row else None
