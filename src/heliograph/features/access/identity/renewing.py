"""Another key for what the database keeps sealed, while everybody works.

The new key stands first in the file, and those before behind it, until everything is sealed anew: killed at any moment, everything opens, and
the next call does it again. Only then the former keys go.
"""

import time
from datetime import datetime

from heliograph.engine.db import Database
from heliograph.engine.secrets import Vault
from heliograph.features.access.identity.second_factor import all_current, seal_stored
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require
from heliograph.kit.errors import Busy
from heliograph.kit.time import monotonic_s

_SETTLE_S = 2.0
_PATIENCE_S = 60.0
_LOOK_S = 0.05


def renew_secrets(database: Database, vault: Vault, actor: Actor, *, settle_s: float = _SETTLE_S) -> int:
    """How many secrets were sealed anew. Raises Busy when a transaction that may still seal with the former key does not end: nothing is
    lost, and another call does it."""
    require(actor, "tenant.manage")
    vault.renew()
    with database.transaction() as tx:
        (since,) = tx.execute("select clock_timestamp()").fetchone() or (None,)
    assert since is not None
    count = seal_stored(database, vault)
    _wait_for_earlier(database, since, settle_s)
    count += seal_stored(database, vault)
    with database.transaction() as tx:
        if not all_current(tx, vault):
            raise Busy("secrets are being sealed at this moment; try again", code="secrets_busy")
        note(tx, actor, "secrets.renewed", {}, detail={"sealed": count})
    vault.forget_former()
    return count


def _wait_for_earlier(database: Database, since: datetime, settle_s: float) -> None:
    """Until nobody is at work who may have read the keys before the new one stood there."""
    settled, ends = monotonic_s() + settle_s, monotonic_s() + _PATIENCE_S
    while True:
        with database.transaction() as tx:
            row = tx.execute(
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and xact_start < %s "
                "and backend_type = 'client backend'",
                (since,),
            ).fetchone()
        if row == (0,) and monotonic_s() >= settled:
            return
        if monotonic_s() > ends:
            raise Busy("a transaction of before does not end; try again later", code="secrets_busy")
        time.sleep(_LOOK_S)
