"""A line sends one statement straight to the server: values arrive whole, and its errors are the database's."""

import json
import time

import psycopg
import pytest

from heliograph.engine.db import Database, Silent, Statement

_ECHO = Statement("select %(a)s::text, %(b)s::int + 1, %(c)s::text[] , %(a)s::text")


@pytest.fixture
def line(scratch):
    made = scratch.line()
    yield made
    made.close()


def test_values_arrive_as_they_were_sent(line):
    for text in ("plain", "Äöü 山田", "a'b\"c\\d{e},f", ""):
        row = line.run(_ECHO, {"a": text, "b": 41, "c": None})
        assert row == [(text, "42", "", text)]


def test_a_list_keeps_every_sign_of_its_items(line):
    items = ["odd length", 'quoted "x"', "back\\slash", "comma, brace }{", "NULL", ""]
    told = Statement("select to_json(%(c)s::text[])")
    ((found,),) = line.run(told, {"c": items})
    assert json.loads(found) == items


def test_a_nul_is_refused_before_it_cuts_a_value(line):
    with pytest.raises(psycopg.DataError):
        line.run(_ECHO, {"a": "x\0y", "b": 1, "c": None})


def test_an_error_of_the_server_leaves_the_line_usable(line):
    with pytest.raises(psycopg.errors.DivisionByZero):
        line.run(Statement("select 1 / %(b)s::int"), {"b": 0})
    assert line.run(_ECHO, {"a": "x", "b": 1, "c": None})[0][1] == "2"


def test_a_line_that_broke_is_opened_again(line, scratch):
    ((pid,),) = line.run(Statement("select pg_backend_pid() + %(zero)s::int"), {"zero": 0})
    with scratch.transaction() as tx:
        tx.execute("select pg_terminate_backend(%s)", (int(pid),))
    with pytest.raises(psycopg.DatabaseError):
        ask_for_ever(line)
    assert line.run(_ECHO, {"a": "x", "b": 1, "c": None})[0][0] == "x"


def ask_for_ever(line):
    while True:
        line.run(_ECHO, {"a": "x", "b": 1, "c": None})


_SLEEP = Statement("select pg_sleep(%(s)s::float8)::text")


def test_nothing_stands_before_the_end_and_closing_takes_it_back(line, scratch):
    with scratch.transaction() as tx:
        tx.execute("create table line_test (n int)")
    insert = Statement("insert into line_test values (%(n)s::int) returning n::text")

    def standing():
        with scratch.transaction() as tx:
            return [n for (n,) in tx.execute("select n from line_test order by n")]

    try:
        line.begin(insert, {"n": 1})
        assert standing() == []
        assert line.end() == [("1",)]
        line.begin(insert, {"n": 2})
        line.close()
        assert line.run(insert, {"n": 3}) == [("3",)]
        assert standing() == [1, 3]
    finally:
        with scratch.transaction() as tx:
            tx.execute("drop table line_test")


def test_a_statement_that_the_server_cannot_prepare_says_so_each_time(line):
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            line.run(Statement("select %(a)s::text from no_such_table"), {"a": "x"})
    assert line.run(_ECHO, {"a": "x", "b": 1, "c": None})[0][0] == "x"


def test_a_server_that_says_nothing_is_given_up_and_asked_anew(scratch_url):
    database = Database(scratch_url, name="tests-silent")
    line = database.line()
    database.silent_at_most(0.2)
    began = time.monotonic()
    with pytest.raises(Silent):
        line.run(_SLEEP, {"s": 40})
    assert time.monotonic() - began < 30, "it waited for the answer"
    database.silent_at_most(60)
    assert line.run(_ECHO, {"a": "x", "b": 1, "c": None})[0][0] == "x"
    line.close()
    database.close()
