"""What searches need is read into the database's memory after a start."""

import pytest

from heliograph.engine.db import Database
from heliograph.features.archive import warm

_READS = (
    "select s.indexrelname, coalesce(s.idx_blks_read + s.idx_blks_hit, 0) from pg_statio_user_indexes s "
    "join pg_index i on i.indexrelid = s.indexrelid where s.relname in ('study', 'patient', 'series')"
)


def looked_at(scratch: Database) -> dict[str, int]:
    with scratch.autocommit() as connection:
        return dict(connection.execute(_READS).fetchall())


def test_every_index_of_what_is_searched_is_read(scratch: Database) -> None:
    before = looked_at(scratch)
    with scratch.transaction() as tx:
        plan = [step for table in ("study", "patient", "series") for step in warm._steps(tx, table)]
    assert len(plan) == len(before) - 1 + 3, "an index is left out; that of words is read with its table"
    with scratch.autocommit() as connection:
        connection.execute(warm._BY_INDEX.replace("true", "false"))
        for _, statement in plan:
            connection.execute(statement)
        connection.execute("select pg_stat_force_next_flush()")
    assert warm.warm(scratch) == sum(size for size, _ in plan)
    after = looked_at(scratch)
    assert {name for name, count in after.items() if count <= before[name]} == set()


def test_what_does_not_fit_is_left(scratch: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with scratch.transaction() as tx:
        sizes = [size for table in ("study", "patient", "series") for size, _ in warm._steps(tx, table)]
        room = warm._memory_bytes(tx)
    for most in (0, max(sizes) - 1, sum(sizes) // 2):
        monkeypatch.setattr(warm, "_SHARE", most / room)
        assert warm.warm(scratch) <= most


def test_a_database_that_is_away_does_no_harm() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nowhere", name="tests-warm")
    away.open()
    away.wait_at_most(0.2)
    try:
        assert warm.warm(away) == 0
    finally:
        away.close()
