"""A million study rows without their pixels: through the very statements of ingest, many to a transaction."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from bench.scaling.people import Examination
from heliograph.engine.blobs import Written
from heliograph.engine.events import relay_once
from heliograph.features.access import system_actor
from heliograph.features.archive import Arrival, Incoming
from heliograph.features.archive.ingest import Ingest
from heliograph.services import Services
from heliograph.standards.dicom.header import scan
from heliograph.standards.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN

BATCH = 1000


def seed(services: Services, first: int, last: int, progress: Callable[[int], None]) -> None:
    """One instance for each study first..last-1; its blob is named but not there, which search does not mind."""
    actor = system_actor("bench")
    ingest = Ingest(lambda _existing, _incoming: True, series_quiet_s=0, study_quiet_s=0)
    with services.intake.arrival(actor, "dimse", "SEED") as delivery:
        arrival: Arrival = delivery.arrival
    for start in range(first, last, BATCH):
        with services.database.transaction() as tx:
            tx.execute("set local synchronous_commit = off")
            for number in range(start, min(start + BATCH, last)):
                ingest(tx, actor, _incoming(Examination(number), arrival))
        progress(min(start + BATCH, last))


def _incoming(examination: Examination, arrival: Arrival) -> Incoming:
    _sop_class, _sop_uid, dataset = examination.object(0)
    header = scan(dataset, transfer_syntax=EXPLICIT_VR_LITTLE_ENDIAN)
    written = Written(f"seed:{examination.number}", hashlib.sha256(dataset).digest(), len(dataset), 0)
    at = datetime.combine(examination.day, time(10, 15), UTC) + timedelta(seconds=examination.number % 3600)
    return Incoming(written, header, arrival, at)


def settle(services: Services) -> None:
    """What the quiet time and the housekeeping would have done long ago in an archive of this size."""
    with services.database.transaction() as tx:
        for table in ("series", "study"):
            tx.execute(f"update {table} set settled_at = last_received_at where settled_at is null")
    while relay_once(services.database):
        continue
    with services.database.autocommit() as connection:
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")


TABLES = ("patient", "study", "series", "instance", "arrival", "outbox", "audit_event")


def index_bytes(services: Services) -> dict[str, int]:
    """Table, TOAST and indexes of everything that grows with an instance."""
    with services.database.transaction() as tx:
        rows = {
            table: tx.execute("select pg_total_relation_size(%s::regclass)", (table,)).fetchone() for table in TABLES
        }
    return {table: int(row[0]) for table, row in rows.items() if row is not None}
