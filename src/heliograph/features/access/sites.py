"""Organisations, their sites and departments, and who belongs where."""

from typing import Any
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require
from heliograph.features.access.vocabulary import RESTRICTIONS
from heliograph.kit.errors import Absent, Conflict, Invalid
from heliograph.kit.time import now


def sites(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    """Sites of the organisation with their departments, and how much stands at each."""
    require(actor, "site.manage")
    values = {"tenant": actor.tenant_id}
    counts: dict[str, dict[int, int]] = {
        what: {row[0]: row[1] for row in tx.execute(sql, values)} for what, sql in _COUNTS.items()
    }
    made: dict[int, dict[str, Any]] = {}
    for site_id, name, timezone, closed_at in tx.execute(
        "select id, name, timezone, closed_at from site where tenant_id = %(tenant)s order by closed_at is not null, id",
        values,
    ):
        made[site_id] = {
            "id": site_id, "name": name, "timezone": timezone, "closed_at": closed_at, "studies": counts["studies"].get(site_id, 0),
            "people": counts["people"].get(site_id, 0), "devices": counts["devices"].get(site_id, 0), "departments": [],
        }  # fmt: skip
    first = min(made, default=0)
    for site in made.values():
        site["is_first"] = site["id"] == first
        # What has no place of its own is at the first site.
        site["devices"] += counts["devices"].get(0, 0) if site["is_first"] else 0
    for department_id, site_id, name, closed_at in tx.execute(
        "select id, site_id, name, closed_at from department where tenant_id = %(tenant)s order by closed_at is not null, name",
        values,
    ):
        made[site_id]["departments"].append({
            "id": department_id, "name": name, "closed_at": closed_at, "studies": counts["department_studies"].get(department_id, 0),
            "people": counts["department_people"].get(department_id, 0),
        })  # fmt: skip
    return list(made.values())


_COUNTS = {
    "studies": "select site_id, count(*) from study where tenant_id = %(tenant)s group by site_id",
    "people": "select s, count(*) from app_user u, unnest(u.site_ids) s where u.tenant_id = %(tenant)s and u.disabled_at is null group by s",
    "devices": "select coalesce(site_id, 0), count(*) from device where tenant_id = %(tenant)s group by 1",
    "department_studies": "select department_id, count(*) from study where tenant_id = %(tenant)s and department_id <> 0 group by department_id",
    "department_people": "select d, count(*) from app_user u, unnest(u.department_ids) d where u.tenant_id = %(tenant)s and u.disabled_at is null group by d",
}


def placed_devices(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    """Where each device stands, and which sites' studies it may ask for; none named: every site."""
    require(actor, "site.manage")
    rows = tx.execute(
        "select id::text, aet, description, site_id, department_id, site_ids from device where tenant_id = %s order by aet",
        (actor.tenant_id,),
    )
    keys = ("id", "aet", "description", "site_id", "department_id", "site_ids")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def place_device(
    tx: Tx, actor: Actor, device_id: int, *, site_id: int | None, department_id: int | None, site_ids: list[int]
) -> None:
    """Where what the device brings is kept from now on, and which sites' studies it may ask for."""
    require(actor, "device.manage")
    _check_sites(tx, actor, site_ids)
    _check_sites(tx, actor, [site_id] if site_id is not None else [], is_new=True)
    if department_id is not None:
        _check_departments(tx, actor, [department_id], is_new=True)
        row = tx.execute("select 1 from department where id = %s and site_id = %s", (department_id, site_id)).fetchone()
        if row is None:
            raise Invalid("the department is of another site", code="bad_place")
    found = tx.execute(
        "update device set site_id = %s, department_id = %s, site_ids = %s where id = %s and tenant_id = %s returning 1",
        (site_id, department_id, sorted(set(site_ids)), device_id, actor.tenant_id),
    ).fetchone()
    if found is None:
        raise Absent("no such device", code="no_device")
    detail = {"site": site_id, "department": department_id, "sites": site_ids}
    note(tx, actor, "device.placed", {"device": device_id}, detail=detail)


def set_site(
    tx: Tx, actor: Actor, site_id: int, *, name: str | None = None, timezone: str | None = None, closed: bool | None = None
) -> None:  # fmt: skip
    """Renames or closes a site. Raises Conflict for a name that is taken, for the first site, and while devices bring studies to it."""
    require(actor, "site.manage")
    row = tx.execute(
        "select name, (select min(id) from site where tenant_id = %(t)s), (select count(*) from device where site_id = %(s)s) "
        "from site where id = %(s)s and tenant_id = %(t)s for update",
        {"s": site_id, "t": actor.tenant_id},
    ).fetchone()
    if row is None:
        raise Absent("no such site", code="no_site")
    if closed and row[1] == site_id:
        raise Conflict("the first site takes what has no other place; it stays", code="first_site")
    if closed and row[2]:
        raise Conflict("devices bring studies to this site; place them elsewhere first", code="site_in_use")
    new = _named(name) if name is not None else row[0]
    if new != row[0]:
        taken = tx.execute("select 1 from site where tenant_id = %s and name = %s", (actor.tenant_id, new)).fetchone()
        if taken is not None:
            raise Conflict("a site of this name exists", code="site_exists")
    tx.execute(
        "update site set name = %s, timezone = coalesce(%s, timezone), "
        "closed_at = case when %s::boolean is null then closed_at when %s then coalesce(closed_at, %s) end where id = %s",
        (new, timezone[:64] if timezone is not None else None, closed, closed, now(), site_id),
    )
    note(tx, actor, "site.changed", {"site": site_id}, detail={"name": name, "closed": closed})


def set_department(
    tx: Tx, actor: Actor, department_id: int, *, name: str | None = None, closed: bool | None = None
) -> None:  # fmt: skip
    """Renames or closes a department. Raises Conflict for a name that is taken, and while devices bring studies to it."""
    require(actor, "site.manage")
    row = tx.execute(
        "select d.name, d.site_id, (select count(*) from device v where v.department_id = d.id) from department d "
        "where d.id = %s and d.tenant_id = %s for update",
        (department_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such department", code="no_department")
    if closed and row[2]:
        raise Conflict("devices bring studies to this department; place them elsewhere first", code="site_in_use")
    new = _named(name) if name is not None else row[0]
    if new != row[0]:
        taken = tx.execute("select 1 from department where site_id = %s and name = %s", (row[1], new)).fetchone()
        if taken is not None:
            raise Conflict("the site has a department of this name", code="department_exists")
    tx.execute(
        "update department set name = %s, closed_at = case when %s::boolean is null then closed_at when %s then coalesce(closed_at, %s) end "
        "where id = %s",
        (new, closed, closed, now(), department_id),
    )
    note(tx, actor, "department.changed", {"department": department_id}, detail={"name": name, "closed": closed})


def add_site(tx: Tx, actor: Actor, name: str, *, timezone: str = "") -> int:
    """Raises Conflict when the name is taken."""
    require(actor, "site.manage")
    row = tx.execute(
        "insert into site (tenant_id, name, timezone) values (%s, %s, %s) on conflict (tenant_id, name) do nothing returning id",
        (actor.tenant_id, _named(name), timezone[:64]),
    ).fetchone()
    if row is None:
        raise Conflict("a site of this name exists", code="site_exists")
    note(tx, actor, "site.added", {"site": row[0]})
    return int(row[0])


def add_department(tx: Tx, actor: Actor, site_id: int, name: str) -> int:
    """Raises Absent without the site, Conflict when the name is taken there."""
    require(actor, "site.manage")
    _check_sites(tx, actor, [site_id], is_new=True)
    row = tx.execute(
        "insert into department (tenant_id, site_id, name) values (%s, %s, %s) on conflict (tenant_id, site_id, name) do nothing returning id",
        (actor.tenant_id, site_id, _named(name)),
    ).fetchone()
    if row is None:
        raise Conflict("the site has a department of this name", code="department_exists")
    note(tx, actor, "department.added", {"site": site_id, "department": row[0]})
    return int(row[0])


def place_user(
    tx: Tx, actor: Actor, user_id: UUID, *, everywhere: bool | None = None, site_ids: list[int] | None = None,
    department_ids: list[int] | None = None, clearances: list[str] | None = None,
) -> None:  # fmt: skip
    """Where a person works, and which restricted patients are not withheld from it. None leaves a value as it is."""
    require(actor, "user.manage")
    if site_ids is not None:
        _check_sites(tx, actor, site_ids)
    if department_ids is not None:
        _check_departments(tx, actor, department_ids)
    if clearances is not None and set(clearances) - set(RESTRICTIONS):
        raise Invalid(f"clearances must be of: {', '.join(RESTRICTIONS)}", code="bad_clearance")
    row = tx.execute(
        "update app_user set everywhere = coalesce(%s, everywhere), site_ids = coalesce(%s::int[], site_ids), "
        "department_ids = coalesce(%s::int[], department_ids), clearances = coalesce(%s::text[], clearances) where id = %s and tenant_id = %s returning 1",
        (everywhere, site_ids, department_ids, clearances, user_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
    detail = {"everywhere": everywhere, "sites": site_ids, "departments": department_ids, "clearances": clearances}
    note(tx, actor, "user.placed", {"user": str(user_id)}, detail=detail)


def _check_sites(tx: Tx, actor: Actor, site_ids: list[int], *, is_new: bool = False) -> None:
    """`is_new`: something will come there, so that a closed one will not do."""
    row = tx.execute(
        "select count(*) from site where tenant_id = %s and id = any(%s) and (closed_at is null or not %s)",
        (actor.tenant_id, site_ids, is_new),
    ).fetchone()
    if row != (len(set(site_ids)),):
        raise Absent("no such site", code="no_site")


def _check_departments(tx: Tx, actor: Actor, department_ids: list[int], *, is_new: bool = False) -> None:
    row = tx.execute(
        "select count(*) from department where tenant_id = %s and id = any(%s) and (closed_at is null or not %s)",
        (actor.tenant_id, department_ids, is_new),
    ).fetchone()
    if row != (len(set(department_ids)),):
        raise Absent("no such department", code="no_department")


def _named(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise Invalid("name must have 1 to 64 printable characters", code="bad_name")
    return name
