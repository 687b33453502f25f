"""Organisations on one installation: how a call, a browser and a sign-in find theirs, and who looks after them.

The first one is of those who run the installation. While it is alone, every called AE title and every host name means it, and nobody need
know that there could be others. What belongs to an organisation is told apart by `tenant_id` in every row and every key.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from heliograph.engine.db import Tx
from heliograph.features.access.model import HOUSE, Actor, system_actor
from heliograph.features.access.peers.devices import checked_aet, trimmed
from heliograph.features.access.policy import note, require
from heliograph.kit.errors import Absent, Conflict, Invalid
from heliograph.kit.time import now

NOBODY = 0
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Tenant:
    """One organisation; `name` is short, for sign-in and the console."""

    id: int
    name: str
    display_name: str
    titles: tuple[str, ...]
    hosts: tuple[str, ...]
    created_at: datetime
    closed_at: datetime | None

    @property
    def is_house(self) -> bool:
        """Whether it is that of those who run the installation."""
        return self.id == HOUSE


def tenant_of_title(tx: Tx, called_aet: str, own_aet: str) -> int | None:
    """Whom a caller means; None when it means nobody. Without a second organisation every title means the first."""
    title = trimmed(called_aet)
    row = tx.execute(
        "select tt.tenant_id, t.closed_at is not null, exists (select 1 from tenant o where o.id <> %(house)s) from (select 1) x "
        "left join tenant_title tt on tt.aet = %(title)s left join tenant t on t.id = tt.tenant_id",
        {"title": title, "house": HOUSE},
    ).fetchone()
    assert row is not None
    tenant_id, is_closed, are_others = row
    if tenant_id is not None:
        return None if is_closed else int(tenant_id)
    return HOUSE if not are_others or title == trimmed(own_aet) else None


def title_of(tx: Tx, tenant_id: int, own_aet: str) -> str:
    """As what an organisation calls others: by the first of its titles, or by that of the installation."""
    row = tx.execute(
        "select aet from tenant_title where tenant_id = %s order by created_at, aet limit 1", (tenant_id,)
    ).fetchone()
    return str(row[0]) if row is not None else own_aet.strip()


def called(tx: Tx, tenant_id: int, site_name: str) -> str:
    """The name of an organisation as its people see it; the first one is called as the settings say."""
    if tenant_id == HOUSE:
        return site_name
    row = tx.execute("select display_name from tenant where id = %s", (tenant_id,)).fetchone()
    return str(row[0]) if row is not None else ""


def host_of(tx: Tx, tenant_id: int) -> str:
    """Under which host name its people come, the first of several; empty when there is none."""
    row = tx.execute(
        "select host from tenant_host where tenant_id = %s order by created_at, host limit 1", (tenant_id,)
    ).fetchone()
    return str(row[0]) if row is not None else ""


def tenant_at(tx: Tx, host: str) -> int:
    """Whose a host name is; NOBODY when it was of one that is closed, the first one's when nobody has it."""
    row = tx.execute(
        "select h.tenant_id, t.closed_at is null from tenant_host h join tenant t on t.id = h.tenant_id where h.host = %s",
        (plain_host(host),),
    ).fetchone()
    if row is None:
        return HOUSE
    return int(row[0]) if row[1] else NOBODY


def person_meant(tx: Tx, name: str, host: str) -> tuple[int, str]:
    """Whose person is meant by what was typed: at a host name of an organisation one of its own, else `name@organisation`, else one of
    the first. The same work whether there is such an organisation or not."""
    person, at, suffix = name.strip().rpartition("@")
    row = tx.execute(
        "select (select h.tenant_id from tenant_host h where h.host = %(host)s), "
        "(select t.id from tenant_host h join tenant t on t.id = h.tenant_id where h.host = %(host)s and t.closed_at is null), "
        "(select t.id from tenant t where t.name = %(name)s and t.closed_at is null)",
        {"host": plain_host(host), "name": suffix.lower() if at and _NAME.fullmatch(suffix.lower()) else ""},
    ).fetchone()
    assert row is not None
    of_host, open_of_host, named = row
    if of_host is not None:
        return open_of_host or NOBODY, person if named is not None and named == open_of_host else name
    return (int(named), person) if named is not None else (HOUSE, name)


