"""Bringing a list of people in: added, changed or left as they are, all together or not at all.

Who is new gets a one-time link; nobody gets a password. The same file again changes nothing.
"""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access.identity.outside import EVERY_SITE
from heliograph.features.access.identity.people import add_user, issue_link, set_user
from heliograph.features.access.identity.people_csv import MOST_PROBLEMS, Problem, Row, read
from heliograph.features.access.model import OF_ALL_SITES, ROLES, Actor
from heliograph.features.access.policy import note, require
from heliograph.features.access.sites import place_user
from heliograph.features.access.vocabulary import RESTRICTIONS

LINK_DAYS = 7.0


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a line, or in a dry run would: `changes` are the columns that differ, `link` the code for somebody new."""

    line: int
    name: str
    outcome: Literal["new", "changed", "same"]
    changes: tuple[str, ...] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """With a problem nothing was done."""

    items: list[Imported] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    id: UUID
    display_name: str
    roles: list[str]
    everywhere: bool
    sites: list[int]
    departments: list[int]
    clearances: list[str]
    disabled: bool
    kind: str
    outside: str | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A row with its names looked up; None leaves as it is."""

    row: Row
    known: _Known | None
    everywhere: bool | None
    sites: list[int] | None
    departments: list[int] | None

    def changes(self) -> tuple[str, ...]:
        row, known = self.row, self.known
        if known is None:
            return ()
        wanted: dict[str, tuple[Any, Any]] = {
            "display_name": (row.display_name, known.display_name),
            "roles": (_sorted(row.roles), sorted(known.roles)),
            "sites": (None if self.sites is None else (self.everywhere, self.sites), (known.everywhere, sorted(known.sites))),
            "departments": (self.departments, sorted(known.departments)),
            "clearances": (_sorted(row.clearances), sorted(known.clearances)),
            "disabled": (row.disabled, known.disabled),
        }  # fmt: skip
        return tuple(column for column, (new, old) in wanted.items() if new is not None and new != old)


def import_people(tx: Tx, actor: Actor, data: bytes, *, dry_run: bool = False) -> Result:
    """Raises Invalid when it is no list of people. The caller commits; with problems there is nothing to commit."""
    require(actor, "user.manage")
    rows, problems = read(data)
    known, places = _known(tx, actor), _Places.read(tx, actor)
    wanted, names = [], set[str]()
    for row in rows:
        if row.name.casefold() in names:
            problems.append(Problem(row.line, "name", "twice", "this name stands in the file twice; take one line out"))
        names.add(row.name.casefold())
        wanted.append(_looked_up(row, known.get(row.name), places, actor, problems))
    if problems:
        return Result(problems=sorted(problems)[:MOST_PROBLEMS])
    items = [_plan(one) if dry_run else _apply(tx, actor, one) for one in wanted]
    if not dry_run:
        counts = {word: sum(item.outcome == word for item in items) for word in ("new", "changed", "same")}
        note(tx, actor, "user.imported", {}, detail=counts)
    return Result(items, is_done=not dry_run)


def _plan(wanted: _Wanted) -> Imported:
    if wanted.known is None:
        return Imported(wanted.row.line, wanted.row.name, "new")
    changes = wanted.changes()
    return Imported(wanted.row.line, wanted.row.name, "changed" if changes else "same", changes)


def _apply(tx: Tx, actor: Actor, wanted: _Wanted) -> Imported:
    row, known, planned = wanted.row, wanted.known, _plan(wanted)
    if planned.outcome == "same":
        return planned
    if known is None:
        user_id = add_user(tx, actor, row.name, list(row.roles or ()), display_name=row.display_name or "")
    else:
        user_id = known.id
    roles = list(row.roles) if known is not None and "roles" in planned.changes and row.roles else None
    if known is not None and {"roles", "display_name", "disabled"} & set(planned.changes):
        set_user(tx, actor, user_id, roles=roles, display_name=row.display_name, disabled=row.disabled)
    if not (wanted.sites is None and wanted.departments is None and row.clearances is None):
        place_user(
            tx, actor, user_id, everywhere=wanted.everywhere, site_ids=wanted.sites, department_ids=wanted.departments,
            clearances=_sorted(row.clearances),
        )  # fmt: skip
    if known is None and row.disabled:
        set_user(tx, actor, user_id, disabled=True)
        return planned
    if known is not None:
        return planned
    return Imported(row.line, row.name, "new", link=issue_link(tx, actor, row.name, minutes=LINK_DAYS * 24 * 60))


