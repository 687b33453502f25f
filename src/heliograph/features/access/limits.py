"""What one caller may take or ask within a time, and who came to such a limit (N8).

What devices and programs took is counted in the database, in slots of five minutes, so that all processes and a restart know it. Who was refused is
kept by the minute: a flood is one row with a number.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from heliograph.engine.db import Database, Tx
from heliograph.engine.telemetry import LIMITED, trouble
from heliograph.features.access.model import HOUSE, Actor
from heliograph.features.access.policy import require
from heliograph.features.access.tenants import tenant_of_title
from heliograph.kit.errors import HeliographError
from heliograph.kit.time import now

What = Literal["associations", "volume", "requests", "sign_ins"]
_SLOT = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
_KEPT = timedelta(days=30)
_MOST_KEYS = 1000
_GATHER_S = 0.5


@dataclass(frozen=True, slots=True)
class Volume:
    """Objects and bytes; of a limit, None is without one."""

    instances: int | None = None
    bytes: int | None = None

    @property
    def is_none(self) -> bool:
        """Nothing is left."""
        return (self.instances is not None and self.instances <= 0) or (self.bytes is not None and self.bytes <= 0)


def left_of(tx: Tx, actor: Actor, site: Volume) -> Volume:
    """What a device may still take within this hour; `site` is what the settings say. Others than devices have no limit here."""
    if actor.kind != "device":
        return Volume()
    row = tx.execute(
        "select coalesce(d.hourly_instances, %(instances)s), coalesce(d.hourly_bytes, %(bytes)s), "
        "coalesce(sum(t.instances), 0), coalesce(sum(t.bytes), 0) from device d left join taken t on t.device_id = d.id and t.slot > %(since)s "
        "where d.id = %(device)s group by d.id",
        {"instances": site.instances or 0, "bytes": site.bytes or 0, "since": now() - _HOUR, "device": int(actor.id)},
    ).fetchone()
    if row is None:
        return Volume(0, 0)
    instances, size, had, had_bytes = row
    return Volume(instances - int(had) if instances else None, size - int(had_bytes) if size else None)


def note_taken(tx: Tx, actor: Actor, took: Volume) -> None:
    """Counts what a device was given."""
    if actor.kind != "device":
        return
    at = now()
    tx.execute(
        "insert into taken (device_id, slot, instances, bytes) select id, %s, %s, %s from device where id = %s "
        "on conflict (device_id, slot) do update set instances = taken.instances + excluded.instances, bytes = taken.bytes + excluded.bytes",
        (_slot(at), took.instances or 0, took.bytes or 0, int(actor.id)),
    )
    tx.execute("delete from taken where device_id = %s and slot < %s", (int(actor.id), at - 2 * _HOUR))


@dataclass(frozen=True, slots=True)
class Left:
    """Of an hour: how much, and in how many seconds something of it becomes free again."""

    volume: Volume
    opens_in_s: float


def token_left(tx: Tx, actor: Actor, site: Volume) -> Left:
    """What a program may still take within this hour; `site` is what the settings say."""
    at = now()
    row = tx.execute(
        "select coalesce(k.hourly_instances, %(instances)s), coalesce(k.hourly_bytes, %(bytes)s), coalesce(sum(t.instances), 0), "
        "coalesce(sum(t.bytes), 0), min(t.slot) from api_token k left join token_taken t on t.token_id = k.id and t.slot > %(since)s "
        "where k.id = %(token)s group by k.id",
        {"instances": site.instances or 0, "bytes": site.bytes or 0, "since": at - _HOUR, "token": UUID(actor.id)},
    ).fetchone()
    if row is None:
        return Left(Volume(0, 0), _HOUR.total_seconds())
    instances, size, had, had_bytes, oldest = row
    opens_in_s = (oldest + _HOUR - at).total_seconds() if oldest is not None else 0.0
    return Left(
        Volume(instances - int(had) if instances else None, size - int(had_bytes) if size else None), opens_in_s
    )


def note_token_taken(tx: Tx, actor: Actor, took: Volume) -> None:
    """Counts what a program was given."""
    if not took.instances and not took.bytes:
        return
    at = now()
    tx.execute(
        "insert into token_taken (token_id, slot, instances, bytes) select id, %s, %s, %s from api_token where id = %s "
        "on conflict (token_id, slot) do update set instances = token_taken.instances + excluded.instances, bytes = token_taken.bytes + excluded.bytes",
        (_slot(at), took.instances or 0, took.bytes or 0, UUID(actor.id)),
    )
    tx.execute("delete from token_taken where token_id = %s and slot < %s", (UUID(actor.id), at - 2 * _HOUR))


def token_volumes(tx: Tx, actor: Actor, site: Volume) -> list[dict[str, Any]]:
    """What programs took within the last hour and may take, those that took most first."""
    require(actor, "security.read")
    rows = tx.execute(
        "select k.id::text, k.name, sum(t.instances)::bigint, sum(t.bytes)::bigint, coalesce(k.hourly_instances, %s), coalesce(k.hourly_bytes, %s) "
        "from api_token k join token_taken t on t.token_id = k.id where k.tenant_id = %s and t.slot > %s group by k.id order by 4 desc limit 200",
        (site.instances or 0, site.bytes or 0, actor.tenant_id, now() - _HOUR),
    )
    keys = ("token_id", "name", "instances", "bytes", "most_instances", "most_bytes")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _slot(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // _SLOT.total_seconds() * _SLOT.total_seconds(), at.tzinfo)


def note_hit(tx: Tx, tenant_id: int, what: What, who: str, address: str, count: int = 1) -> None:
    """Somebody was refused because it was too much."""
    tx.execute(
        "insert into limit_hit (tenant_id, minute, what, who, address, count) values (%s, date_trunc('minute', %s::timestamptz), %s, %s, %s, %s) "
        "on conflict (tenant_id, minute, what, who, address) do update set count = limit_hit.count + excluded.count",
        (tenant_id, now(), what, _plain(who), _plain(address), count),
    )


def limits_met(tx: Tx, actor: Actor, *, hours: float = 24.0) -> list[dict[str, Any]]:
    """Who came to which limit, those with most first."""
    require(actor, "security.read")
    rows = tx.execute(
        "select what, who, address, sum(count)::bigint, min(minute), max(minute) from limit_hit where tenant_id = %s and minute > %s "
        "group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit 200",
        (actor.tenant_id, now() - timedelta(hours=hours)),
    )
    return [dict(zip(("what", "who", "address", "count", "first_at", "last_at"), row, strict=True)) for row in rows]


def volumes(tx: Tx, actor: Actor, site: Volume) -> list[dict[str, Any]]:
    """What devices took within the last hour and may take, those that took most first."""
    require(actor, "security.read")
    rows = tx.execute(
        "select d.id::text, d.aet, sum(t.instances)::bigint, sum(t.bytes)::bigint, coalesce(d.hourly_instances, %s), coalesce(d.hourly_bytes, %s) "
        "from device d join taken t on t.device_id = d.id where d.tenant_id = %s and t.slot > %s group by d.id order by 4 desc limit 200",
        (site.instances or 0, site.bytes or 0, actor.tenant_id, now() - _HOUR),
    )
    keys = ("device_id", "aet", "instances", "bytes", "most_instances", "most_bytes")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def met_lately(tx: Tx, tenant_id: int, minutes: float) -> int:
    """How many requests an organisation's callers lost to limits of late; for the alarm. Forgets what is long past."""
    tx.execute("delete from limit_hit where minute < %s", (now() - _KEPT,))
    row = tx.execute(
        "select coalesce(sum(count), 0) from limit_hit where tenant_id = %s and minute > %s",
        (tenant_id, now() - timedelta(minutes=minutes)),
    ).fetchone()
    assert row is not None
    return int(row[0])