def console_actor(tx: Tx, tenant: str | None, name: str = "console") -> Actor:
    """Who runs the installation, acting in one of its organisations."""
    if not tenant:
        return system_actor(name)
    row = tx.execute(
        "select id, closed_at, (select min(s.id) from site s where s.tenant_id = t.id) from tenant t where name = %s",
        (tenant,),
    ).fetchone()
    if row is None:
        raise Absent("no organisation has this name; `heliograph tenant list` shows them", code="no_tenant")
    if row[1] is not None:
        raise Conflict("this organisation is closed; `heliograph tenant open` opens it", code="tenant_closed")
    return system_actor(name, row[0], site=row[2])


def tenants(tx: Tx, actor: Actor) -> list[Tenant]:
    require(actor, "tenant.manage")
    return [
        Tenant(row[0], row[1], row[2], tuple(row[3]), tuple(row[4]), row[5], row[6])
        for row in tx.execute(f"{_ROWS} order by t.id limit {_MOST}")
    ]


def add_tenant(
    tx: Tx, actor: Actor, name: str, *, own_aet: str, display_name: str = "", titles: list[str] | None = None, hosts: list[str] | None = None
) -> Tenant:  # fmt: skip
    """A new organisation with one site. Without a title of its own no device can mean it. Raises Conflict when a name is taken."""
    require(actor, "tenant.manage")
    row = tx.execute(
        "insert into tenant (id, name, display_name) select (select max(id) + 1 from tenant), %s, %s on conflict (name) do nothing returning id",
        (_checked_name(name), _checked_display(display_name or name)),
    ).fetchone()
    if row is None:
        raise Conflict("an organisation of this name exists", code="tenant_exists")
    tx.execute("insert into site (tenant_id, name) values (%s, 'main')", (row[0],))
    _give(tx, row[0], titles or [], hosts or [], own_aet)
    made = _one(tx, row[0])
    note(tx, actor, "tenant.added", {"tenant": made.id, "name": made.name}, detail=_facts(made))
    return made


def change_tenant(
    tx: Tx, actor: Actor, tenant_id: int, *, own_aet: str, name: str | None = None, display_name: str | None = None,
    titles: list[str] | None = None, hosts: list[str] | None = None,
) -> Tenant:  # fmt: skip
    """Other names; titles and hosts are the whole list, in place of those before."""
    require(actor, "tenant.manage")
    before = _one(tx, tenant_id)
    if name is not None and name != before.name:
        taken = tx.execute(
            "select 1 from tenant where name = %s and id <> %s", (_checked_name(name), tenant_id)
        ).fetchone()
        if taken is not None:
            raise Conflict("an organisation of this name exists", code="tenant_exists")
    tx.execute(
        "update tenant set name = coalesce(%s, name), display_name = coalesce(%s, display_name) where id = %s",
        (name, None if display_name is None else _checked_display(display_name), tenant_id),
    )
    if titles is not None:
        tx.execute(
            "delete from tenant_title where tenant_id = %s and aet <> all(%s)",
            (tenant_id, [title.strip() for title in titles]),
        )
    if hosts is not None:
        tx.execute(
            "delete from tenant_host where tenant_id = %s and host <> all(%s)",
            (tenant_id, [plain_host(host) for host in hosts]),
        )
    _give(tx, tenant_id, titles or [], hosts or [], own_aet)
    made = _one(tx, tenant_id)
    note(tx, actor, "tenant.changed", {"tenant": made.id, "name": made.name}, detail=_facts(made))
    return made


def close_tenant(tx: Tx, actor: Actor, tenant_id: int) -> Tenant:
    """Nobody comes in any more: no person, no program, no device. Everything that it has stays as it is."""
    return _set_closed(tx, actor, tenant_id, is_closed=True)


