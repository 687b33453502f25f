"""Conditions that a person must know of: raised once, told once by webhook or mail, cleared when they are over (guard 14)."""

import json
import re
import smtplib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from http.client import HTTPException
from typing import Any
from uuid import UUID

from heliograph.engine import egress, secrets, telemetry
from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database, Tx
from heliograph.engine.events import announce
from heliograph.features import access
from heliograph.features.access import HOUSE, Actor, note, require
from heliograph.features.access.limits import met_lately
from heliograph.features.access.peers.certificates import WARN_DAYS
from heliograph.kit.errors import Absent, HeliographError
from heliograph.kit.ids import new_id
from heliograph.kit.settings import Settings
from heliograph.kit.time import now

_STALLED_S = 900
_LIMITS_MINUTES = 15.0
_LONG_ATTEMPTS = 6  # the pauses before it come to more than an hour
# Nothing that a look could see tells when these are over: they stay until somebody acknowledges them.
_TOLD_ONCE = ("verification",)


@dataclass(frozen=True, slots=True)
class Condition:
    """`key` tells conditions of one kind apart; `mend` is what the reader does next."""

    key: str
    kind: str
    severity: str
    message: str
    mend: str


@dataclass(frozen=True, slots=True)
class _Said:
    """What an open alarm says."""

    severity: str
    message: str
    is_acknowledged: bool

    def is_less_than(self, condition: Condition) -> bool:
        """Another severity; or somebody looks after three failed sends, and now there are four."""
        if self.severity != condition.severity:
            return True
        return self.is_acknowledged and _amount(condition.message) > _amount(self.message)


def _amount(message: str) -> int:
    """The number that a message begins with, 0 for one without."""
    first = message.partition(" ")[0]
    return int(first) if first.isdecimal() else 0


def look(database: Database, blobs: Blobs, settings: Settings) -> None:
    """Compares what holds now with what is open; called by the worker every quarter of a minute."""
    with database.transaction() as tx:
        for (tenant_id,) in tx.execute("select id from tenant where closed_at is null order by id").fetchall():
            of_all = (
                *_work(tx, tenant_id),
                *_receive(tx, tenant_id),
                *_devices(tx, tenant_id),
                *_glass(tx, tenant_id),
                *_limits(tx, tenant_id),
            )
            of_house = (*_disk(blobs, settings), *_steps(tx), *_audit(tx), *_certificates(settings))
            _compare(tx, tenant_id, (*of_all, *of_house) if tenant_id == HOUSE else of_all)
    _tell(database, settings)


def _compare(tx: Tx, tenant_id: int, conditions: Iterable[Condition]) -> None:
    found = {c.key: c for c in conditions}
    rows = tx.execute(
        "select key, severity, message, acknowledged_by is not null from alarm where tenant_id = %s and cleared_at is null and kind <> all(%s)",
        (tenant_id, list(_TOLD_ONCE)),
    ).fetchall()
    said = {row[0]: _Said(*row[1:]) for row in rows}
    # One that got worse is a new alarm: who was told of the lesser one, or has acknowledged it, must hear of it.
    for key in (key for key, old in said.items() if key not in found or old.is_less_than(found[key])):
        _clear(tx, tenant_id, key)
    for key, condition in found.items():
        old = said.get(key)
        if old is None or old.is_less_than(condition):
            _raise(tx, tenant_id, condition)
        elif old.message != condition.message:
            tx.execute(
                "update alarm set message = %s, mend = %s where tenant_id = %s and key = %s and cleared_at is null",
                (condition.message, condition.mend, tenant_id, key),
            )


def raise_alarm(tx: Tx, condition: Condition, tenant_id: int = HOUSE) -> None:
    """Raises one that `look` does not find by itself (a verification fault); stays until acknowledged."""
    taken = tx.execute(
        "select 1 from alarm where tenant_id = %s and key = %s and cleared_at is null", (tenant_id, condition.key)
    ).fetchone()
    if taken is None:
        _raise(tx, tenant_id, condition)


