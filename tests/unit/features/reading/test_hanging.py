"""Hanging protocols: what may be one, what it finds, whose layer holds, and what the lint tells."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.engine.db import Database
from heliograph.features.access import EVERYWHERE, Actor
from heliograph.features.reading import hanging
from heliograph.features.reading.hanging.document import MOST_BYTES
from heliograph.features.reading.hanging.matching import Study, arrange, rank, relevant, stages
from heliograph.kit.errors import Absent, Conflict, Invalid, Refused
from tests.unit.features.reading import hanging_cases as made

SHIPPED = {document["id"]: document for document in hanging.shipped()}


def test_the_browser_and_the_server_answer_alike() -> None:
    """The browser's half is web/tests/viewer/hanging.test.ts, on the same file."""
    assert json.loads(made.FILE.read_text("utf-8")) == json.loads(json.dumps(made.cases()))


def test_every_kind_of_study_has_a_protocol() -> None:
    assert set(SHIPPED) >= {"plain-film", "ct", "ct-chest", "mr-brain", "mr-spine", "pet-ct", "mammography", "ultrasound", "angiography", "nuclear", "any"}  # fmt: skip
    for seed in range(80):
        one = made.study(seed)
        best = rank([("shipped", document) for document in SHIPPED.values()], one, 0)[0]
        assert best.fits


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("id",), "No Capitals", "id"),
        (("stages", 0, "viewport_structure", "rows"), 6, "rows"),
        (("stages", 0, "requires"), ["nobody"], "no selector named nobody"),
        (("number_of_priors_referenced",), 0, "not referenced"),
        (("stages", 0, "viewports"), [{"display_sets": [{"id": "soft"}]}] * 5, "more viewports than places"),
        (("protocol_matching_rules", 0, "constraint"), {"equals": "CT", "exists": True}, "exactly one comparison"),
        (("protocol_matching_rules", 0, "constraint"), {"matches": "(a+)+"}, "constraint"),
        (("display_set_selectors", "soft", "study"), "later", "study"),
        (("priority",), float("nan"), "priority"),
        (("surprise",), 1, "surprise"),
        (("name",), "x" * 81, "name"),
    ],
)
def test_what_is_no_protocol_is_refused_with_its_place(path: tuple[Any, ...], value: Any, told: str) -> None:
    document = copy.deepcopy(SHIPPED["ct-chest"])
    inner: Any = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(Invalid) as error:
        hanging.checked(document)
    assert told in error.value.message


def test_a_protocol_is_bounded() -> None:
    with pytest.raises(Invalid):
        hanging.checked({"id": "x" * MOST_BYTES})


def test_areas_neither_overlap_nor_leave_the_grid() -> None:
    document = copy.deepcopy(SHIPPED["any"])
    shape = document["stages"][0]["viewport_structure"]
    shape.update(rows=2, columns=2, areas=[{"row": 0, "column": 0, "rows": 2}, {"row": 0, "column": 1}])
    assert hanging.checked(document)
    for wrong in ({"row": 1, "column": 0}, {"row": 1, "column": 1, "columns": 2}):
        shape["areas"] = [{"row": 0, "column": 0, "rows": 2}, wrong]
        with pytest.raises(Invalid):
            hanging.checked(document)


@given(st.integers(0, 400), st.sampled_from(sorted(SHIPPED)))
@settings(max_examples=150, deadline=None)
def test_no_later_study_and_no_other_patient_ever_hangs(seed: int, name: str) -> None:
    """Safety guards 4 and 7."""
    current, document = made.study(seed), SHIPPED[name]
    wrong = [
        made.study(seed, relation="later"),
        made.study(seed, relation="prior", patient="other"),
        replace(current, relation="prior"),
    ]
    assert relevant(current, wrong) == []
    for stage in range(len(document["stages"])):
        assert {pane.study for pane in arrange(document, stage, current, wrong)} <= {"", current.id}


@given(st.integers(0, 400), st.sampled_from(sorted(SHIPPED)))
@settings(max_examples=150, deadline=None)
def test_a_series_hangs_twice_only_when_one_selector_asks_for_it_twice(seed: int, name: str) -> None:
    current, document = made.study(seed), SHIPPED[name]
    priors = [made.study(seed + 1, relation="prior")]
    for stage in stages(document, current, priors):
        by_item: dict[tuple[str, str, str], set[str]] = {}
        panes = arrange(document, stage, current, priors)
        assert panes == arrange(document, stage, current, priors)
        for pane in panes:
            by_item.setdefault((pane.study, pane.series, pane.sop_uid), set()).add(pane.selector)
        assert all(len(selectors) == 1 for item, selectors in by_item.items() if item[1])


