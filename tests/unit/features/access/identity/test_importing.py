"""People from a spreadsheet: what files are taken, what is said about a fault, and that nothing is half done."""

import contextlib
import csv
import io
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.engine.db import Tx
from heliograph.features import access
from heliograph.features.access import Actor, Session, SignInRules, Window
from heliograph.features.access.identity.importing import Result, import_people
from heliograph.features.access.identity.people_csv import MOST_BYTES, MOST_PEOPLE, Row, read
from heliograph.kit.errors import Invalid, Refused

HEADER = "name;display_name;roles;sites;departments;clearances;disabled"
PLAIN = f"{HEADER}\njdoe;Jane Döe;radiologist|technologist;Graz;CT;vip;\nboss;The Boss;admin;*;;;no\n"


@pytest.fixture
def graz(tx: Tx, actor: Actor) -> int:
    site = access.add_site(tx, actor, "Graz")
    access.add_department(tx, actor, site, "CT")
    return site


def bring(tx: Tx, actor: Actor, text: str, *, dry_run: bool = False) -> Result:
    return import_people(tx, actor, text.encode(), dry_run=dry_run)


def said(result: Result) -> list[tuple[int, str, str]]:
    return [(one.line, one.column, one.code) for one in result.problems]


def stored(tx: Tx, name: str) -> tuple[object, ...] | None:
    return tx.execute(
        "select display_name, roles, everywhere, site_ids, cardinality(department_ids), clearances, disabled_at is null, password_hash "
        "from app_user where tenant_id = 1 and name = %s",
        (name,),
    ).fetchone()


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(encoding: str, separator: str, end: str) -> None:
    rows, problems = read(PLAIN.replace(";", separator).replace("\n", end).encode(encoding))
    assert problems == []
    assert rows[0] == Row(2, "jdoe", "Jane Döe", ("radiologist", "technologist"), ("Graz",), ("CT",), ("vip",), None)
    assert (rows[1].line, rows[1].sites, rows[1].disabled) == (3, ("*",), False)


