"""Bearer tokens of programs: a name, scopes, an end. The token itself is shown once and kept as a digest."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access._digests import digest
from heliograph.features.access.limits import Volume
from heliograph.features.access.model import ALL, OPERATING, Actor
from heliograph.features.access.policy import note, require
from heliograph.features.access.scopes import MACHINE_COLUMNS, machine_scope
from heliograph.kit.errors import Absent, Invalid, NotSignedIn, Refused
from heliograph.kit.ids import new_id, new_secret
from heliograph.kit.time import now

_TOUCH_EVERY = timedelta(minutes=1)
_LONGEST_OVERLAP_HOURS = 24.0 * 30
_AS_THE_SITE = Volume()


@dataclass(frozen=True, slots=True)
class TokenLife:
    """How long tokens live when nobody says it, and at most."""

    days: float = 365.0
    most_days: float = 730.0


def issue_token(
    tx: Tx,
    actor: Actor,
    name: str,
    scopes: list[str],
    *,
    days: float | None = None,
    site_ids: list[int] | None = None,
    life: TokenLife = TokenLife(),
    most: Volume = _AS_THE_SITE,
) -> str:
    """A bearer token for a program; shown once. `all` stands for every permission; `site_ids` holds it to some sites, `most` to what it may take
    by DICOMweb within an hour. Raises Refused for what the person may not do itself."""
    require(actor, "user.manage")
    unknown = sorted(set(scopes) - ALL - OPERATING - {"all"})
    if unknown or not scopes:
        raise Invalid(f"scope must be `all` or of: {', '.join(sorted(ALL))}", code="bad_scope")
    _check_own(actor, scopes)
    _check_sites(tx, actor, site_ids or [])
    wanted = min(life.days, life.most_days) if days is None else days
    if wanted > life.most_days:
        raise Invalid(f"a token may live for {life.most_days:g} days at most on this site", code="token_too_long")
    token_id, token = _insert(tx, actor, name[:64], scopes, wanted, site_ids, most)
    note(
        tx,
        actor,
        "token.issued",
        {"token": str(token_id), "name": name[:64]},
        detail={"scopes": scopes, "days": wanted, "sites": site_ids or [], "hourly": [most.instances, most.bytes]},
    )
    return token


def rotate_token(
    tx: Tx,
    actor: Actor,
    token_id: UUID,
    *,
    overlap_hours: float = 24.0,
    life: TokenLife = TokenLife(),
) -> str:
    """A new token of the same name, scopes and length; the old one ends after the overlap, so that the program has time to change."""
    require(actor, "user.manage")
    if not 0 <= overlap_hours <= _LONGEST_OVERLAP_HOURS:
        raise Invalid("overlap_hours must be between 0 and 720", code="bad_overlap")
    row = tx.execute(
        "select name, scopes, site_ids, coalesce(life_days, extract(epoch from expires_at - created_at) / 86400), hourly_instances, hourly_bytes from api_token "
        "where id = %s and tenant_id = %s and revoked_at is null and (expires_at is null or expires_at > %s) for update",
        (token_id, actor.tenant_id, now()),
    ).fetchone()
    if row is None:
        raise Absent("no such token", code="no_token")
    name, scopes, site_ids, days, *most = row
    _check_own(actor, scopes)
    made_id, token = _insert(
        tx, actor, name, scopes, min(float(days or life.days), life.most_days), site_ids, Volume(*most)
    )
    tx.execute(
        "update api_token set expires_at = least(expires_at, %s) where id = %s",
        (now() + timedelta(hours=overlap_hours), token_id),
    )
    note(
        tx,
        actor,
        "token.rotated",
        {"token": str(made_id), "name": name},
        detail={"before": str(token_id), "overlap_hours": overlap_hours},
    )
    return token


def tokens(tx: Tx, actor: Actor) -> list[dict[str, Any]]:
    require(actor, "user.manage")
    rows = tx.execute(
        "select id, name, scopes, site_ids, issued_by, created_at, expires_at, revoked_at, last_used_at, hourly_instances, hourly_bytes from api_token where tenant_id = %s order by created_at desc",
        (actor.tenant_id,),
    )
    keys = (
        "id",
        "name",
        "scopes",
        "site_ids",
        "issued_by",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "hourly_instances",
        "hourly_bytes",
    )
    return [dict(zip(keys, row, strict=True)) for row in rows]


def revoke_token(tx: Tx, actor: Actor, token_id: UUID) -> None:
    require(actor, "user.manage")
    row = tx.execute(
        "update api_token set revoked_at = %s where id = %s and tenant_id = %s and revoked_at is null returning 1",
        (now(), token_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such token", code="no_token")
    note(tx, actor, "token.revoked", {"token": str(token_id)})


def limit_token(tx: Tx, actor: Actor, token_id: UUID, most: Volume) -> None:
    """How much it may take by DICOMweb within an hour: None is what the settings say, 0 without a limit."""
    require(actor, "user.manage")
    row = tx.execute(
        "update api_token set hourly_instances = %s, hourly_bytes = %s where id = %s and tenant_id = %s and revoked_at is null returning 1",
        (most.instances, most.bytes, token_id, actor.tenant_id),
    ).fetchone()
    if row is None:
        raise Absent("no such token", code="no_token")
    note(tx, actor, "token.limited", {"token": str(token_id)}, detail={"hourly": [most.instances, most.bytes]})


def token_actor(tx: Tx, token: str, address: str) -> Actor:
    """The program behind a bearer token; raises NotSignedIn."""
    row = tx.execute(
        f"select t.id, t.tenant_id, t.name, t.scopes, t.last_used_at, {MACHINE_COLUMNS.format(row='t')} from api_token t join tenant o on o.id = t.tenant_id and o.closed_at is null "
        "where t.token_hash = %s and t.revoked_at is null and (t.expires_at is null or t.expires_at > %s)",
        (digest(token), now()),
    ).fetchone()
    if row is None:
        raise NotSignedIn("the token is unknown, revoked or too old", code="bad_token")
    if row[4] is None or now() - row[4] > _TOUCH_EVERY:
        tx.execute("update api_token set last_used_at = %s where id = %s", (now(), row[0]))
    scopes = (ALL if "all" in row[3] else frozenset()) | frozenset(row[3]) - {"all"}
    return Actor("token", str(row[0]), row[2], row[1], scopes, address, scope=machine_scope(tx, row[1], row[5:]))


def _check_own(actor: Actor, scopes: list[str]) -> None:
    """Nobody hands out more than it has; `all` is everything in an organisation, and what goes beyond is named."""
    if OPERATING & set(scopes):
        require(actor, "tenant.manage")
    wanted = (ALL if "all" in scopes else frozenset()) | frozenset(scopes) - {"all"}
    if not wanted <= actor.permissions:
        raise Refused("a token may do no more than whoever makes it", code="scope_beyond_own")


def _check_sites(tx: Tx, actor: Actor, site_ids: list[int]) -> None:
    row = tx.execute(
        "select count(*) from site where tenant_id = %s and id = any(%s)", (actor.tenant_id, site_ids)
    ).fetchone()
    if row != (len(set(site_ids)),):
        raise Absent("no such site", code="no_site")


def _insert(
    tx: Tx, actor: Actor, name: str, scopes: list[str], days: float, site_ids: list[int] | None, most: Volume
) -> tuple[UUID, str]:
    token_id, token = new_id(), "hg_" + new_secret(32)
    tx.execute(
        "insert into api_token (id, tenant_id, name, token_hash, scopes, created_at, expires_at, site_ids, issued_by, life_days, hourly_instances, "
        "hourly_bytes) values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)",
        (
            token_id,
            actor.tenant_id,
            name,
            digest(token),
            scopes,
            now(),
            now() + timedelta(days=days),
            site_ids or [],
            actor.name[:64],
            days,
            most.instances,
            most.bytes,
        ),
    )
    return token_id, token