def _person(roles: tuple[str, ...] = ("radiologist",), *permissions: Any) -> Actor:
    return Actor("user", str(uuid4()), "reader", 1, frozenset({"study.read", *permissions}), roles=roles, scope=EVERYWHERE)  # fmt: skip


@pytest.fixture
def people(scratch: Database) -> tuple[Actor, Actor]:
    """One who reads and one who manages the workspace."""
    found = _person(), _person(("admin",), "workspace.manage")
    with scratch.transaction() as tx:
        for person in found:
            tx.execute(
                "insert into app_user (id, tenant_id, name) values (%s, 1, %s)", (person.id, f"hang-{person.id}")
            )
    return found


def _named(rows: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((row for row in rows if row["document"]["id"] == name), None)


def test_the_nearest_layer_holds(scratch: Database, people: tuple[Actor, Actor]) -> None:
    reader, manager = people
    document = SHIPPED["nuclear"]
    with scratch.transaction() as tx:
        for layer, role, actor in (("site", "", manager), ("role", "radiologist", manager), ("user", "", reader)):
            held = hanging.add_protocol(tx, actor, document | {"name": layer}, layer=layer, role=role)  # type: ignore[arg-type]
            seen = _named(hanging.effective(tx, reader), "nuclear")
            assert seen is not None
            assert (seen["layer"], seen["document"]["name"]) == (layer, layer)
        other = _named(hanging.effective(tx, manager), "nuclear")
        assert other is not None
        assert other["layer"] == "site", "a role's is for who has the role, a person's for the person"
        hanging.replace_protocol(tx, reader, held["id"], version=1, enabled=False)
        assert _named(hanging.effective(tx, reader), "nuclear") is None, "switched off for this person"
        hanging.remove_protocol(tx, reader, held["id"])
        seen = _named(hanging.effective(tx, reader), "nuclear")
        assert seen is not None
        assert seen["layer"] == "role"


def test_layers_of_others_are_for_who_manages(scratch: Database, people: tuple[Actor, Actor]) -> None:
    reader, manager = people
    document = SHIPPED["us"] if "us" in SHIPPED else SHIPPED["ultrasound"]
    with scratch.transaction() as tx:
        for layer, role in (("site", ""), ("role", "viewer")):
            with pytest.raises(Refused):
                hanging.add_protocol(tx, reader, document, layer=layer, role=role)  # type: ignore[arg-type]
        own = hanging.add_protocol(tx, reader, document, layer="user")
        with pytest.raises(Absent):
            hanging.remove_protocol(tx, manager, own["id"])
        with pytest.raises(Conflict):
            hanging.add_protocol(tx, reader, document, layer="user")
        with pytest.raises(Conflict):
            hanging.replace_protocol(tx, reader, own["id"], version=7, enabled=False)
        with pytest.raises(Invalid):
            hanging.replace_protocol(tx, reader, own["id"], version=1, document=SHIPPED["ct"])
        with pytest.raises(Refused):
            hanging.add_protocol(tx, replace(reader, kind="token"), document, layer="user")
        with pytest.raises(Refused):
            hanging.lint(tx, reader)


def test_the_lint_tells_what_never_fits_and_what_stays_empty(scratch: Database, people: tuple[Actor, Actor]) -> None:
    _, manager = people
    never = copy.deepcopy(SHIPPED["ct"]) | {"id": "never", "name": "Never"}
    never["protocol_matching_rules"] = [{"attribute": "modalities", "constraint": {"equals": "ZZ"}, "required": True}]
    with scratch.transaction() as tx:
        hanging.add_protocol(tx, manager, never, layer="site")
        found = hanging.lint(tx, manager)
        hanging.remove_protocol(tx, manager, next(one["id"] for one in hanging.protocols(tx, manager) if one["document"]["id"] == "never"))  # fmt: skip
    told = {one["protocol"]: one for one in found["protocols"]}
    assert (told["never"]["fits"], told["never"]["wins"]) == (0, 0)
    assert told["any"]["fits"] == found["studies"]


def test_studies_see_only_what_they_are() -> None:
    """A study without pictures hangs by no stage of a protocol for pictures."""
    empty = Study("1", "p", "current", {"modalities": ["CT"], "body_part": "CHEST"}, ())
    assert [stages(document, empty, ()) for document in SHIPPED.values()] == [[]] * len(SHIPPED)
