"""Audit rows stand or fall with the act."""

import psycopg
import pytest

from heliograph.engine import audit
from heliograph.engine.db import Database, Tx
from heliograph.kit.time import now

WHO = {"kind": "user", "id": "7", "name": "jane", "address": "10.0.0.1"}


def test_a_row_says_who_did_what_to_what_and_when(tx: Tx) -> None:
    before = now()
    audit.record(tx, 1, "study.opened", WHO, {"study": 12}, detail={"way": "list"})
    row = tx.execute(
        "select tenant_id, at, kind, outcome, actor, subject, detail from audit_event order by id desc limit 1"
    ).fetchone()
    assert row is not None
    assert (row[0], row[2], row[3], row[4], row[5], row[6]) == (
        1,
        "study.opened",
        "success",
        WHO,
        {"study": 12},
        {"way": "list"},
    )
    assert before <= row[1] <= now()


@pytest.mark.parametrize("outcome", ["success", "refused", "failed"])
def test_outcomes(tx: Tx, outcome: audit.Outcome) -> None:
    audit.record(tx, 1, "signed_in", WHO, {}, outcome=outcome)
    assert tx.execute("select outcome, detail from audit_event order by id desc limit 1").fetchone() == (outcome, {})


def test_an_act_that_fails_leaves_no_row(scratch: Database) -> None:
    def act(tx: Tx) -> None:
        audit.record(tx, 1, "never.happened", WHO, {})
        raise ValueError

    with pytest.raises(ValueError), scratch.transaction() as tx:
        act(tx)
    with scratch.transaction() as tx:
        assert tx.execute("select count(*) from audit_event where kind = 'never.happened'").fetchone() == (0,)


def test_no_act_without_its_row(scratch: Database) -> None:
    """When the record cannot be written, the act is undone with it."""

    def act(tx: Tx) -> None:
        tx.execute(
            "insert into app_user (id, tenant_id, name, display_name, roles) values (gen_random_uuid(), 1, 'unrecorded', '', '{}')"
        )
        audit.record(tx, 30_000, "user.added", WHO, {})  # no such tenant

    with pytest.raises(psycopg.errors.ForeignKeyViolation), scratch.transaction() as tx:
        act(tx)
    with scratch.transaction() as tx:
        assert tx.execute("select count(*) from app_user where name = 'unrecorded'").fetchone() == (0,)
