"""Which stored objects are damaged, as the comparison with their digests has found, and keeping every door from giving them out."""

from collections.abc import Iterable

from heliograph.engine import telemetry
from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database, DatabaseError, Tx
from heliograph.kit.errors import Busy
from heliograph.kit.time import now

EVERY_S = 1.0
DIFFERS = "digest_differs"
_MOST = 200_000


def record(tx: Tx, *, damaged: Iterable[str], whole: Iterable[str]) -> None:
    """What a comparison found. A blob that is whole again (restored) is given out again."""
    tx.execute("delete from damaged_blob where blob = any(%s)", (list(whole),))
    tx.execute(
        "insert into damaged_blob (blob, found_at) select blob, %s from unnest(%s::text[]) as found(blob) on conflict do nothing",
        (now(), list(damaged)),
    )


def withhold(database: Database, blobs: Blobs) -> None:
    """Makes what is known known to the store of this process; an empty table costs one look at it. A database that is away changes nothing."""
    try:
        with database.transaction() as tx:
            rows = tx.execute("select blob from damaged_blob order by found_at desc limit %s", (_MOST,)).fetchall()
    except (DatabaseError, Busy) as error:
        telemetry.trouble("damage_not_read", error)
        return
    known = frozenset(row[0] for row in rows)
    if known != blobs.withheld:
        blobs.withheld = known
        telemetry.fact("objects_withheld", count=len(known))
