"""Sends: studies and series on their way to other nodes, durable, tried again until they arrive."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from heliograph.engine.db import Database, Tx
from heliograph.engine.events import announce
from heliograph.engine.jobs import defer, enqueue
from heliograph.features.access import Actor, note, require, sees, visible
from heliograph.features.archive.settle import STUDY_SETTLED
from heliograph.features.routing.model import Node, Outgoing, Send, wait_s
from heliograph.features.routing.nodes import find_node
from heliograph.kit.errors import Absent, Busy, Conflict, HeliographError
from heliograph.kit.ids import new_id
from heliograph.kit.time import monotonic_s, now

SEND_WORK = "send"
RETRIEVE_WORK = "retrieve"
_PATIENCE_S = 10.0
OPEN_STATES = ("queued", "sending", "waiting")
_COLUMNS = (
    "s.id, s.tenant_id, s.study_fk, s.series_fk, n.id, n.tenant_id, n.name, n.aet, n.host, n.port, n.tls, n.tls_fingerprint, s.state, s.done, s.total, s.failed, "
    "s.attempts, s.sent_through, s.next_attempt_at, coalesce(s.error, ''), s.created_at"
)
_FROM = "from send s join remote_node n on n.id = s.node_id"


def request_send(
    tx: Tx, actor: Actor, study_id: int, node_id: UUID | str, *, series_id: int | None = None, rule_id: UUID | None = None,
    sent_through: int = 0,
) -> UUID:  # fmt: skip
    """Writes the send and its queue entry in this transaction; Absent when the study, series or node is not there for the actor."""
    require(actor, "send.create")
    node = find_node(tx, actor.tenant_id, node_id)
    condition, parameters = visible(actor, "st", "study.export")
    there = tx.execute(
        f"select 1 from study st where st.id = %s and {condition} "
        "and (%s::bigint is null or exists (select 1 from series se where se.id = %s and se.study_fk = st.id))",
        (study_id, *parameters, series_id, series_id),
    ).fetchone()
    if there is None:
        raise Absent("no such study or series", code="no_study")
    send_id = new_id()
    tx.execute(
        "insert into send (id, tenant_id, study_fk, series_fk, node_id, rule_id, sent_through, next_attempt_at, requested_by, created_at) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (send_id, actor.tenant_id, study_id, series_id, node.id, rule_id, sent_through, now(), actor.label, now()),
    )
    note(tx, actor, "send.requested", {"send": str(send_id), "study": study_id, "node": str(node.id)})
    _queue(tx, send_id, node.id)
    return send_id


def request_retrieve(tx: Tx, actor: Actor, node_id: UUID | str, study_uid: str) -> UUID:
    """Writes the watched job that fetches a study from a node."""
    require(actor, "node.query")
    require(actor, "study.store")
    node = find_node(tx, actor.tenant_id, node_id)
    note(tx, actor, "retrieve.requested", {"study_uid": study_uid, "node": str(node.id)})
    arguments = {"node_id": str(node.id), "study_uid": study_uid}
    title = f"Fetch a study from {node.name}"
    return enqueue(tx, actor.tenant_id, RETRIEVE_WORK, title, arguments, actor.label, unit="objects")


def sends(
    tx: Tx, actor: Actor, *, state: str | None = None, limit: int = 100, before: str | None = None
) -> list[dict[str, Any]]:
    """Sends, latest first; `before` is the id of the last one seen. The state `open` stands for all that have not ended."""
    require(actor, "send.create")
    states = list(OPEN_STATES) if state == "open" else [state] if state else None
    seen, values = sees(actor, "s.study_fk")
    rows = tx.execute(
        f"select {_COLUMNS}, st.modalities, st.accession_number, st.study_date, se.number {_FROM} "
        "join study st on st.id = s.study_fk left join series se on se.id = s.series_fk "
        "where s.tenant_id = %s and (%s::text[] is null or s.state = any(%s)) and (%s::uuid is null or s.id < %s) "
        f"and {seen} order by s.id desc limit %s",
        (actor.tenant_id, states, states, _uuid_or_none(before), _uuid_or_none(before), *values, limit),
    )
    return [_as_dict(_send(row), row[21:]) for row in rows]


def resend(tx: Tx, actor: Actor, send_id: UUID | str) -> None:
    """Sends everything again when it ended, or tries at once when it waits."""
    require(actor, "send.create")
    _check_known(tx, actor, send_id)
    row = tx.execute(
        "update send set state = 'queued', error = null, finished_at = null, next_attempt_at = %s, "
        "sent_through = case when state = 'waiting' then sent_through else 0 end, "
        "done = case when state = 'waiting' then done else 0 end, failed = case when state = 'waiting' then failed else 0 end, "
        "attempts = case when state = 'waiting' then attempts else 0 end "
        "where id = %s and tenant_id = %s and state in ('waiting', 'done', 'failed', 'cancelled') returning node_id",
        (now(), _uuid_or_none(send_id), actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Conflict("the send is under way", code="send_under_way")
    note(tx, actor, "send.repeated", {"send": str(send_id)})
    _queue(tx, UUID(str(send_id)), row[0])


def cancel_send(tx: Tx, actor: Actor, send_id: UUID | str) -> None:
    """Ends a send that has not ended; what was sent stays sent."""
    require(actor, "send.create")
    _check_known(tx, actor, send_id)
    row = tx.execute(
        "update send set state = 'cancelled', next_attempt_at = null, finished_at = %s "
        "where id = %s and tenant_id = %s and state in ('queued', 'sending', 'waiting') returning 1",
        (now(), _uuid_or_none(send_id), actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Conflict("the send has ended", code="send_ended")
    note(tx, actor, "send.cancelled", {"send": str(send_id)})


def _check_known(tx: Tx, actor: Actor, send_id: UUID | str) -> None:
    seen, values = sees(actor, "s.study_fk")
    found = tx.execute(
        f"select 1 from send s where s.id = %s and s.tenant_id = %s and {seen}",
        (_uuid_or_none(send_id), actor.tenant_id, *values),
    )
    if found.fetchone() is None:
        raise Absent("no such send", code="no_send")


# ---- for the job that does it ------------------------------------------------------------------------------------


def begin(tx: Tx, send_id: UUID) -> Send | None:
    """Claims a send for an attempt; None when it is no longer wanted."""
    row = tx.execute(
        "update send set state = 'sending', attempts = attempts + 1, next_attempt_at = null, "
        "total = done + failed + (select count(*) from instance i join series se on se.id = i.series_fk "
        "where se.study_fk = send.study_fk and (send.series_fk is null or se.id = send.series_fk) and i.id > send.sent_through) "
        "where id = %s and state in ('queued', 'sending', 'waiting') returning 1",
        (send_id,),
    ).fetchone()
    return _load(tx, send_id) if row is not None else None


def outgoing(tx: Tx, send: Send, *, limit: int = 2000) -> list[Outgoing]:
    """The next objects behind `sent_through`, in the order of their numbers. Whoever has drawn a lower number has committed."""
    _wait_for_writers(tx)
    rows = tx.execute(
        "select i.id, i.sop_class_uid, i.sop_uid, i.transfer_syntax_uid, i.blob, i.size_bytes, i.prefix_bytes "
        "from instance i join series se on se.id = i.series_fk and se.tenant_id = i.tenant_id "
        "where i.tenant_id = %s and se.study_fk = %s and (%s::bigint is null or se.id = %s) and i.id > %s order by i.id limit %s",
        (send.tenant_id, send.study_id, send.series_id, send.series_id, send.sent_through, limit),
    )
    return [Outgoing(*row) for row in rows]


def _wait_for_writers(tx: Tx) -> None:
    """Numbers are drawn in one order and committed in another: the one that commits late would be stepped over for ever.
    So this waits for the transactions that are writing objects now, a few milliseconds each, and stops nobody."""
    waiting, since = _writers(tx), monotonic_s()
    while waiting:
        if monotonic_s() - since > _PATIENCE_S:
            raise Busy("objects are being written for too long", code="database_busy")
        time.sleep(0.01)
        waiting &= _writers(tx)


def _writers(tx: Tx) -> set[str]:
    rows = tx.execute(
        "select virtualtransaction from pg_locks where locktype = 'relation' and relation = 'instance'::regclass and granted "
        "and mode = 'RowExclusiveLock' and database = (select oid from pg_database where datname = current_database()) "
        "and pid <> pg_backend_pid()"
    )
    return {row[0] for row in rows}


def keep_progress(tx: Tx, send_id: UUID, *, done: int, failed: int, sent_through: int) -> bool:
    """Stores how far it is; False when somebody cancelled, and nothing is stored then: it may have been asked for again."""
    row = tx.execute(
        "update send set done = %s, failed = %s, sent_through = %s where id = %s and state = 'sending' returning 1",
        (done, failed, sent_through, send_id),
    ).fetchone()
    return row is not None


def put_off(tx: Tx, send: Send, error: HeliographError) -> None:
    """The node cannot be reached or is full: tried again later, or given up after very many attempts."""
    seconds = wait_s(send.attempts)
    if seconds is None:
        _end(tx, send, "failed", f"given up after {send.attempts} attempts: {error.message}")
        return
    row = tx.execute(
        "update send set state = 'waiting', next_attempt_at = %s, error = %s where id = %s and state = 'sending' "
        "returning 1",
        (now() + timedelta(seconds=seconds), error.message, send.id),
    ).fetchone()
    if row is not None and send.attempts == 1:
        announce(tx, send.tenant_id, "SendWaits", _subject(send))


def finish(tx: Tx, send: Send, state: str, error: str | None = None) -> None:
    """Every object was answered. What came or was corrected meanwhile is looked for once more: while a send was open, no rule made
    another."""
    _end(tx, send, state, error)
    rule = tx.execute("select rule_id from send where id = %s", (send.id,)).fetchone()
    if rule is not None and rule[0] is not None:
        arguments = {"study_id": send.study_id, "is_look_back": True}
        defer(tx, STUDY_SETTLED, arguments, lock=f"study:{send.study_id}")


def _end(tx: Tx, send: Send, state: str, error: str | None) -> None:
    row = tx.execute(
        "update send set state = %s, error = %s, finished_at = %s, next_attempt_at = null where id = %s and state = 'sending' "
        "returning 1",
        (state, error, now(), send.id),
    ).fetchone()
    if row is not None:  # else somebody cancelled it
        announce(tx, send.tenant_id, "SendFinished" if state == "done" else "SendFailed", _subject(send))


def wake(database: Database) -> int:
    """Queues every waiting send whose time has come; the count."""
    with database.transaction() as tx:
        rows = tx.execute(
            "update send set state = 'queued' where state = 'waiting' and next_attempt_at <= %s returning id, node_id",
            (now(),),
        ).fetchall()
        for send_id, node_id in rows:
            _queue(tx, send_id, node_id)
    return len(rows)


def put_back(database: Database) -> int:
    """Queues again what is under way and stands in no queue: its work failed for good, or the queue lost it. The count."""
    with database.transaction() as tx:
        rows = tx.execute(
            "select id, node_id from send where state in ('queued', 'sending') and id::text not in "
            "(select args->>'send_id' from procrastinate_jobs where task_name = %s and status in ('todo', 'doing') "
            "and args->>'send_id' is not null) for update skip locked",
            (SEND_WORK,),
        ).fetchall()
        for send_id, node_id in rows:
            _queue(tx, send_id, node_id)
    return len(rows)


def has_study(tx: Tx, tenant_id: int, study_uid: str) -> bool:
    """Whether anything of a study that was fetched is here."""
    row = tx.execute(
        "select 1 from study where tenant_id = %s and study_uid = %s and instance_count > 0", (tenant_id, study_uid)
    ).fetchone()
    return row is not None


def _queue(tx: Tx, send_id: UUID, node_id: UUID) -> None:
    """One send after another to each node, so that an outage is met once and not by all at the same time."""
    defer(tx, SEND_WORK, {"send_id": str(send_id)}, lock=f"node:{node_id}", once=f"send:{send_id}")


def _load(tx: Tx, send_id: UUID) -> Send:
    row = tx.execute(f"select {_COLUMNS} {_FROM} where s.id = %s", (send_id,)).fetchone()
    assert row is not None
    return _send(row)


def _send(row: tuple[Any, ...]) -> Send:
    send_id, tenant_id, study_id, series_id, *rest = row
    state, done, total, failed, attempts, sent_through, next_attempt_at, error, created_at = rest[8:17]
    return Send(
        send_id, tenant_id, study_id, series_id, Node(*rest[:8]), state, done, total, failed, attempts, sent_through, next_attempt_at, error,
        created_at,
    )  # fmt: skip


def _as_dict(send: Send, about: tuple[Any, ...]) -> dict[str, Any]:
    modalities, accession, study_date, series_number = about
    words = ["/".join(modalities), study_date, accession] + ([f"series {series_number}"] if send.series_id else [])
    return {
        "id": str(send.id), "study_id": str(send.study_id), "what": " ".join(word for word in words if word), "node": send.node.name,
        "state": send.state, "done": send.done, "total": send.total, "failed": send.failed, "attempts": send.attempts,
        "next_attempt_at": send.next_attempt_at, "error": send.error or None, "created_at": send.created_at,
    }  # fmt: skip


def _subject(send: Send) -> dict[str, Any]:
    return {"send": str(send.id), "study": send.study_id, "node": str(send.node.id)}


def _uuid_or_none(value: UUID | str | None) -> UUID | None:
    try:
        return value if isinstance(value, UUID) or value is None else UUID(value)
    except ValueError:
        return None