@dataclass(frozen=True, slots=True)
class _Hit:
    what: What
    who: str
    address: str
    tenant_id: int | None
    called: str


class Hits:
    """Gathers what a process refused and writes it down now and then: a door under a flood waits for no database."""

    def __init__(self, database: Database, own_aet: str = "") -> None:
        self._database, self._own_aet = database, own_aet
        self._lock = threading.Lock()
        self._found: Counter[_Hit] = Counter()
        self._writer: threading.Thread | None = None

    def tell(self, what: What, who: str, address: str, *, tenant_id: int | None = None, called: str = "") -> None:
        """Of an organisation, or of the one that a called AE title means."""
        LIMITED.labels(what).inc()
        hit = _Hit(what, _plain(who), address, tenant_id, _plain(called))
        with self._lock:
            if hit not in self._found and len(self._found) >= _MOST_KEYS:
                hit = _Hit(what, "", "", tenant_id or HOUSE, "")
            self._found[hit] += 1
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="limits", daemon=True)
                self._writer.start()

    def _write(self) -> None:
        time.sleep(_GATHER_S)
        with self._lock:
            found, self._found, self._writer = self._found, Counter(), None
        try:
            with self._database.transaction() as tx:
                for hit, count in found.items():
                    tenant_id = hit.tenant_id or tenant_of_title(tx, hit.called, self._own_aet) or HOUSE
                    note_hit(tx, tenant_id, hit.what, hit.who, hit.address, count)
        except HeliographError as error:
            trouble("limits_not_noted", error)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:80]).strip()