def open_alarms(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    require(actor, "alarm.read")
    rows = tx.execute(
        "select id, kind, severity, message, mend, since, acknowledged_by, key from alarm where tenant_id = %s and cleared_at is null "
        "order by severity, since desc",
        (actor.tenant_id,),
    )
    keys = ("id", "kind", "severity", "message", "mend", "since", "acknowledged_by")
    return [dict(zip(keys, row[:7], strict=True)) | _sentence(row[7], row[2], row[3]) for row in rows]


def _sentence(key: str, severity: str, message: str) -> dict[str, Any]:
    """Name and values of the sentence, for readers of other languages: each of ours has one number at most."""
    name, _, rest = key.partition(":")
    number = re.search(r"\d+", message)
    if name == "stalled":
        return {"code": name, "values": {"source": rest}}
    if name == "disk":
        unit = "megabytes" if severity == "critical" else "gigabytes"
        return {"code": f"disk_{severity}", "values": {unit: int(number[0])} if number else {}}
    return {"code": name, "values": {"count": int(number[0])} if number else {}}


def acknowledge_alarm(tx: Tx, actor: Actor, alarm_id: UUID) -> None:
    """Somebody looks after it; one that no duty watches is over with that."""
    require(actor, "alarm.manage")
    row = tx.execute(
        "update alarm set acknowledged_by = %s, cleared_at = case when kind = any(%s) then %s else cleared_at end "
        "where id = %s and tenant_id = %s and cleared_at is null returning 1",
        (actor.name, list(_TOLD_ONCE), now(), alarm_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such alarm", code="no_alarm")
    note(tx, actor, "alarm.acknowledged", {"alarm": str(alarm_id)})
    announce(tx, actor.tenant_id, "AlarmAcknowledged", {"alarm": str(alarm_id)})


def _raise(tx: Tx, tenant_id: int, condition: Condition) -> None:
    tx.execute(
        "insert into alarm (id, tenant_id, key, kind, severity, message, mend, since) values (%s,%s,%s,%s,%s,%s,%s,%s) on conflict do nothing",
        (
            new_id(),
            tenant_id,
            condition.key,
            condition.kind,
            condition.severity,
            condition.message,
            condition.mend,
            now(),
        ),
    )
    announce(tx, tenant_id, "AlarmRaised", {"key": condition.key})


def _clear(tx: Tx, tenant_id: int, key: str) -> None:
    tx.execute(
        "update alarm set cleared_at = %s where tenant_id = %s and key = %s and cleared_at is null",
        (now(), tenant_id, key),
    )
    announce(tx, tenant_id, "AlarmCleared", {"key": key})


def _disk(blobs: Blobs, settings: Settings) -> Iterable[Condition]:
    free = blobs.free_bytes()
    if free < settings.reserve_bytes:
        yield Condition(
            "disk", "disk", "critical", f"The disk is full: {free >> 20} MB are free. New objects are refused; senders keep them.",
            "Free space or enlarge the disk. Receiving goes on by itself.",
        )  # fmt: skip
    elif free < settings.disk_warning_bytes:
        yield Condition(
            "disk", "disk", "warning", f"The disk is nearly full: {free >> 30} GB are free.", "Enlarge the disk soon."
        )


def _work(tx: Tx, tenant_id: int) -> Iterable[Condition]:
    row = tx.execute(
        "select count(*) from job where state = 'failed' and finished_at > now() - interval '1 day' and tenant_id = %s",
        (tenant_id,),
    ).fetchone()
    if row and row[0]:
        yield Condition(
            "jobs",
            "jobs",
            "warning",
            f"{row[0]} jobs failed in the last day.",
            "Look at their cause on the page Jobs and run them again.",
        )
    row = tx.execute("select count(*) from send where state = 'failed' and tenant_id = %s", (tenant_id,)).fetchone()
    if row and row[0]:
        yield Condition(
            "sends",
            "sends",
            "warning",
            f"{row[0]} studies could not be sent.",
            "Look at the cause on the page Sending and send again.",
        )
    row = tx.execute(
        "select count(*) from send where state = 'waiting' and attempts >= %s and tenant_id = %s",
        (_LONG_ATTEMPTS, tenant_id),
    ).fetchone()
    if row and row[0]:
        yield Condition(
            "sends_waiting", "sends", "warning", f"{row[0]} studies wait for a node that has not taken them for an hour.",
            "Look at the cause on the page Sending. They are tried again by themselves.",
        )  # fmt: skip


def _steps(tx: Tx) -> Iterable[Condition]:
    row = tx.execute(
        "select count(*) from procrastinate_jobs where status = 'failed' and queue_name = 'quick'"
    ).fetchone()
    if row and row[0]:
        yield Condition(
            "quick", "jobs", "warning", f"{row[0]} background steps failed for good.", "Run heliograph doctor."
        )


def _receive(tx: Tx, tenant_id: int) -> Iterable[Condition]:
    """A device whose association is open and silent, with a study half received, is stalled."""
    rows = tx.execute(
        "select distinct a.source from arrival a where a.tenant_id = %s and a.ended_at is null and a.door = 'dimse' and a.began_at < now() - make_interval(secs => %s) "
        "and a.began_at > now() - interval '1 day' and not exists (select 1 from study s where s.tenant_id = a.tenant_id and s.source = a.source "
        "and s.last_received_at > now() - make_interval(secs => %s)) limit 5",
        (tenant_id, _STALLED_S, _STALLED_S),
    )
    for (source,) in rows:
        yield Condition(
            f"stalled:{source}", "receive", "warning", f"{source} has an open transfer, but nothing arrives.",
            "Check the device and its network; it can send the rest again.",
        )  # fmt: skip


def _audit(tx: Tx) -> Iterable[Condition]:
    """A repository that has not taken the audit log for a minute; rows wait in the log until it does."""
    for name, error in tx.execute(
        "select name, error from audit_sent where failing_since < now() - interval '1 minute'"
    ).fetchall():
        yield Condition(
            f"audit_sent:{name}", "audit", "critical", f"The audit record repository does not take messages: {error}.",
            "Look at the repository, its certificate and audit.syslog. What waits is sent by itself.",
        )  # fmt: skip


def _certificates(settings: Settings) -> Iterable[Condition]:
    """Ours, a month before they end."""
    for name, days in secrets.ending(settings, WARN_DAYS):
        what = "certificate authority" if name == "ca" else "certificate of this server"
        mend = "Run heliograph ca renew." if name == "ca" else "Put a new one where tls.certificate points to."
        yield Condition(
            f"certificate_{name}", "certificates", "warning" if days > 0 else "critical",
            f"{max(days, 0)} days are left of the {what}.", mend,
        )  # fmt: skip


def _devices(tx: Tx, tenant_id: int) -> Iterable[Condition]:
    """Certificates of devices, a month before they end; one that has ended keeps somebody out."""
    over, soon = access.ending(tx, tenant_id)
    if over:
        yield Condition(
            "certificates_over", "certificates", "critical", f"{over} devices have only certificates that have ended; they are refused.",
            "heliograph device certificates shows them, heliograph device certify makes new ones.",
        )  # fmt: skip
    if soon:
        yield Condition(
            "certificates_soon", "certificates", "warning", f"{soon} devices have a certificate that ends within 30 days.",
            "heliograph device certificates shows them, heliograph device certify makes new ones.",
        )  # fmt: skip


def _glass(tx: Tx, tenant_id: int) -> Iterable[Condition]:
    """Emergency accesses that nobody has looked at in time."""
    row = tx.execute(
        "select count(*) from break_glass where tenant_id = %s and reviewed_at is null and review_due_at < %s",
        (tenant_id, now()),
    ).fetchone()
    if row and row[0]:
        yield Condition(
            "glass_unreviewed", "glass", "warning", f"{row[0]} emergency accesses wait for a review beyond their time.",
            "Who may review them finds them on the page Emergency access.",
        )  # fmt: skip


def _limits(tx: Tx, tenant_id: int) -> Iterable[Condition]:
    """Somebody asks for more than it may (N8)."""
    count = met_lately(tx, tenant_id, _LIMITS_MINUTES)
    if count:
        yield Condition(
            "limits", "limits", "warning", f"{count} requests were refused in the last 15 minutes, because there were too many.",
            "The page Security names who came to which limit. The settings of dimse and web say how much is allowed.",
        )  # fmt: skip


def _tell(database: Database, settings: Settings) -> None:
    """Tells new alarms outside, each way once; a way that is down is tried again at the next look. No transaction waits for it."""
    ways = {"webhook": _post} if settings.alarm_webhook else {}
    ways |= {"mail": _mail} if settings.alarm_email and settings.alarm_smtp else {}
    if not ways:
        return
    with database.transaction() as tx:
        rows = tx.execute(
            "select id, kind, severity, message, mend, since from alarm where cleared_at is null and notified_at is null limit 20"
        ).fetchall()
    for alarm_id, *facts in rows:
        names = ("kind", "severity", "message", "mend", "since")
        body = dict(zip(names, map(str, facts), strict=True)) | {"site": settings.site_name}
        left = [way for way in ways if (alarm_id, way) not in _told and not _told_by(ways[way], settings, body)]
        _told.update((alarm_id, way) for way in ways if way not in left)
        if not left:
            with database.transaction() as tx:
                tx.execute("update alarm set notified_at = %s where id = %s", (now(), alarm_id))
            _told.difference_update((alarm_id, way) for way in ways)


_told: set[tuple[UUID, str]] = set()
"""What went out by one way while the other was down; nobody wants it every quarter of a minute."""


def _told_by(way: Callable[[Settings, dict[str, str]], None], settings: Settings, body: dict[str, str]) -> bool:
    try:
        way(settings, body)
    except (HeliographError, OSError, HTTPException, smtplib.SMTPException, ValueError) as error:
        telemetry.trouble("alarm_not_told", error)
        return False
    return True


def _post(settings: Settings, body: dict[str, str]) -> None:
    open_too = egress.networks(settings.egress_networks)
    status = egress.post(
        settings.alarm_webhook, json.dumps(body).encode(), {"Content-Type": "application/json"}, also=open_too
    )
    if status >= 400:
        raise OSError(status, "the webhook refused the alarm")


def _mail(settings: Settings, body: dict[str, str]) -> None:
    message = EmailMessage()
    message["Subject"] = f"[{body['severity']}] {settings.site_name}: {body['message']}"[:150]
    message["From"] = settings.alarm_email
    message["To"] = settings.alarm_email
    message.set_content(f"{body['message']}\n\n{body['mend']}\n\nsince {body['since']}\n")
    host, _, port = settings.alarm_smtp.partition(":")
    with smtplib.SMTP(host, int(port or 25), timeout=10) as server:
        server.send_message(message)
