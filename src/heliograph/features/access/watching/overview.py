"""What whoever looks after security sees at a glance: peers, failed sign-ins, certificates, sessions. Names that nobody has are counted, never shown."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from heliograph.engine.audit.state import log_state
from heliograph.engine.db import Tx
from heliograph.features.access._digests import digest
from heliograph.features.access.identity.lockout import Lockout
from heliograph.features.access.identity.signing_in import account_of
from heliograph.features.access.model import Actor
from heliograph.features.access.peers.certificates import WARN_DAYS
from heliograph.features.access.policy import require
from heliograph.kit.time import now

FIRST_TENANT = 1
_MOST = 100
_FAILED = "e.tenant_id = %(tenant)s and e.kind = any('{signed_in,session.proven}') and e.outcome = 'refused' and e.at >= %(since)s"


@dataclass(frozen=True, slots=True)
class _Look:
    """Who looks, since when, and which rule of lockout holds."""

    tenant: int
    since: datetime
    at: datetime
    lockout: Lockout

    @property
    def values(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant, "since": self.since, "now": self.at, "soon": self.at + timedelta(days=WARN_DAYS), "most": _MOST,
            "window": self.at - timedelta(minutes=self.lockout.minutes), "day": self.at - timedelta(days=1), "stale": self.at - timedelta(days=90),
        }  # fmt: skip


def security_overview(tx: Tx, actor: Actor, lockout: Lockout, *, days: int) -> dict[str, Any]:
    """The state now, and what happened in the last days. What belongs to the installation and not to one organisation is told to the first."""
    require(actor, "security.read")
    look = _Look(actor.tenant_id, now() - timedelta(days=days), now(), lockout)
    return {
        "at": look.at, "days": days, "peers": _peers(tx, look), "refused": _refused(tx, look), "sign_ins": _sign_ins(tx, look),
        "certificates": _certificates(tx, look), "sessions": _sessions(tx, look), "tokens": _tokens(tx, look), "glass": _glass(tx, look),
        "audit": asdict(log_state(tx)) if actor.tenant_id == FIRST_TENANT else None,
    }  # fmt: skip


def _rows(tx: Tx, look: _Look, names: tuple[str, ...], sql: str) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in tx.execute(sql, look.values)]


def _row(tx: Tx, look: _Look, names: tuple[str, ...], sql: str) -> dict[str, Any]:
    (found,) = _rows(tx, look, names, sql)
    return found


def _peers(tx: Tx, look: _Look) -> dict[str, Any]:
    """`unproved`: registered, and known by nothing but the title; what they send is believed only from near."""
    certified = "exists (select 1 from device_certificate c where c.device_id = d.id and c.revoked_at is null and c.not_after > %(now)s)"
    counts = _row(
        tx, look, ("devices", "certified", "pinned", "unproved", "seen_today", "wants_in"),
        f"select count(*), count(*) filter (where {certified}), count(*) filter (where d.pinned and not {certified}), "
        f"count(*) filter (where not d.pinned and not {certified}), count(*) filter (where d.last_seen_at > %(day)s), "
        "(select count(*) from caller c where c.tenant_id = %(tenant)s and not exists (select 1 from device x where x.tenant_id = c.tenant_id "
        "and x.aet = c.aet and (not x.pinned or x.host = c.address))) from device d where d.tenant_id = %(tenant)s",
    )  # fmt: skip
    unproved = _rows(
        tx, look, ("id", "aet", "host", "last_seen_at"),
        "select d.id::text, d.aet, d.host, d.last_seen_at from device d where d.tenant_id = %(tenant)s and not d.pinned "
        f"and not {certified} order by d.last_seen_at desc nulls last, d.aet limit %(most)s",
    )  # fmt: skip
    receiving = _rows(
        tx, look, ("source", "address", "since"),
        "select a.source, a.address, a.began_at from arrival a where a.tenant_id = %(tenant)s and a.ended_at is null and a.door = 'dimse' "
        "and a.began_at > %(day)s order by a.began_at desc limit %(most)s",
    )  # fmt: skip
    return counts | {"unproved_devices": unproved, "receiving": receiving}


def _refused(tx: Tx, look: _Look) -> list[dict[str, Any]]:
    """Associations and handshakes that were turned away: by whom, from where, why."""
    return _rows(
        tx, look, ("name", "address", "reason", "count", "first_at", "last_at"),
        "select e.actor->>'name', e.actor->>'address', coalesce(e.detail->>'reason', ''), count(*), min(e.at), max(e.at) from audit_event e "
        "where e.tenant_id = %(tenant)s and e.kind = any('{association.refused,certificate.refused}') and e.at >= %(since)s "
        "group by 1, 2, 3 order by 6 desc limit %(most)s",
    )  # fmt: skip


def _sign_ins(tx: Tx, look: _Look) -> dict[str, Any]:
    """Failed ones: people who are known by name, all others as one number; who is locked at this moment."""
    people = _rows(
        tx, look, ("user_id", "name", "failed", "last_at", "addresses"),
        "select u.id::text, u.name, count(*), max(e.at), (array_agg(distinct e.actor->>'address'))[1:5] from audit_event e join app_user u "
        f"on u.tenant_id = e.tenant_id and u.name = e.actor->>'name' where {_FAILED} group by 1, 2 order by 3 desc, 2 limit %(most)s",
    )  # fmt: skip
    sources = _rows(
        tx, look, ("address", "failed", "people", "unknown", "last_at"),
        "select e.actor->>'address', count(*), count(distinct u.id), count(*) filter (where u.id is null), max(e.at) from audit_event e "
        f"left join app_user u on u.tenant_id = e.tenant_id and u.name = e.actor->>'name' where {_FAILED} group by 1 order by 2 desc, 1 limit %(most)s",
    )  # fmt: skip
    total = _row(
        tx, look, ("failed", "unknown"),
        "select count(*), count(*) filter (where not exists (select 1 from app_user u where u.tenant_id = e.tenant_id and u.name = e.actor->>'name')) "
        f"from audit_event e where {_FAILED}",
    )  # fmt: skip
    tried = {bytes(row[0]): row[1] for row in tx.execute(
        "select account, count(*) from sign_in_attempt where at > %(window)s group by 1", look.values,
    )}  # fmt: skip
    full = {row[0] for row in tx.execute(
        "select address from sign_in_attempt where at > %(window)s group by 1 having count(*) >= %(tries)s",
        look.values | {"tries": look.lockout.address_tries},
    )}  # fmt: skip
    for person in people:
        person["locked"] = (
            tried.get(digest(account_of(look.values["tenant"], person["name"])), 0) >= look.lockout.account_tries
        )
    for source in sources:
        source["locked"] = source["address"] in full
    return total | {"people": people, "addresses": sources, "minutes": look.lockout.minutes}


def _certificates(tx: Tx, look: _Look) -> dict[str, Any]:
    """Of devices; `next` are those that end first."""
    counts = _row(
        tx, look, ("valid", "soon", "over", "revoked"),
        "select count(*) filter (where c.revoked_at is null and c.not_after > %(soon)s), "
        "count(*) filter (where c.revoked_at is null and c.not_after > %(now)s and c.not_after <= %(soon)s), "
        "count(*) filter (where c.revoked_at is null and c.not_after <= %(now)s and d.id is not null), count(*) filter (where c.revoked_at is not null) "
        "from device_certificate c left join device d on d.id = c.device_id where c.tenant_id = %(tenant)s",
    )  # fmt: skip
    coming = _rows(
        tx, look, ("fingerprint", "aet", "not_after"),
        "select c.fingerprint, d.aet, c.not_after from device_certificate c join device d on d.id = c.device_id where c.tenant_id = %(tenant)s "
        "and c.revoked_at is null and c.not_after > %(now)s order by c.not_after, c.fingerprint limit 5",
    )  # fmt: skip
    return counts | {"next": coming}


def _sessions(tx: Tx, look: _Look) -> dict[str, Any]:
    return _row(
        tx, look, ("sessions", "people", "stations", "locked", "without_second_factor"),
        "select count(*), count(distinct s.user_id) filter (where u.kind = 'person'), count(*) filter (where u.kind = 'station'), "
        "count(*) filter (where s.locked_at is not null), count(distinct s.user_id) filter (where u.kind = 'person' and u.totp_secret is null "
        "and u.outside is null and not exists (select 1 from passkey k where k.user_id = u.id)) from session s join app_user u on u.id = s.user_id "
        "where u.tenant_id = %(tenant)s and s.revoked_at is null and s.expires_at > %(now)s and u.disabled_at is null",
    )  # fmt: skip


def _tokens(tx: Tx, look: _Look) -> dict[str, Any]:
    """Of programs: good ones, such as never end, and such as nobody has used for ninety days."""
    return _row(
        tx, look, ("active", "endless", "unused"),
        "select count(*), count(*) filter (where t.expires_at is null), count(*) filter (where coalesce(t.last_used_at, t.created_at) < %(stale)s) "
        "from api_token t where t.tenant_id = %(tenant)s and t.revoked_at is null and (t.expires_at is null or t.expires_at > %(now)s)",
    )  # fmt: skip


def _glass(tx: Tx, look: _Look) -> dict[str, Any]:
    return _row(
        tx, look, ("recent", "unreviewed", "overdue"),
        "select count(*) filter (where g.granted_at >= %(since)s), count(*) filter (where g.reviewed_at is null), "
        "count(*) filter (where g.reviewed_at is null and g.review_due_at < %(now)s) from break_glass g where g.tenant_id = %(tenant)s",
    )  # fmt: skip
