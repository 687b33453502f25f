"""One person as who manages people sees it: where it works, what it is to whom, and in what state its account is."""

from typing import Any
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.features.access._digests import digest
from heliograph.features.access.identity.lockout import Lockout, failures
from heliograph.features.access.identity.people import users
from heliograph.features.access.identity.signing_in import account_of
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require
from heliograph.kit.errors import Absent

_MOST_TIES = 200


def person(tx: Tx, actor: Actor, user_id: UUID, limit: Lockout) -> dict[str, Any]:
    """Raises Absent without it."""
    require(actor, "user.manage")
    found = next((user for user in users(tx, actor, user_id=user_id) if user["id"] == user_id), None)
    if found is None:
        raise Absent("no such user", code="no_user")
    tries = failures(tx, [digest(account_of(actor.tenant_id, found["name"]))], limit)
    note(tx, actor, "user.read", {"user": str(user_id)})
    return found | {
        "is_shut_out": max(tries.values(), default=0) >= limit.account_tries,
        "patients": _patients(tx, user_id),
        "projects": [row[0] for row in tx.execute("select project from project_member where user_id = %s order by project", (user_id,))],
        "ties": _ties(tx, actor, user_id),
        "last_signed_in_at": _last(tx, user_id),
    }  # fmt: skip


def _patients(tx: Tx, user_id: UUID) -> list[dict[str, Any]]:
    rows = tx.execute(
        "select p.id::text, p.patient_id, p.issuer from user_patient up join patient p on p.id = up.patient_fk where up.user_id = %s order by p.id",
        (user_id,),
    )
    return [dict(zip(("id", "patient_id", "issuer"), row, strict=True)) for row in rows]


def _ties(tx: Tx, actor: Actor, user_id: UUID) -> list[dict[str, Any]]:
    """Studies that name the person: the id, what it is to them, until when. What the studies are is for who may read them."""
    rows = tx.execute(
        "select t.study_fk::text, t.kind, t.until, t.created_at from study_tie t where t.tenant_id = %s and t.subject = %s and t.kind <> 'project' "
        "order by t.created_at desc limit %s",
        (actor.tenant_id, str(user_id), _MOST_TIES),
    )
    return [dict(zip(("study_id", "tie", "until", "created_at"), row, strict=True)) for row in rows]


def _last(tx: Tx, user_id: UUID) -> Any:
    row = tx.execute("select max(created_at) from session where user_id = %s", (user_id,)).fetchone()
    return row[0] if row else None
