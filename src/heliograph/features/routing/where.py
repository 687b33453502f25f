"""Where is my study? Its life in order, in words, with the cause and the mend of whatever is wrong.

Each event carries a `code` with values for the translated page, and the English sentence for programs and the console.
"""

from datetime import datetime
from typing import Any

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, allowed, require, sees_held, visible
from heliograph.kit.time import now
from heliograph.standards.dicom import names

_MOST = 20
_STALLED_S = 600
Event = dict[str, Any]


def answers(tx: Tx, actor: Actor, text: str) -> tuple[list[dict[str, Any]], bool]:
    """One answer per study that the text means: a name, an identifier, an accession number or a UID; then held objects without a
    study. True when there are more than are told (safety guard 12). Who answers records it (`Services.note_read`)."""
    require(actor, "study.read")
    studies = _studies(tx, actor, text)
    found = [_study_answer(tx, actor, row) for row in studies[:_MOST]]
    lonely = _lonely_held(tx, actor, text) if allowed(actor, "quarantine.read") else []
    found += lonely[:_MOST]
    return found, len(studies) > _MOST or len(lonely) > _MOST


def _studies(tx: Tx, actor: Actor, text: str) -> list[tuple[Any, ...]]:
    condition, values = visible(actor, "st")
    known = {f"visible_{number}": value for number, value in enumerate(values)}
    for name in known:
        condition = condition.replace("%s", f"%({name})s", 1)
    folded = names.fold(text)
    grams = names.trigrams(folded)
    by_name = (
        "or (st.search_grams @> %(grams)s::int4[] and position(%(folded)s in st.patient_name_folded) > 0)"
        if len(grams) > 0
        else ""
    )
    rows = tx.execute(
        "select st.id, st.study_uid, st.patient_name, st.study_date, st.description, st.instance_count, st.series_count, st.received_at, "
        "st.last_received_at, st.settled_at, st.held_count, st.unverified, st.source from study st where "
        + condition
        + " and (st.study_uid = %(text)s or st.accession_number = %(text)s or st.patient_id = %(text)s "
        + "or st.id = (select se.study_fk from series se where se.series_uid = %(text)s and se.tenant_id = st.tenant_id) "
        + "or st.id = (select se.study_fk from instance i join series se on se.id = i.series_fk where i.sop_uid = %(text)s "
        + f"and i.tenant_id = st.tenant_id) {by_name}) order by st.received_at desc limit %(most)s",
        known | {"text": text, "grams": grams, "folded": folded, "most": _MOST + 1},
    )
    return rows.fetchall()


def _study_answer(tx: Tx, actor: Actor, row: tuple[Any, ...]) -> dict[str, Any]:
    (
        study_id,
        study_uid,
        name,
        date,
        description,
        instances,
        series,
        received,
        last,
        settled,
        held,
        unverified,
        source,
    ) = row
    events: list[Event] = []
    events += _arrivals(tx, study_id)
    if settled is None:
        events.append(_receiving(last, instances, source))
    else:
        events.append(
            _event(
                settled,
                "settled",
                f"complete: {_objects(instances)} in {series} series",
                "ok",
                count=instances,
                series=series,
            )
        )
    if unverified:
        events.append(_event(
            received, "unverified", f"sent by {source}, a device that nobody has registered", "warning",
            mend=("register_device", "Accept the device", "/devices"), source=source,
        ))  # fmt: skip
    if held:
        events += _held(tx, actor, study_id)
    events += _sends(tx, study_id)
    events.sort(key=lambda event: event["at"])
    return {
        "what": " · ".join(part for part in (names.display(name), date, description) if part) or study_uid,
        "study_id": str(study_id),
        "study_uid": study_uid,
        "events": events,
    }


def _arrivals(tx: Tx, study_id: int) -> list[Event]:
    rows = tx.execute(
        "select a.source, a.door, a.address, min(i.received_at), count(*) from instance i join series se on se.id = i.series_fk "
        "join arrival a on a.id = i.arrival_id where se.study_fk = %s group by a.id, a.source, a.door, a.address order by 4 desc limit 50",
        (study_id,),
    )
    return [
        _event(at, "received", f"{_objects(count)} received from {source}", "ok", count=count, source=source, door=door)
        for source, door, _address, at, count in rows
    ]