def _looked_up(
    row: Row, known: _Known | None, places: "_Places", actor: Actor, problems: list[Problem]
) -> _Wanted:  # fmt: skip
    def tell(column: str, code: str, message: str) -> None:
        problems.append(Problem(row.line, column, code, message))

    if known is None and row.roles is None:
        tell("roles", "no_roles", f"say what the new person may do: {', '.join(ROLES)}")
    if set(row.roles or ()) - set(ROLES):
        tell("roles", "bad_role", f"write one or more of: {' | '.join(ROLES)}")
    if set(row.clearances or ()) - set(RESTRICTIONS):
        tell("clearances", "bad_clearance", f"write one or more of: {' | '.join(RESTRICTIONS)}")
    if known is not None and known.kind != "person":
        tell("name", "station", "a station has this name; choose another one for the person")
    if known is not None and known.outside and row.roles is not None and sorted(row.roles) != sorted(known.roles):
        tell(
            "roles", "kept_elsewhere", "the groups of the other house decide about this person's roles; leave it empty"
        )
    if known is not None and str(known.id) == actor.id:
        if row.disabled:
            tell("disabled", "self_disable", "this is you; nobody shuts themselves out")
        if row.roles is not None and "admin" in known.roles and "admin" not in row.roles:
            tell("roles", "self_disable", "this is you; another administrator must take your role away")
    site_ids = places.sites_of(row, tell)
    departments = places.departments_of(row, site_ids or (known.sites if known else []), tell)
    roles = row.roles if row.roles is not None else known.roles if known else ()
    everywhere = None
    if row.sites is not None:
        everywhere = EVERY_SITE in row.sites or not OF_ALL_SITES.isdisjoint(roles)
    return _Wanted(row, known, everywhere, site_ids, departments)


class _Places:
    """Sites and departments of the organisation by their names, compared without case."""

    def __init__(self, sites: dict[str, int], departments: dict[str, list[tuple[int, int]]]) -> None:
        self._sites = sites
        self._departments = departments

    @classmethod
    def read(cls, tx: Tx, actor: Actor) -> "_Places":
        sites = tx.execute("select name, id from site where tenant_id = %s", (actor.tenant_id,)).fetchall()
        departments: dict[str, list[tuple[int, int]]] = {}
        for name, site_id, department_id in tx.execute(
            "select name, site_id, id from department where tenant_id = %s", (actor.tenant_id,)
        ):
            departments.setdefault(name.casefold(), []).append((site_id, department_id))
        return cls({name.casefold(): site_id for name, site_id in sites}, departments)

    def sites_of(self, row: Row, tell: Any) -> list[int] | None:
        if row.sites is None:
            return None
        found = {self._sites.get(name.casefold()) for name in row.sites if name != EVERY_SITE}
        if None in found:
            tell(
                "sites",
                "no_site",
                "there is no site of one of these names; add it on the page of sites, or write * for all",
            )
        return sorted(site for site in found if site is not None)

    def departments_of(self, row: Row, site_ids: list[int], tell: Any) -> list[int] | None:
        """A name that several sites have means the one at the person's sites."""
        if row.departments is None:
            return None
        found = []
        for name in row.departments:
            there = self._departments.get(name.casefold(), [])
            fitting = [one for site, one in there if site in site_ids] or [one for _, one in there]
            if len(fitting) != 1:
                message = (
                    "there is no department of one of these names"
                    if not fitting
                    else "several sites have a department of this name"
                )
                tell(
                    "departments",
                    "no_department",
                    f"{message}; add it on the page of sites, or name the site of the person",
                )
            found += fitting[:1]
        return sorted(found)


def _known(tx: Tx, actor: Actor) -> dict[str, _Known]:
    rows = tx.execute(
        "select name, id, display_name, roles, everywhere, site_ids, department_ids, clearances, disabled_at is not null, kind, outside "
        "from app_user where tenant_id = %s for update",
        (actor.tenant_id,),
    )
    return {row[0]: _Known(*row[1:]) for row in rows}


def _sorted(words: tuple[str, ...] | None) -> list[str] | None:
    return None if words is None else sorted(words)
