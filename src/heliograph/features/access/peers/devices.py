"""Devices that speak DICOM, and callers that nobody registered yet.

Who an association is from is decided in `admission`. A caller that nobody registered stands under "wants in" until somebody accepts or
dismisses it, whether it was let in or not.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from heliograph.engine.db import Tx
from heliograph.features.access.model import DEVICE_RIGHTS, Actor
from heliograph.features.access.policy import note, require
from heliograph.kit.errors import Absent, Conflict, Invalid
from heliograph.kit.time import now

_COLUMNS = "id, aet, host, port, description, allow, pinned, default_issuer, answer_success_when_held, created_at, last_seen_at, stored_count, site_id, department_id, site_ids, tls, hourly_instances, hourly_bytes"

_MOST_CALLERS = 10_000
_MAY_GO = frozenset({"port", "hourly_instances", "hourly_bytes"})


@dataclass(frozen=True, slots=True)
class Device:
    """A registered application entity; `port` is None for one that never receives."""

    id: int
    aet: str
    host: str
    port: int | None
    description: str
    allow: tuple[str, ...]
    pinned: bool
    default_issuer: str
    answer_success_when_held: bool
    created_at: datetime
    last_seen_at: datetime | None
    stored_count: int
    site_id: int | None
    department_id: int | None
    site_ids: tuple[int, ...]
    tls: bool
    hourly_instances: int | None
    hourly_bytes: int | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def devices(tx: Tx, actor: Actor) -> list[Device]:
    require(actor, "device.read")
    rows = tx.execute(f"select {_COLUMNS} from device where tenant_id = %s order by aet", (actor.tenant_id,))
    return [_device(row) for row in rows]


def find_device(tx: Tx, tenant_id: int, aet: str) -> Device | None:
    """The device of this title, for destinations and for callers; titles compare trimmed (trap 40)."""
    row = tx.execute(
        f"select {_COLUMNS} from device where tenant_id = %s and aet = %s", (tenant_id, trimmed(aet))
    ).fetchone()
    return _device(row) if row else None


def add_device(tx: Tx, actor: Actor, aet: str, host: str, port: int | None, allow: list[str], **more: Any) -> Device:
    """Registers a device; raises Invalid naming the field, Conflict when the title is taken."""
    require(actor, "device.manage")
    aet = checked_aet(aet)
    _check_allow(allow)
    _check_port(port)
    _check_pin(host, pinned=bool(more.get("pinned", False)))
    row = tx.execute(
        "insert into device (tenant_id, aet, host, port, allow, description, pinned, default_issuer, answer_success_when_held, tls, "
        f"hourly_instances, hourly_bytes) values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s) on conflict (tenant_id, aet) do nothing returning {_COLUMNS}",
        (
            actor.tenant_id, aet, host.strip(), port, allow, more.get("description", ""), more.get("pinned", False),
            more.get("default_issuer", ""), more.get("answer_success_when_held", False), more.get("tls", False),
            more.get("hourly_instances"), more.get("hourly_bytes"),
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        raise Conflict("a device of this AE title exists", code="device_exists")
    device = _device(row)
    note(tx, actor, "device.added", {"device": device.id, "aet": aet})
    return _take_over_caller(tx, actor.tenant_id, device)


def update_device(tx: Tx, actor: Actor, device_id: int, values: dict[str, Any]) -> Device:
    """Changes the named fields of a device."""
    require(actor, "device.manage")
    known = {
        "aet",
        "host",
        "port",
        "description",
        "allow",
        "pinned",
        "default_issuer",
        "answer_success_when_held",
        "tls",
        "hourly_instances",
        "hourly_bytes",
    }
    # A port and limits of its own can be taken away; null leaves everything else as it is.
    values = {key: value for key, value in values.items() if key in known and (value is not None or key in _MAY_GO)}
    if "aet" in values:
        values["aet"] = checked_aet(values["aet"])
    if "allow" in values:
        _check_allow(values["allow"])
    if "port" in values:
        _check_port(values["port"])
    if not values:
        raise Invalid("nothing to change was named", code="empty_change")
    if "aet" in values:
        taken = tx.execute(
            "select 1 from device where tenant_id = %s and aet = %s and id <> %s",
            (actor.tenant_id, values["aet"], device_id),
        ).fetchone()
        if taken is not None:
            raise Conflict("a device of this AE title exists", code="device_exists")
    sets = ", ".join(f"{key} = %s" for key in values)
    row = tx.execute(
        f"update device set {sets} where id = %s and tenant_id = %s returning {_COLUMNS}",
        (*values.values(), device_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such device", code="no_device")
    _check_pin(row[2], pinned=row[6])
    note(tx, actor, "device.changed", {"device": device_id}, detail={"fields": sorted(values)})
    return _device(row)


def remove_device(tx: Tx, actor: Actor, device_id: int) -> None:
    require(actor, "device.manage")
    row = tx.execute(
        "delete from device where id = %s and tenant_id = %s returning aet", (device_id, actor.tenant_id)
    ).fetchone()
    if row is None:
        raise Absent("no such device", code="no_device")
    note(tx, actor, "device.removed", {"device": device_id, "aet": row[0]})


def note_association(
    tx: Tx,
    actor: Actor,
    device: Device | None,
    *,
    proposals: list[str],
    stored: int = 0,
    refused: int = 0,
    opened: bool = False,
) -> int | None:
    """Counts an association for the device's or the caller's row; the caller's id when it has one, None too when very many stand
    there already."""
    at = now()
    if device is not None:
        tx.execute(
            "update device set last_seen_at = %s, stored_count = stored_count + %s where id = %s",
            (at, stored, device.id),
        )
        return None
    if not _may_be_listed(tx, actor):
        return None
    row = tx.execute(
        "insert into caller (tenant_id, aet, address, first_seen_at, last_seen_at, associations, stored_count, refused_count, proposals) "
        "values (%s,%s,%s,%s,%s,%s,%s,%s,%s) on conflict (tenant_id, aet, address) do update set last_seen_at = excluded.last_seen_at, "
        "associations = caller.associations + excluded.associations, stored_count = caller.stored_count + excluded.stored_count, "
        "refused_count = caller.refused_count + excluded.refused_count, "
        "proposals = (select coalesce(array_agg(distinct p), '{}') from (select unnest(caller.proposals || excluded.proposals) as p limit 200) as x) "
        "returning id",
        (actor.tenant_id, actor.name, actor.address, at, at, int(opened), stored, refused, proposals[:128]),
    ).fetchone()
    return row[0] if row else None


def _may_be_listed(tx: Tx, actor: Actor) -> bool:
    """False for one more caller when very many stand there: whoever makes up titles must not fill the table."""
    row = tx.execute(
        "select exists (select 1 from caller where tenant_id = %(t)s and aet = %(aet)s and address = %(address)s) or "
        "(select count(*) from (select 1 from caller where tenant_id = %(t)s limit %(most)s) as listed) < %(most)s",
        {"t": actor.tenant_id, "aet": actor.name, "address": actor.address, "most": _MOST_CALLERS},
    ).fetchone()
    return row == (True,)


def callers(tx: Tx, actor: Actor, *, limit: int = 500, after: int | None = None) -> list[dict[str, Any]]:
    """Who called and is not registered, latest first; `after` is the last id of the page that came earlier."""
    require(actor, "device.read")
    rows = tx.execute(
        "select c.id, c.aet, c.address, c.first_seen_at, c.last_seen_at, c.associations, c.stored_count, c.refused_count, c.proposals "
        "from caller c where c.tenant_id = %(tenant)s and not exists (select 1 from device d where d.tenant_id = c.tenant_id and d.aet = c.aet "
        "and (not d.pinned or d.host = c.address)) and (%(after)s::bigint is null or (c.last_seen_at, c.id) < "
        "(select x.last_seen_at, x.id from caller x where x.id = %(after)s)) order by c.last_seen_at desc, c.id desc limit %(limit)s",
        {"tenant": actor.tenant_id, "after": after, "limit": limit},
    )
    keys = (
        "id",
        "aet",
        "address",
        "first_seen_at",
        "last_seen_at",
        "associations",
        "stored_count",
        "refused_count",
        "proposals",
    )
    return [dict(zip(keys, row, strict=True)) for row in rows]


def accept_caller(tx: Tx, actor: Actor, caller_id: int, allow: list[str], port: int | None) -> Device:
    """Makes a caller a device, pinned to the address it called from."""
    require(actor, "device.manage")
    row = tx.execute(
        "select aet, address from caller where id = %s and tenant_id = %s", (caller_id, actor.tenant_id)
    ).fetchone()
    if row is None:
        raise Absent("no such caller", code="no_caller")
    return add_device(tx, actor, row[0], row[1], port, allow, pinned=True)


def _take_over_caller(tx: Tx, tenant_id: int, device: Device) -> Device:
    """What the device sent from its host before it was registered is its own: counted, and no longer unverified.

    What came under the same title from another address stays marked: a title is no credential.
    """
    row = tx.execute(
        "delete from caller where tenant_id = %s and aet = %s and address = %s returning id, stored_count, last_seen_at",
        (tenant_id, device.aet, device.host),
    ).fetchone()
    if row is None:
        return device
    # The caller's row is gone, and its arrivals with it lost their caller_id; they are told by title and address.
    tx.execute(
        "update arrival set device_id = %s, unverified = false where tenant_id = %s and door = 'dimse' and source = %s and address = %s",
        (device.id, tenant_id, device.aet, device.host),
    )
    tx.execute(
        "update study st set unverified = false where st.tenant_id = %s and st.unverified and st.source = %s and not exists "
        "(select 1 from series se join instance i on i.series_fk = se.id join arrival a on a.id = i.arrival_id "
        "where se.study_fk = st.id and a.unverified)",
        (tenant_id, device.aet),
    )
    made = tx.execute(
        f"update device set stored_count = stored_count + %s, last_seen_at = %s where id = %s returning {_COLUMNS}",
        (row[1], row[2], device.id),
    ).fetchone()
    assert made is not None
    return _device(made)


def dismiss_caller(tx: Tx, actor: Actor, caller_id: int) -> None:
    require(actor, "device.manage")
    row = tx.execute(
        "delete from caller where id = %s and tenant_id = %s returning aet", (caller_id, actor.tenant_id)
    ).fetchone()
    if row is None:
        raise Absent("no such caller", code="no_caller")
    note(tx, actor, "caller.dismissed", {"aet": row[0]})


def _device(row: tuple[Any, ...]) -> Device:
    return Device(*(*row[:5], tuple(row[5]), *row[6:14], tuple(row[14]), *row[15:]))


def trimmed(aet: str) -> str:
    """Old devices fill a title up with NUL instead of blanks."""
    return aet.partition("\0")[0].strip()


def checked_aet(aet: str) -> str:
    aet = aet.strip()
    if not 1 <= len(aet) <= 16 or not aet.isascii() or not aet.isprintable() or "\\" in aet:
        raise Invalid("aet must be 1 to 16 printable ASCII characters without a backslash (PS3.5 6.2)", code="bad_aet")
    return aet


def _check_allow(allow: list[str]) -> None:
    if set(allow) - set(DEVICE_RIGHTS):
        raise Invalid(f"allow must be of: {', '.join(DEVICE_RIGHTS)}", code="bad_allow")


def _check_pin(host: str, *, pinned: bool) -> None:
    if pinned and not host.strip():
        raise Invalid("pinned needs a host: the address that the device is held to", code="pin_without_host")


def _check_port(port: int | None) -> None:
    if port is not None and not 1 <= port <= 65535:
        raise Invalid("port must be 1 to 65535", code="bad_port")