def _receiving(last: datetime, instances: int, source: str) -> Event:
    if (now() - last).total_seconds() > _STALLED_S:
        return _event(
            last, "stalled", f"{_objects(instances)} came, then nothing more", "warning",
            mend=("send_again", f"Send it again from {source}: what is here already is recognised", "/jobs"), count=instances, source=source,
        )  # fmt: skip
    return _event(last, "receiving", f"still receiving, {_objects(instances)} so far", "info", count=instances)


def _held(tx: Tx, actor: Actor, study_id: int) -> list[Event]:
    rows = tx.execute(
        "select reason_code, reason, count(*), max(received_at) from held where study_fk = %s and state = 'held' "
        "group by reason_code, reason order by 4 limit 20",
        (study_id,),
    )
    may = allowed(actor, "quarantine.manage")
    mend = ("decide", "Compare and decide", "/quarantine") if may else ("ask", "Ask an administrator to decide", "")
    return [
        _event(at, "held", f"{_are(count)} held back: {reason}", "critical", mend=mend, count=count, reason=code)
        for code, reason, count, at in rows
    ]


def _sends(tx: Tx, study_id: int) -> list[Event]:
    rows = tx.execute(
        "select n.name, s.state, s.done, s.total, s.error, s.created_at, s.finished_at, s.next_attempt_at from send s "
        "join remote_node n on n.id = s.node_id where s.study_fk = %s order by s.created_at desc limit 50",
        (study_id,),
    )
    events = []
    for node, state, done, total, error, created, finished, _next in rows:
        at = finished or created
        if state == "done":
            events.append(_event(at, "sent", f"sent to {node}: {_objects(done)}", "ok", node=node, count=done))
        elif state in {"failed", "waiting"}:
            severity = "critical" if state == "failed" else "warning"
            words = (
                f"not sent to {node}: {error or 'no answer'}"
                if state == "failed"
                else f"waiting to send to {node} again: {error or 'no answer'}"
            )
            events.append(
                _event(
                    at,
                    f"send_{state}",
                    words,
                    severity,
                    mend=("resend", "Look at the queue and send again", "/sending"),
                    node=node,
                    error=error or "",
                )
            )
        elif state != "cancelled":
            events.append(
                _event(
                    at,
                    "sending",
                    f"being sent to {node}: {done} of {total}",
                    "info",
                    node=node,
                    count=done,
                    total=total,
                )
            )
    return events


def _lonely_held(tx: Tx, actor: Actor, text: str) -> list[dict[str, Any]]:
    seen, values = sees_held(actor, "held")
    rows = tx.execute(
        "select study_uid, source, reason_code, reason, count(*), max(received_at) from held where tenant_id = %s and state = 'held' "
        "and study_fk is null and study_uid <> '' and (study_uid = %s or sop_uid = %s or series_uid = %s "
        "or exists (select 1 from jsonb_array_elements(difference) d where d->>'stored' = %s or d->>'held' = %s)) "
        f"and {seen} group by 1, 2, 3, 4 order by 6 desc limit 21",
        (actor.tenant_id, text, text, text, text, text, *values),
    )
    return [
        {
            "what": study_uid,
            "study_uid": study_uid,
            "events": [_event(
                at, "held", f"{_objects(count)} from {source} held back: {reason}", "critical",
                mend=("decide", "Compare and decide", "/quarantine"), count=count, source=source, reason=code,
            )],
        }
        for study_uid, source, code, reason, count, at in rows
    ]  # fmt: skip


def _objects(count: int) -> str:
    return f"{count} object" if count == 1 else f"{count} objects"


def _are(count: int) -> str:
    return f"{_objects(count)} {'is' if count == 1 else 'are'}"


def _event(
    at: datetime, code: str, text: str, severity: str, *, mend: tuple[str, str, str] | None = None, **values: Any
) -> Event:
    made: Event = {"at": at, "code": code, "text": text, "severity": severity, "values": values}
    if mend is not None:
        made["mend"] = {"code": mend[0], "text": mend[1], "link": mend[2]}
    return made
