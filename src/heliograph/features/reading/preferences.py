"""Choices of a person and of the house that only the workspace understands: documents by name, each in two layers.

What the house has set holds where the person has set nothing; how the two are laid over each other is the reader's of the name.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from heliograph.engine.db import Tx
from heliograph.features.access import Actor, note, require
from heliograph.kit.errors import Conflict, Invalid, Refused
from heliograph.kit.time import now

Layer = Literal["own", "house"]

NAME: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")
MOST_BYTES: Final = 64 << 10
_MOST_NAMES = 100
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Preference:
    """`revision` counts what was saved; 0 and no document where nothing was."""

    document: Any
    revision: int


NONE: Final = Preference(None, 0)


def preference(tx: Tx, actor: Actor, name: str) -> dict[Layer, Preference]:
    """Both layers of a name. Raises Invalid for a name that cannot be."""
    _check_name(name)
    rows = tx.execute(
        "select user_id is null, document, revision from preference where tenant_id = %s and name = %s and (user_id is null or user_id = %s)",
        (actor.tenant_id, name, _person(actor)),
    ).fetchall()
    found: dict[Layer, Preference] = {"own": NONE, "house": NONE}
    for is_house, document, revision in rows:
        found["house" if is_house else "own"] = Preference(document, revision)
    return found


def set_preference(tx: Tx, actor: Actor, name: str, document: Any, *, layer: Layer = "own", revision: int) -> int:
    """Saves over `revision`, that was read; null takes the choice back. Raises Conflict when somebody has saved meanwhile, Refused for the layer
    of the house without `workspace.manage`."""
    _check_name(name)
    _check_size(document)
    if layer == "house":
        require(actor, "workspace.manage")
    owner = None if layer == "house" else _person(actor)
    tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 16))", (f"{actor.tenant_id}/{owner}",))
    stored = tx.execute(
        "select revision from preference where tenant_id = %s and user_id is not distinct from %s and name = %s",
        (actor.tenant_id, owner, name),
    ).fetchone()
    if (stored[0] if stored else 0) != revision:
        raise Conflict("somebody has saved this meanwhile: read it again", code="preference_moved")
    if stored is None:
        _check_count(tx, actor, owner)
    tx.execute(
        "insert into preference (tenant_id, user_id, name, document, revision, changed_at) values (%s, %s, %s, %s, 1, %s) "
        "on conflict (tenant_id, user_id, name) do update set document = excluded.document, revision = preference.revision + 1, "
        "changed_at = excluded.changed_at",
        (actor.tenant_id, owner, name, Jsonb(document), now()),
    )
    note(tx, actor, "preference.set", {}, detail={"name": name, "layer": layer})
    return revision + 1


def _person(actor: Actor) -> UUID:
    if actor.kind != "user":
        raise Refused("only people have preferences", code="people_only")
    return UUID(actor.id)


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise Invalid("name: lower-case letters, digits, dots, dashes; at most 64", code="bad_preference")


def _check_size(document: Any) -> None:
    if len(json.dumps(document)) > MOST_BYTES:
        raise Invalid(f"document: at most {MOST_BYTES >> 10} KiB of JSON", code="bad_preference")
    if _depth(document) > _DEEPEST:
        raise Invalid(f"document: nested at most {_DEEPEST} deep", code="bad_preference")


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(one) for one in inner), default=0)


def _check_count(tx: Tx, actor: Actor, owner: UUID | None) -> None:
    row = tx.execute(
        "select count(*) from preference where tenant_id = %s and user_id is not distinct from %s",
        (actor.tenant_id, owner),
    ).fetchone()
    if row is not None and row[0] >= _MOST_NAMES:
        raise Invalid(f"at most {_MOST_NAMES} names", code="bad_preference")
