"""A million study rows without their pixels: columns as ingest makes them, copied in blocks, indexes made anew behind them."""

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bench.scaling.people import STUDIES_PER_BLOCK, Examination
from heliograph.engine.db import Tx
from heliograph.engine.events import relay_once
from heliograph.features.access import system_actor
from heliograph.features.archive import Arrival, _rows
from heliograph.features.archive.model import Identity
from heliograph.features.patients.identity import identity_key
from heliograph.services import Services
from heliograph.standards.dicom.header import Header, scan
from heliograph.standards.dicom.uids import EXPLICIT_VR_LITTLE_ENDIAN

BLOCK: Final = 20_000
_WORKERS: Final = 2
# Above every id that the database has given out itself, so that a later drive goes on below.
_IDS: Final = 100_000_000
_SERIES_IDS: Final = 10
_STILL_RECEIVING, _WITH_HELD = 2000, 5000
_NO_PICTURES: Final = ("SR", "PR", "KO", "DOC", "OT")
_TENANT: Final = 1

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Block:
    """Studies first..last-1, to be copied through a connection of their own."""

    url: str
    arrival: Arrival
    first: int
    last: int
    stored: dict[str, Any]


def seed(
    services: Services, first: int, last: int, progress: Callable[[int], None], say: Callable[[str], None]
) -> None:
    """Study rows first..last-1 with their patients, series and one instance each; all instances share the blob of one that was stored."""
    if first % STUDIES_PER_BLOCK:
        raise ValueError(f"seeding begins at a multiple of {STUDIES_PER_BLOCK}")
    with services.intake.arrival(system_actor("bench"), "dimse", "SEED") as delivery:
        arrival = delivery.arrival
    url, stored = services.database.url, _stored(services)
    blocks = [Block(url, arrival, start, min(start + BLOCK, last), stored) for start in range(first, last, BLOCK)]
    with services.database.autocommit() as connection:
        dropped = _drop_indexes(connection)
        say(f"{dropped} indexes are taken away; they are made anew at the end")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_WORKERS, mp_context=context) as pool:
        for done in pool.map(_copy_block, blocks):
            progress(done)


_OF_THE_BLOB: Final = ("blob", "size_bytes", "prefix_bytes", "header_bytes", "sha256", "transfer_syntax_uid")


def _stored(services: Services) -> dict[str, Any]:
    with services.database.transaction() as tx:
        row = tx.execute(
            "select blob, size_bytes, prefix_bytes, header_bytes, sha256, transfer_syntax_uid from instance order by id limit 1"
        ).fetchone()
    if row is None:
        raise ValueError("seeding begins behind at least one stored object")
    return dict(zip(_OF_THE_BLOB, row, strict=True))


def _copy_block(block: Block) -> int:
    with psycopg.connect(block.url) as tx:
        if tx.execute("select 1 from study where id = %s", (_IDS + block.first,)).fetchone() is None:
            # The rows are consistent by construction; a look-up of each reference would take longer than the rows.
            tx.execute("set local session_replication_role = replica")
            for table, rows in _rows_of(block).items():
                _copy(tx, table, rows)
    return block.last


def _copy(tx: Tx, table: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    names = list(rows[0])
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with tx.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])


def _rows_of(block: Block) -> Rows:
    found: Rows = {"patient": [], "study": [], "series": [], "instance": []}
    known = -1
    for number in range(block.first, block.last):
        examination = Examination(number)
        data = examination.description_of(0, 0)
        header = scan(data, transfer_syntax=EXPLICIT_VR_LITTLE_ENDIAN)
        identity = _rows.identity_of(header, block.arrival)
        if examination.person != known:
            known = examination.person
            found["patient"].append(_patient(known, identity))
        for table, row in _study(examination, header, identity, block):
            found[table].append(row)
    return found


def _patient(number: int, identity: Identity) -> dict[str, Any]:
    person = identity.person
    return {
        "id": _IDS + number, "tenant_id": _TENANT, "identity_key": identity_key(person, identity.study_uid), "issuer": person.issuer,
        "patient_id": person.patient_id, "name": person.name, "birth_date": person.birth_date, "sex": person.sex,
    }  # fmt: skip