def open_tenant(tx: Tx, actor: Actor, tenant_id: int) -> Tenant:
    """The end of `close_tenant`; sessions do not come back."""
    return _set_closed(tx, actor, tenant_id, is_closed=False)


def _set_closed(tx: Tx, actor: Actor, tenant_id: int, *, is_closed: bool) -> Tenant:
    require(actor, "tenant.manage")
    if tenant_id == HOUSE:
        raise Conflict("the organisation of those who run the installation cannot be closed", code="tenant_is_house")
    before = _one(tx, tenant_id)
    if (before.closed_at is not None) is is_closed:
        return before
    tx.execute("update tenant set closed_at = %s where id = %s", (now() if is_closed else None, tenant_id))
    if is_closed:
        tx.execute(
            "update session s set revoked_at = %s from app_user u where u.id = s.user_id and u.tenant_id = %s and s.revoked_at is null",
            (now(), tenant_id),
        )
    note(tx, actor, "tenant.closed" if is_closed else "tenant.opened", {"tenant": tenant_id, "name": before.name})
    return _one(tx, tenant_id)


def plain_host(host: str) -> str:
    """The host name of a Host header or an address: lower case, without port and last dot."""
    host = host.strip().lower()
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    host = host.rstrip(".")
    return host if _HOST.fullmatch(host) else ""


_ROWS = (
    "select t.id, t.name, t.display_name, array(select aet from tenant_title tt where tt.tenant_id = t.id order by tt.created_at, aet), "
    "array(select host from tenant_host th where th.tenant_id = t.id order by th.created_at, host), t.created_at, t.closed_at from tenant t"
)


def find_tenant(tx: Tx, actor: Actor, name: str) -> Tenant:
    """By its short name."""
    require(actor, "tenant.manage")
    row = tx.execute("select id from tenant where name = %s", (name,)).fetchone()
    if row is None:
        raise Absent("no organisation has this name; `heliograph tenant list` shows them", code="no_tenant")
    return _one(tx, row[0])


def _one(tx: Tx, tenant_id: int) -> Tenant:
    row = tx.execute(f"{_ROWS} where t.id = %s for update of t", (tenant_id,)).fetchone()
    if row is None:
        raise Absent("no such organisation", code="no_tenant")
    return Tenant(row[0], row[1], row[2], tuple(row[3]), tuple(row[4]), row[5], row[6])


def _give(tx: Tx, tenant_id: int, titles: list[str], hosts: list[str], own_aet: str) -> None:
    for title in map(checked_aet, titles):
        if title == own_aet.strip() and tenant_id != HOUSE:
            raise Conflict("this AE title is that of the installation", code="title_taken")
        if not _is_given(tx, "tenant_title", "aet", title, tenant_id):
            raise Conflict("this AE title is another organisation's", code="title_taken")
    for host in map(_checked_host, hosts):
        if not _is_given(tx, "tenant_host", "host", host, tenant_id):
            raise Conflict("this host name is another organisation's", code="host_taken")


def _is_given(tx: Tx, table: str, column: str, value: str, tenant_id: int) -> bool:
    row = tx.execute(
        f"insert into {table} ({column}, tenant_id) values (%(v)s, %(t)s) on conflict ({column}) do update set tenant_id = excluded.tenant_id "
        f"where {table}.tenant_id = %(t)s returning 1",
        {"v": value, "t": tenant_id},
    ).fetchone()
    return row is not None


def _facts(tenant: Tenant) -> dict[str, Any]:
    return {"display_name": tenant.display_name, "titles": list(tenant.titles), "hosts": list(tenant.hosts)}


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid("name must have 1 to 32 small letters, digits and hyphens", code="bad_tenant_name")
    return name


def _checked_display(name: str) -> str:
    if not 1 <= len(name.strip()) <= 100 or not name.isprintable():
        raise Invalid("display_name must have 1 to 100 printable characters", code="bad_name")
    return name.strip()


def _checked_host(host: str) -> str:
    plain = plain_host(host)
    if not plain or ".." in plain:
        raise Invalid("a host name has letters, digits, dots and hyphens", code="bad_host")
    return plain
