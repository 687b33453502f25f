"""What a person has begun and not finished: a challenge that was given, and who it was given to.

The browser holds a secret, the table its digest, for five minutes; whoever answers takes the step away, so it is answered once.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from heliograph.engine.db import Tx
from heliograph.features.access._digests import digest
from heliograph.kit.errors import Busy, NotSignedIn
from heliograph.kit.ids import new_secret
from heliograph.kit.time import now

Kind = Literal["second", "passkey", "passkey.new", "totp.new", "oidc"]
_FOR = timedelta(minutes=5)
_MOST_OF_ADDRESS = 300


@dataclass(frozen=True, slots=True)
class Step:
    kind: str
    user_id: UUID | None
    detail: dict[str, Any]


def open_step(tx: Tx, kind: Kind, address: str, detail: dict[str, Any], user_id: UUID | str | None = None) -> str:
    """The secret by which it is gone on with. Raises Busy when one address has hundreds of them open."""
    row = tx.execute(
        "select count(*) from sign_in_step where address = %s and expires_at > %s", (address, now())
    ).fetchone()
    assert row is not None
    if row[0] >= _MOST_OF_ADDRESS:
        raise Busy("too many sign-ins from this address are half done", code="too_many_steps", retry_after_s=60.0)
    secret = new_secret(24)
    tx.execute(
        "insert into sign_in_step (step_hash, kind, user_id, address, detail, created_at, expires_at) values (%s,%s,%s,%s,%s,%s,%s)",
        (digest(secret), kind, user_id, address, Jsonb(detail), now(), now() + _FOR),
    )
    tx.execute(
        "delete from sign_in_step where step_hash in "
        "(select step_hash from sign_in_step where expires_at < %s limit 100 for update skip locked)",
        (now(),),
    )
    return secret


def read_step(tx: Tx, secret: str, kind: Kind) -> Step:
    """Raises NotSignedIn when it is unknown, answered or old."""
    row = tx.execute(
        "select kind, user_id, detail from sign_in_step where step_hash = %s and kind = %s and expires_at > %s for update",
        (digest(secret), kind, now()),
    ).fetchone()
    if row is None:
        raise NotSignedIn("this took too long, or was answered already; begin again", code="step_spent")
    return Step(*row)


def take_step(tx: Tx, secret: str, kind: Kind) -> Step:
    """The same, for the last time."""
    step = read_step(tx, secret, kind)
    tx.execute("delete from sign_in_step where step_hash = %s", (digest(secret),))
    return step
