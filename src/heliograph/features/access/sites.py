"""Organisations, their sites and departments, and who belongs where."""

from typing import Any
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require
from heliograph.features.access.vocabulary import RESTRICTIONS
from heliograph.kit.errors import Absent, Conflict, Invalid


def sites(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    """Sites of the organisation with their departments."""
    rows = tx.execute(
        "select s.id, s.name, s.timezone, coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'name', d.name) order by d.name) "
        "filter (where d.id is not null), '[]') from site s left join department d on d.site_id = s.id where s.tenant_id = %s group by s.id order by s.id",
        (actor.tenant_id,),
    )
    return [dict(zip(("id", "name", "timezone", "departments"), row, strict=True)) for row in rows]


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
    _check_sites(tx, actor, [site_id])
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


def _check_sites(tx: Tx, actor: Actor, site_ids: list[int]) -> None:
    row = tx.execute(
        "select count(*) from site where tenant_id = %s and id = any(%s)", (actor.tenant_id, site_ids)
    ).fetchone()
    if row != (len(set(site_ids)),):
        raise Absent("no such site", code="no_site")


def _check_departments(tx: Tx, actor: Actor, department_ids: list[int]) -> None:
    row = tx.execute(
        "select count(*) from department where tenant_id = %s and id = any(%s)", (actor.tenant_id, department_ids)
    ).fetchone()
    if row != (len(set(department_ids)),):
        raise Absent("no such department", code="no_department")


def _named(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise Invalid("name must have 1 to 64 printable characters", code="bad_name")
    return name
