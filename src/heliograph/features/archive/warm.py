"""Reads what searches need into the memory of the database, so that the first search after a start is as quick as the next.

After a start the database's memory is empty, and every page of an index that is met costs a read of the disk: some hundred of them make
a search ten times as long. Nothing is lost when this does not run, or not to its end.
"""

from typing import Final

from heliograph.engine.db import Database, DatabaseError, Tx
from heliograph.kit.errors import HeliographError

_SHARE: Final = 0.8
"""Of the database's memory; receiving needs the rest."""
_TABLES: Final = ("study", "patient", "series")
"""The dearest first."""

_BY_INDEX: Final = "select " + ", ".join(
    f"set_config('{name}', '{value}', true)"
    for name, value in (("enable_seqscan", "off"), ("enable_sort", "off"), ("max_parallel_workers_per_gather", "0"))
)
"""Only what comes by an index stays in memory; a scan of the table goes through a small ring of buffers."""
_INDEXES: Final = """
    select pg_relation_size(index.oid), array_agg(pg_get_indexdef(i.indexrelid, k.place, true)
        || case when i.indoption[k.place - 1] & 1 = 1 then ' desc' else '' end order by k.place),
        coalesce(pg_get_expr(i.indpred, i.indrelid), 'true')
    from pg_index i join pg_class index on index.oid = i.indexrelid join pg_class owner on owner.oid = i.indrelid
        join pg_am am on am.oid = index.relam and am.amname = 'btree'
        cross join lateral generate_series(1, i.indnkeyatts) as k(place)
    where owner.relname = %s and owner.relnamespace = 'public'::regnamespace and i.indisvalid
    group by index.relname, index.oid, owner.relname, i.indpred, i.indrelid order by 1 desc"""


def warm(database: Database) -> int:
    """Bytes that were read; stops where the database's memory is full. Raises nothing: a database that ends meanwhile is no fault of it."""
    done = 0
    try:
        with database.transaction() as tx:
            left = _memory_bytes(tx) * _SHARE
            plan = [step for table in _TABLES for step in _steps(tx, table)]
        for size, statement in plan:
            if size > left - done:
                continue
            with database.transaction() as tx:
                tx.execute(_BY_INDEX)
                tx.execute(statement)
            done += size
    except (DatabaseError, HeliographError):
        return done
    return done


def _memory_bytes(tx: Tx) -> int:
    row = tx.execute("select pg_size_bytes(current_setting('shared_buffers'))").fetchone()
    assert row is not None
    return int(row[0])


def _steps(tx: Tx, table: str) -> list[tuple[int, str]]:
    """(bytes, statement) of each index of a table, and of the table itself."""
    found = []
    for size, columns, condition in tx.execute(_INDEXES, (table,)).fetchall():
        plain = columns[0].removesuffix(" desc")
        found.append(
            (
                size,
                f"select count(x) from (select {plain} as x from {table} where {condition} order by {', '.join(columns)} offset 0) as s",
            )
        )
    row = tx.execute("select pg_relation_size(%s::regclass)", (table,)).fetchone()
    assert row is not None
    return [
        *found,
        (
            row[0],
            _OF_TABLE.get(
                table, f"select count(x) from (select tenant_id as x from {table} order by id offset 0) as s"
            ),
        ),
    ]


_OF_TABLE: Final = {"study": "select count(*) from study where search_grams @> '{}'"}
"""By way of its index of words, which cannot be read else."""
