"""The policy has one meaning in two forms: 10^5 random situations (a policy, somebody who asks, a study) under both."""

import os
import random
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from heliograph.engine.db import Tx
from heliograph.engine.rules import AllOf, AnyOf, Kind, Node, Not, Value, check, evaluate
from heliograph.engine.rules.model import Compare, Constant, In, Name, Overlaps
from heliograph.features.access.rules import DEFAULT, Policy, Principal, Rule, allows, predicate, withheld_node
from heliograph.features.access.vocabulary import RESTRICTIONS, VOCABULARY

STUDIES, PRINCIPALS, POLICIES = 250, 20, 20
SITES, DEPARTMENTS, PROJECTS = range(1, 5), range(3), ("lung", "brain", "")
ROLES = ("admin", "radiologist", "technologist", "viewer", "privacy", "referrer", "patient", "guest", "researcher")
MODALITIES = ("CT", "MR", "US", "SR")
TIES = ("referrer", "reader", "guest", "project")


class World(NamedTuple):
    """Studies as the database holds them, and what the test put there."""

    studies: dict[int, dict[str, Value]]
    people: list[UUID]
    patients: list[int]


@pytest.fixture
def chance() -> random.Random:
    return random.Random(int(os.environ.get("POLICY_SEED", "20261122")))


@pytest.fixture
def world(tx: Tx, chance: random.Random) -> World:
    people = [UUID(int=chance.getrandbits(128)) for _ in range(12)]
    patients = [_patient(tx, number) for number in range(40)]
    kinds = {patient: chance.choice(("", "", "", *RESTRICTIONS)) for patient in patients}
    studies = {}
    for number in range(STUDIES):
        patient = chance.choice(patients)
        values: dict[str, Value] = {
            "study.site": chance.choice(SITES), "study.department": chance.choice(DEPARTMENTS), "study.patient": patient,
            "study.restrictions": (kinds[patient],) if kinds[patient] else (), "study.unverified": chance.random() < 0.2,
            "study.modalities": tuple(chance.sample(MODALITIES, chance.randrange(3))),
        }  # fmt: skip
        ties = {tie: _tied(chance, tie, people) for tie in TIES}
        study = _study(tx, number, values, ties)
        studies[study] = values | {f"study.{tie}s": tuple(ties[tie]) for tie in TIES}
    return World(studies, people, patients)


def _patient(tx: Tx, number: int) -> int:
    row = tx.execute(
        "insert into patient (tenant_id, identity_key, issuer, patient_id) values (1, %s, '', %s) returning id",
        (f"agree:{number}", f"A{number}"),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _tied(chance: random.Random, tie: str, people: list[UUID]) -> list[str]:
    among = list(PROJECTS) if tie == "project" else [str(one) for one in people]
    return chance.sample(among, chance.choice((0, 0, 1, 2)))


def _study(tx: Tx, number: int, values: dict[str, Any], ties: dict[str, list[str]]) -> int:
    row = tx.execute(
        "insert into study (tenant_id, patient_fk, study_uid, site_id, department_id, restriction, unverified, modalities, received_at, last_received_at) "
        "values (1, %s, %s, %s, %s, %s, %s, %s, now(), now()) returning id",
        (
            values["study.patient"], f"1.2.{number}.99", values["study.site"], values["study.department"], "".join(values["study.restrictions"]),
            values["study.unverified"], list(values["study.modalities"]),
        ),
    ).fetchone()  # fmt: skip
    assert row is not None
    for tie, subjects in ties.items():
        for subject in subjects:
            tx.execute(
                "insert into study_tie (study_fk, kind, subject, tenant_id, created_by) values (%s, %s, %s, 1, 'test')",
                (row[0], tie, subject),
            )
        # What has run out counts as little as what never was.
        over = str(uuid4()) if tie != "project" else "over"
        tx.execute(
            "insert into study_tie (study_fk, kind, subject, tenant_id, created_by, until) values (%s, %s, %s, 1, 'test', now() - interval '1 s')",
            (row[0], tie, over),
        )
    return int(row[0])


def _principal(chance: random.Random, world: World) -> Principal:
    def some(values: Any, most: int = 2) -> tuple[Any, ...]:
        among = list(values)
        return tuple(sorted(chance.sample(among, chance.randrange(min(most, len(among)) + 1))))

    return Principal(
        chance.choice(("user", "user", "user", "token", "device", "caller", "system")), str(chance.choice(world.people)), some(ROLES, 3),
        chance.random() < 0.2, some(SITES), some((1, 2)), some(RESTRICTIONS), some(world.patients, 1), some(PROJECTS), some(world.patients, 3),
        chance.choice(("TREAT", "RESEARCH")),
    )  # fmt: skip


def _policy(chance: random.Random, number: int) -> Policy:
    """Rules of random conditions over all names."""
    rules = [
        Rule(
            f"rule {index}",
            chance.choice(("allow", "allow", "withhold")),
            ("study.read",),
            _condition(chance, 3),
            chance.random() < 0.5,
        )
        for index in range(chance.randrange(1, 7))
    ]
    return Policy(
        (Rule("first", "allow", ("study.read",), _condition(chance, 2)), *rules), version=number + 1, tenant_id=1
    )


def _condition(chance: random.Random, depth: int) -> Node:
    if depth and chance.random() < 0.6:
        parts = tuple(_condition(chance, depth - 1) for _ in range(chance.randrange(2, 4)))
        return chance.choice((AllOf(parts), AnyOf(parts), Not(parts[0])))
    kind = chance.choice((Kind.BOOL, Kind.INT, Kind.TEXT, Kind.INTS, Kind.TEXTS))
    if kind is Kind.BOOL:
        return Compare("==", _name(chance, kind), Constant(chance.random() < 0.5))
    if kind.is_list:
        return Overlaps(_name(chance, kind), _name(chance, kind))
    if chance.random() < 0.5:
        return In(_name(chance, kind), _name(chance, Kind.INTS if kind is Kind.INT else Kind.TEXTS))
    return Compare(chance.choice(("==", "!=", "<", ">=")), _name(chance, kind), _name(chance, kind))


def _name(chance: random.Random, kind: Kind) -> Node:
    return Name(chance.choice([path for path, field in VOCABULARY.fields.items() if field.kind is kind]))


def test_sql_finds_exactly_the_studies_that_the_policy_allows(tx: Tx, world: World, chance: random.Random) -> None:
    situations = allowed = 0
    for number in range(POLICIES):
        policy = DEFAULT if number % 4 == 0 else _policy(chance, number)
        for rule in policy.rules:
            check(rule.when, VOCABULARY)
        for _ in range(PRINCIPALS):
            principal = _principal(chance, world)
            for action, hidden in (("study.read", False), ("study.read", True)):
                sql, parameters = predicate(policy, principal, "study.read", "st", withheld=hidden)
                found = {
                    row[0]
                    for row in tx.execute(
                        f"select st.id from study st where st.study_uid like '1.2.%%.99' and {sql}", parameters
                    )
                }
                known = principal.values()
                meant = {
                    study
                    for study, values in world.studies.items()
                    if (
                        evaluate(withheld_node(policy, "study.read"), {**values, **known})
                        if hidden
                        else allows(policy, principal, "study.read", values)
                    )
                }
                assert found == meant, (policy.rules, principal, action, hidden)
                situations += len(world.studies)
                allowed += len(meant)
    assert situations >= 100_000
    assert situations / 50 < allowed < situations * 0.98, (
        "situations in which everything or nothing is allowed prove little"
    )