def _study(
    examination: Examination, header: Header, identity: Identity, block: Block
) -> Iterator[tuple[str, dict[str, Any]]]:
    columns = _rows.study_columns(header, identity, block.arrival)
    number, modalities = examination.number, examination.series_modalities
    at = datetime.combine(examination.day, time(0), UTC) + timedelta(seconds=examination.seconds)
    is_open = number % _STILL_RECEIVING == 7
    times = {
        "received_at": at, "last_received_at": at, "settles_at": at + timedelta(days=30_000 if is_open else 0),
        "settled_at": None if is_open else at + timedelta(minutes=5),
    }  # fmt: skip
    counts = [examination.images_in(series) for series in range(len(modalities))]
    study_id, size = _IDS + number, block.stored["size_bytes"]
    yield "study", columns | times | {
        "id": study_id, "tenant_id": _TENANT, "patient_fk": _IDS + examination.person, "attributes": Jsonb(columns["attributes"]),
        "modalities": list(dict.fromkeys(modalities)), "modality_key": next((one for one in modalities if one not in _NO_PICTURES), modalities[0]),
        "sop_classes": [identity.sop_class_uid], "series_count": len(modalities), "instance_count": sum(counts),
        "bytes": sum(counts) * size, "held_count": int(number % _WITH_HELD == 3), "revision": sum(counts),
    }  # fmt: skip
    own = _rows.series_columns(header, identity)
    for series, modality in enumerate(modalities):
        yield "series", own | times | {
            "id": (study_id * _SERIES_IDS) + series, "tenant_id": _TENANT, "study_fk": study_id, "series_uid": examination.series_uid(series),
            "number": series + 1, "modality": modality, "description": f"SERIES {series}", "attributes": Jsonb(own["attributes"]),
            "instance_count": counts[series], "frame_count": counts[series], "bytes": counts[series] * size,
            "revision": counts[series],
        }  # fmt: skip
    yield "instance", _rows.instance_columns(header) | block.stored | {
        "id": study_id, "tenant_id": _TENANT, "series_fk": study_id * _SERIES_IDS, "sop_uid": identity.sop_uid,
        "sop_class_uid": identity.sop_class_uid, "arrival_id": block.arrival.id, "received_at": at,
    }  # fmt: skip


# -- indexes ---------------------------------------------------------------------------------------------------

_TABLES: Final = ["patient", "study", "series", "instance"]
_KEPT: Final = "bench_dropped_indexes"


def _drop_indexes(connection: Tx) -> int:
    """Those that no constraint needs; their definitions are kept in the database until they stand again."""
    rows = connection.execute(
        "select c.relname, pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid "
        "join pg_class t on t.oid = i.indrelid where t.relname = any(%s) and not i.indisunique",
        (_TABLES,),
    ).fetchall()
    kept = dict(_kept(connection)) | dict(rows)
    _keep(connection, kept)
    for name, _ in rows:
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(name)))
    return len(kept)


def _kept(connection: Tx) -> dict[str, LiteralString]:
    row = connection.execute("select value from site_value where key = %s", (_KEPT,)).fetchone()
    return json.loads(row[0]) if row else {}


def _keep(connection: Tx, definitions: dict[str, LiteralString]) -> None:
    connection.execute(
        "insert into site_value (key, value) values (%s, %s) on conflict (key) do update set value = excluded.value",
        (_KEPT, json.dumps(definitions)),
    )


def restore_indexes(services: Services, say: Callable[[str], None]) -> None:
    """Makes anew what seeding took away; does nothing when everything stands."""
    with services.database.autocommit() as connection:
        definitions = _kept(connection)
        connection.execute("set maintenance_work_mem = '512MB'")
        for name, definition in definitions.items():
            if connection.execute("select to_regclass(%s)", (name,)).fetchone() == (None,):
                connection.execute(definition)
                say(f"index {name}")
        if definitions:
            connection.execute("delete from site_value where key = %s", (_KEPT,))


def settle(services: Services) -> None:
    """What the quiet time and the housekeeping would have done long ago in an archive of this size."""
    with services.database.transaction() as tx:
        for table in ("series", "study"):
            tx.execute(
                sql.SQL(
                    "update {} set settled_at = last_received_at where settled_at is null and settles_at < now() + interval '1 day'"
                ).format(sql.Identifier(table))
            )
    while relay_once(services.database):
        continue
    with services.database.autocommit() as connection:
        connection.execute("vacuum (analyze)")
        connection.execute("checkpoint")


COUNTED: Final = ("patient", "study", "series", "instance", "arrival", "outbox", "audit_event")


def index_bytes(services: Services) -> dict[str, int]:
    """Table, TOAST and indexes of everything that grows with an instance."""
    with services.database.transaction() as tx:
        rows = {
            table: tx.execute("select pg_total_relation_size(%s::regclass)", (table,)).fetchone() for table in COUNTED
        }
    return {table: int(row[0]) for table, row in rows.items() if row is not None}