def test_a_separator_that_excel_tells_and_empty_lines_count_as_lines() -> None:
    rows, problems = read(b'sep=;\nname;roles\n\n;\n"a;b";viewer\n"two\nlines";viewer\nlast;viewer\n')
    assert [row.line for row in rows] == [5, 8]
    assert rows[0].name == "a;b"
    assert [(one.line, one.column) for one in problems] == [(6, "name")], "a name of two lines is none"


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=30),
            st.text(st.characters(exclude_categories=("C", "Z")), max_size=60),
        ),
        min_size=1, max_size=8, unique_by=lambda pair: pair[0],
    ),
    st.sampled_from(";,\t"),
)  # fmt: skip
def test_whatever_is_written_is_read_back(people: list[tuple[str, str]], separator: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(["name", "display_name", "roles"])
    writer.writerows([name, display, "viewer"] for name, display in people)
    rows, problems = read(out.getvalue().encode("utf-8-sig"))
    assert problems == []
    assert [(row.name, row.display_name or "") for row in rows] == people


@given(st.binary(max_size=2000))
def test_any_bytes_end_in_rows_problems_or_a_refusal(data: bytes) -> None:
    for begin in (b"", b"name;roles\n", b"name,roles\n"):
        with contextlib.suppress(Invalid):
            rows, problems = read(begin + data)
            assert len(rows) <= MOST_PEOPLE
            assert len(problems) <= 110


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "import_no_header"), (b"\n\n", "import_no_header"), (b"jdoe;viewer\n", "import_columns"), (b"roles\nviewer\n", "import_columns"),
        (b"name;name\na;b\n", "import_columns"), (b"name;Password\na;secret\n", "import_secret"), (b"name;Kennwort\na;x\n", "import_secret"),
        (b"name;PIN\na;123456\n", "import_secret"), (b"name\na\0b\n", "import_encoding"), (b"name\n\x81\x8d\n", "import_encoding"),
        (b"PK\x03\x04\x14\0\x06\0", "import_encoding"), (b"name\n" + b"a" * MOST_BYTES, "import_too_long"),
        (b"name\n" + b"x\n" * (MOST_PEOPLE + 1), "import_too_long"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_people_is_refused_with_the_reason(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as told:
        read(data)
    assert told.value.code == code
    assert "secret" not in told.value.message


# -- people ----------------------------------------------------------------------------------------------------------


def test_people_are_added_with_links_and_the_same_file_again_changes_nothing(tx: Tx, actor: Actor, graz: int) -> None:
    first = bring(tx, actor, PLAIN)
    assert [(item.name, item.outcome) for item in first.items] == [("jdoe", "new"), ("boss", "new")]
    assert stored(tx, "jdoe") == ("Jane Döe", ["radiologist", "technologist"], False, [graz], 1, ["vip"], True, None)
    boss = stored(tx, "boss")
    assert boss is not None
    assert (boss[1], boss[2]) == (["admin"], True)
    link = first.items[0].link
    assert link is not None
    came = access.sign_in_by_link(tx, link, Window("10.0.0.1"), SignInRules())
    assert isinstance(came, Session)
    assert came.needs_password
    before = tx.execute("select count(*) from audit_event").fetchone()
    again = bring(tx, actor, PLAIN)
    assert [(item.outcome, item.changes, item.link) for item in again.items] == [("same", (), None)] * 2
    after = tx.execute("select count(*) from audit_event").fetchone()
    assert before is not None
    assert after == (before[0] + 1,), "that it was imported, and nothing else"


def test_only_what_differs_is_changed_and_empty_cells_leave_as_it_is(tx: Tx, actor: Actor, graz: int) -> None:
    bring(tx, actor, PLAIN)
    result = bring(tx, actor, "name,roles,disabled\njdoe,radiologist,\nboss,,yes\n")
    assert [(item.outcome, item.changes) for item in result.items] == [
        ("changed", ("roles",)),
        ("changed", ("disabled",)),
    ]
    assert stored(tx, "jdoe") == ("Jane Döe", ["radiologist"], False, [graz], 1, ["vip"], True, None)
    boss = stored(tx, "boss")
    assert boss is not None
    assert (boss[1], boss[6]) == (["admin"], False)


def test_a_dry_run_says_the_same_and_does_nothing(tx: Tx, actor: Actor, graz: int) -> None:
    planned = bring(tx, actor, PLAIN, dry_run=True)
    assert ([item.outcome for item in planned.items], planned.is_done) == (["new", "new"], False)
    assert stored(tx, "jdoe") is None
    assert [item.outcome for item in bring(tx, actor, PLAIN).items] == ["new", "new"]


def test_one_fault_and_nobody_is_added_and_every_fault_is_named(tx: Tx, actor: Actor, graz: int) -> None:
    access.add_user(tx, actor, "theatre", ["viewer"], kind="station")
    text = (
        f"{HEADER}\ngood;Good;viewer;Graz;;;\nbad;Bad;viewer|king;Graz;;;\nnone;None;;;;;\nfar;Far;viewer;Atlantis;;;\n"
        "dep;Dep;viewer;Graz;MRI;;\nrest;Rest;viewer;;;royal;\nyes;Yes;viewer;;;;perhaps\ngood;Twice;viewer;;;;\n"
        "theatre;Station;viewer;;;;\nmany;Many;viewer;;;;;;surplus\n"
    )
    result = bring(tx, actor, text)
    assert said(result) == [
        (3, "roles", "bad_role"), (4, "roles", "no_roles"), (5, "sites", "no_site"), (6, "departments", "no_department"),
        (7, "clearances", "bad_clearance"), (8, "disabled", "bad_word"), (9, "name", "twice"), (10, "name", "station"),
        (11, "", "too_many_cells"),
    ]  # fmt: skip
    assert all(len(one.message) > 15 for one in result.problems)
    assert not result.items
    assert stored(tx, "good") is None


def test_nobody_shuts_themselves_out(tx: Tx, actor: Actor) -> None:
    user_id: UUID = access.add_user(tx, actor, "boss", ["admin"])
    boss = access.actor_of_user(tx, actor, user_id)
    assert said(bring(tx, boss, "name,roles,disabled\nboss,viewer,yes\n")) == [
        (2, "disabled", "self_disable"),
        (2, "roles", "self_disable"),
    ]


def test_roles_of_people_of_another_house_are_not_ours_to_give(tx: Tx, actor: Actor) -> None:
    access.add_user(tx, actor, "far", ["viewer"], outside="ldap:dc=x#1")
    assert said(bring(tx, actor, "name,roles\nfar,admin\n")) == [(2, "roles", "kept_elsewhere")]
    assert bring(tx, actor, "name,roles,display_name\nfar,viewer,Far Away\n").items[0].changes == ("display_name",)


def test_it_needs_the_permission(tx: Tx, actor: Actor) -> None:
    reader = access.actor_of_user(tx, actor, access.add_user(tx, actor, "reader", ["radiologist"]))
    with pytest.raises(Refused):
        bring(tx, reader, PLAIN)
