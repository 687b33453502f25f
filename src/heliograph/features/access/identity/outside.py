"""People who are kept elsewhere (an OpenID provider, a directory): which account here is theirs, and what their groups give them.

A person is the same when house and subject there are the same, whatever name or mail it has; it never becomes one who stands here already.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from heliograph.engine import telemetry
from heliograph.engine.db import Tx
from heliograph.features.access.identity.people import add_user
from heliograph.features.access.model import HOUSE, OF_ALL_SITES, ROLES, Actor, system_actor
from heliograph.features.access.policy import note
from heliograph.kit.errors import Invalid, NotSignedIn

EVERY_SITE = "*"
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """Who the other house says it is; `age_s`: how long ago, by its own clock, it made sure of that, None when it does not say."""

    subject: str
    name: str
    display_name: str
    groups: tuple[str, ...]
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class House:
    """What the site says about the people of another house; `roles` and `sites` from group to role and to the name of a site."""

    kind: Literal["oidc", "ldap"]
    realm: str
    roles: Pairs = ()
    sites: Pairs = ()
    adds_people: bool = False
    tenant_id: int = HOUSE

    def account_of(self, subject: str) -> str:
        """As it stands in `app_user.outside`."""
        return f"{self.kind}:{self.realm}#{subject}"

    @property
    def actor(self) -> Actor:
        return system_actor(self.kind, self.tenant_id)


def come_in(tx: Tx, house: House, said: Statement) -> UUID:
    """The account of a person that the other house has made sure of, with the roles and sites that its groups give now. Raises NotSignedIn
    when there is none, or none of its groups has a role."""
    outside, roles = house.account_of(said.subject), _given_roles(house, said)
    row = tx.execute(
        "select id from app_user where tenant_id = %s and outside = %s for update", (house.tenant_id, outside)
    ).fetchone()
    if row is not None:
        if not is_welcome(house, said):
            raise NotSignedIn("no group of this person has a role here", code="outside_unknown")
        refresh(tx, house, row[0], said)
        return UUID(str(row[0]))
    if not house.adds_people or not roles:
        raise NotSignedIn("this person is not known here", code="outside_unknown")
    user_id = _add(tx, house, said, roles, outside)
    _place(tx, house, user_id, said, roles)
    return user_id


def is_welcome(house: House, said: Statement) -> bool:
    """Whether a known person may (still) come in; who maps no groups leaves that to its administrators."""
    return not house.roles or bool(_given_roles(house, said))


def refresh(tx: Tx, house: House, user_id: UUID, said: Statement) -> None:
    """Brings roles and sites of a known person to what its groups give now; an organisation that maps none leaves them as they are."""
    roles = _given_roles(house, said)
    row = tx.execute("select roles from app_user where id = %s", (user_id,)).fetchone()
    assert row is not None
    before = sorted(row[0])
    if house.roles and before != roles:
        was, is_now = (not OF_ALL_SITES.isdisjoint(some) for some in (before, roles))
        tx.execute(
            "update app_user set roles = %s, everywhere = (everywhere and not %s) or %s where id = %s",
            (roles, was, is_now, user_id),
        )
        note(tx, house.actor, "user.changed", {"user": str(user_id)}, detail={"roles": roles})
    _place(tx, house, user_id, said, roles or before)


def subject_of(outside: str | None) -> str:
    """Of a person of a directory: who it is there; empty for everybody else."""
    return outside.rpartition("#")[2] if outside is not None and outside.startswith("ldap:") else ""


def read_roles(text: str) -> Pairs:
    """`radiology=radiologist, pacs-admins=admin`, in another organisation `radiology=radiologist@clinic`. Raises Invalid for a role that
    there is not."""
    found = read_pairs(text)
    if any(role.partition("@")[0] not in ROLES for _, role in found):
        raise Invalid(
            f"groups must stand as GROUP=ROLE or GROUP=ROLE@ORGANISATION with a role of: {', '.join(ROLES)}",
            code="bad_setting",
        )
    return found


def read_pairs(text: str) -> Pairs:
    """`GROUP=WORD, GROUP=WORD`; with a semicolon anywhere, semicolons divide, so that a group may be a distinguished name."""
    parts = text.split(";" if ";" in text else ",")
    pairs = [part.rpartition("=") for part in parts if part.strip()]
    found = tuple((group.strip(), word.strip()) for group, _, word in pairs)
    if any(not group or not word for group, word in found):
        raise Invalid("groups must stand as GROUP=ROLE or GROUP=SITE", code="bad_setting")
    return found


def in_tenant(tx: Tx, house: House, tenant_id: int) -> House:
    """The same as one organisation has it: its pairs name it (`GROUP=WORD@clinic`), those that name none are the first one's. Operators
    are made there alone."""
    row = tx.execute("select name from tenant where id = %s and closed_at is null", (tenant_id,)).fetchone()
    if row is None:
        raise NotSignedIn("this person is not known here", code="outside_unknown")
    names = {row[0], ""} if tenant_id == HOUSE else {row[0]}
    roles, sites = (
        tuple((group, word) for group, both in pairs for word, _, name in (both.partition("@"),) if name in names)
        for pairs in (house.roles, house.sites)
    )
    roles = tuple(pair for pair in roles if pair[1] != "operator" or tenant_id == HOUSE)
    # Where no group of an organisation is named, nobody comes into it who does not stand there already.
    return replace(house, roles=roles, sites=sites, adds_people=house.adds_people and bool(roles), tenant_id=tenant_id)


def _given_roles(house: House, said: Statement) -> list[str]:
    return sorted(_given(house.roles, said) & set(ROLES))


def _given(pairs: Pairs, said: Statement) -> set[str]:
    """Names of groups are compared without case, as directories do."""
    has = {group.casefold() for group in said.groups}
    return {word for group, word in pairs if group.casefold() in has}


def _place(tx: Tx, house: House, user_id: UUID, said: Statement, roles: list[str]) -> None:
    if not house.sites:
        return
    named = _given(house.sites, said)
    everywhere = EVERY_SITE in named or not OF_ALL_SITES.isdisjoint(roles)
    rows = tx.execute(
        "select id, name from site where tenant_id = %s and name = any(%s) order by id",
        (house.tenant_id, sorted(named - {EVERY_SITE})),
    ).fetchall()
    if missing := len(named - {EVERY_SITE}) - len(rows):
        telemetry.fact("sites_of_groups_missing", count=missing, house=house.kind)
    site_ids = [row[0] for row in rows]
    row = tx.execute(
        "update app_user set everywhere = %(e)s, site_ids = %(s)s::int[] where id = %(u)s and (everywhere, site_ids) is distinct from "
        "(%(e)s, %(s)s::int[]) returning 1",
        {"e": everywhere, "s": site_ids, "u": user_id},
    ).fetchone()
    if row is not None:
        detail = {"everywhere": everywhere, "sites": site_ids}
        note(tx, house.actor, "user.placed", {"user": str(user_id)}, detail=detail)


def _add(tx: Tx, house: House, said: Statement, roles: list[str], outside: str) -> UUID:
    """Under the name that the other house gives; never into an account that stands here under the same name."""
    plain = "".join(c for c in said.name if c.isprintable()).strip()[:48] or "person"
    for name in (plain, f"{plain} {hashlib.sha256(outside.encode()).hexdigest()[:8]}"):
        taken = tx.execute(
            "select 1 from app_user where tenant_id = %s and name = %s", (house.tenant_id, name)
        ).fetchone()
        if taken is None:
            return add_user(tx, house.actor, name, roles, display_name=said.display_name, outside=outside)
    raise NotSignedIn("this person is not known here", code="outside_unknown")
