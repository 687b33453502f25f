"""Sites, relations of people, the preview of rules, and the review of emergency access."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pyotp
import pytest

from heliograph.engine.db import Tx
from heliograph.engine.secrets import Vault
from heliograph.features import access
from heliograph.features.access import EVERYWHERE, Actor, SignInRules, Window
from heliograph.features.access.identity.second_factor import begin_totp, confirm_totp, reset_factors
from heliograph.features.access.model import ALL
from heliograph.features.access.previewing import preview
from heliograph.features.access.rules import DEFAULT, checked
from heliograph.kit.errors import Absent, Conflict, NotSignedIn
from heliograph.kit.time import now

RULES = SignInRules()
WINDOW = Window("10.0.0.1")
PASSWORD = "correct horse battery"


def as_person(user_id: UUID) -> Actor:
    return Actor("user", str(user_id), "p", 1, ALL, "", ("admin",), EVERYWHERE)


def patient_of(tx: Tx, name: str) -> int:
    row = tx.execute(
        "insert into patient (tenant_id, identity_key, issuer, patient_id) values (1, %s, '', %s) returning id", (name, name)
    ).fetchone()  # fmt: skip
    assert row is not None
    tx.execute(
        "insert into study (tenant_id, patient_fk, study_uid, patient_id, received_at, last_received_at) values (1, %s, %s, %s, now(), now())",
        (row[0], f"1.2.{row[0]}", name),
    )
    return int(row[0])


def test_a_closed_site_takes_nothing_new_and_keeps_what_it_has(tx: Tx, actor: Actor) -> None:
    site = access.add_site(tx, actor, "south")
    reader = access.add_user(tx, actor, "south reader", ["radiologist"])
    access.place_user(tx, actor, reader, site_ids=[site])
    device = access.add_device(tx, actor, "SOUTH", "10.0.0.9", 104, ["store"]).id
    access.place_device(tx, actor, device, site_id=site, department_id=None, site_ids=[])
    with pytest.raises(Conflict) as told:
        access.set_site(tx, actor, site, closed=True)
    assert told.value.code == "site_in_use"
    access.place_device(tx, actor, device, site_id=None, department_id=None, site_ids=[])
    access.set_site(tx, actor, site, name="south wing", closed=True)
    found = next(one for one in access.sites(tx, actor) if one["id"] == site)
    assert (found["name"], found["people"], found["closed_at"] is not None) == ("south wing", 1, True)
    access.place_user(tx, actor, reader, site_ids=[site])
    with pytest.raises(Absent):
        access.place_device(tx, actor, device, site_id=site, department_id=None, site_ids=[])
    first = next(one["id"] for one in access.sites(tx, actor) if one["is_first"])
    with pytest.raises(Conflict):
        access.set_site(tx, actor, first, closed=True)


def test_after_a_reset_the_link_alone_opens_and_only_a_new_factor_opens_the_rest(
    tx: Tx, actor: Actor, tmp_path: Path
) -> None:
    vault = Vault(tmp_path)
    user = access.add_user(tx, actor, "lost phone", ["radiologist"], password=PASSWORD)
    name = reset_factors(tx, actor, user)
    with pytest.raises(NotSignedIn):
        access.sign_in(tx, name, PASSWORD, WINDOW, RULES)
    session = access.sign_in_by_link(tx, access.issue_link(tx, actor, name), WINDOW, RULES)
    assert isinstance(session, access.Session)
    assert session.state == "enrolling", "also where the site wants no second factor"

    step, secret, _ = begin_totp(tx, vault, session, "site")
    confirm_totp(tx, vault, session, step, pyotp.TOTP(secret).now())
    assert access.session_of_token(tx, session.token, "", RULES).state == "open"


def test_the_preview_counts_what_the_new_rules_would_show_and_remembers_nothing(tx: Tx, actor: Actor) -> None:
    patient_of(tx, "preview one")
    patient_of(tx, "preview two")
    reader = access.add_user(tx, actor, "previewed", ["radiologist"])
    records = [rule.as_record() for rule in DEFAULT.rules]
    assert preview(tx, actor, records)["items"] == [], "the same rules change nothing"
    without = [one for one in records if one["name"] != "staff of the site"]
    found = preview(tx, actor, without)
    mine = next(one for one in found["items"] if one["id"] == str(reader))
    assert (mine["before"], mine["after"], mine["loses"]) == (2, 0, 2)
    asked = access.actor_of_user(tx, actor, reader)
    condition, values = access.visible(asked, "st")
    row = tx.execute(f"select count(*) from study st where {condition}", values).fetchone()
    assert row == (2,), "the rules in force stay in force"


@pytest.mark.parametrize(
    ("when", "at"),
    [("study.site ==", 13), ("study.sight == 1", 0), ("1 == 1 && nothing(1, 2)", 10), ("study.site == 'a'", None)],
)
def test_a_problem_of_a_rule_says_where_it_is(when: str, at: int | None) -> None:
    good = {"name": "good", "effect": "allow", "actions": ["study.read"], "when": "true"}
    rules, (problem,) = checked([good, good | {"name": "bad", "when": when}, good | {"name": "other"}])
    assert [rule.name if rule else None for rule in rules] == [good["name"], None, "other"], "the others stay readable"
    assert (problem["rule"], problem["at"]) == (1, at)
    assert checked([good])[1] == []
    assert checked([good, good])[1][0]["rule"] is None, "two rules have one name"


def test_an_explanation_says_in_one_word_what_decided(tx: Tx, actor: Actor) -> None:
    patient = patient_of(tx, "explained")
    (study,) = access.find_studies(tx, actor, "explained")
    reader = access.add_user(tx, actor, "asked about", ["radiologist"])

    def verdict() -> tuple[str, list[str]]:
        told = access.explain_access(tx, actor, access.actor_of_user(tx, actor, reader), int(study["id"]))
        return told["verdict"], told["deciding"]

    assert verdict() == ("allowed", ["staff of the site"])
    access.restrict_patient(tx, actor, patient, "vip", "asked for it")
    assert verdict() == ("withheld_breakable", ["restricted patient"])
    glass = access.break_glass(
        tx, access.actor_of_user(tx, actor, reader), patient, "emergency", "unconscious, bleeding", hours=1
    )
    assert verdict()[0] == "allowed"
    mine, other = (
        access.actor_of_user(tx, actor, reader),
        access.actor_of_user(tx, actor, access.add_user(tx, actor, "other", ["radiologist"])),
    )
    assert access.open_glass(tx, mine, patient) == {"id": str(glass.id), "expires_at": glass.expires_at}
    assert access.open_glass(tx, other, patient) is None
    tx.execute("update break_glass set expires_at = now() - interval '1 second' where id = %s", (glass.id,))
    assert access.open_glass(tx, mine, patient) is None, "what was remembered of the person a moment ago does not count"
    assert verdict()[0] == "withheld_breakable", "it ends by itself"
    access.set_user(tx, actor, reader, roles=["privacy"])
    assert verdict() == ("no_permission", [])
    access.set_user(tx, actor, reader, roles=["referrer"])
    assert verdict() == ("no_rule", [])
    access.set_user(tx, actor, reader, disabled=True)
    assert verdict() == ("disabled", [])


def test_emergency_access_is_found_reviewed_once_and_counted_when_late(tx: Tx, actor: Actor) -> None:
    patient = patient_of(tx, "glass patient")
    access.restrict_patient(tx, actor, patient, "vip")
    readers = [access.add_user(tx, actor, f"breaker {n}", ["radiologist"]) for n in range(3)]
    made = [
        access.break_glass(tx, access.actor_of_user(tx, actor, reader), patient, "emergency", "bleeding", hours=1)
        for reader in readers
    ]
    officer = as_person(access.add_user(tx, actor, "officer", ["privacy"]))
    tx.execute("update break_glass set review_due_at = %s where id = %s", (now() - timedelta(hours=1), made[0].id))
    assert access.unreviewed_count(tx, officer) == (3, 1)
    page = access.glasses(tx, officer, unreviewed=True, limit=2)
    rest = access.glasses(tx, officer, unreviewed=True, after=page[-1].id)
    assert [one.id for one in (*page, *rest)] == [one.id for one in reversed(made)]
    assert [one.user_name for one in access.glasses(tx, officer, text="BREAKER 1")] == ["breaker 1"]
    assert len(access.glasses(tx, officer, text="glass patient")) == 3
    access.review_glass(tx, officer, made[0].id, "justified", "")
    with pytest.raises(Conflict):
        access.review_glass(tx, officer, made[0].id, "unjustified", "second thoughts")
    assert access.unreviewed_count(tx, officer) == (2, 0)
    assert [one.finding for one in access.glasses(tx, officer, reviewed=True)] == ["justified"]
    own = as_person(readers[1])
    assert access.unreviewed_count(tx, own)[0] == 1, "one's own wait for somebody else"
