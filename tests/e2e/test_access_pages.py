"""The pages of access, as people walk them: a restricted patient is opened in an emergency and reviewed; rules, sites, and why."""

import re
import secrets
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.e2e.pictures import Study, ct_stack
from tests.e2e.reading import PATIENCE_S, Reader
from tests.e2e.test_identity import Person
from tests.peers.heliograph import Server


def come(house: Server, browser: Any, name: str, *roles: str) -> Person:
    person = Person(house, browser, name, list(roles))
    person.come_by_link()
    person.set_password()
    return person


def stored(reading: Reader, folder: Path, name: str) -> Study:
    """A study of a patient whom nobody else in this house has."""
    study = Study(folder, secrets.randbelow(10**9), f"E2E-{secrets.token_hex(3)}", name=name)
    reading.store(ct_stack(study, 1))
    return study


def test_an_emergency_access_and_its_review(house: Server, browser: Any, picture: Any, tmp_path: Path) -> None:
    """Issue 3, acceptance 6: marked, withheld, opened with a reason, read, judged by somebody else, over by itself."""
    officer = come(house, browser, "privacy", "privacy")
    reader = come(house, browser, "night reader", "radiologist")
    reading = Reader(reader.page, house)
    study = stored(reading, tmp_path, "Councillor^Clara")
    _mark(officer, study)
    picture(officer.page, "restricted")
    _break_glass(reader, study, picture)
    reading.open(study.uid)
    reader.page.get_by_test_id("emergency").get_by_text("You are here by emergency access").wait_for()
    picture(reader.page, "emergency-viewer")
    _review(officer, reader, study, picture)
    with psycopg.connect(house.database_url, autocommit=True) as connection:
        connection.execute("update break_glass set expires_at = now() where user_id = %s", (reader.id,))
    _until_withheld(reader, study)
    assert reader.page.get_by_text("Councillor, Clara").count() == 0, "it ended by itself"
    officer.close()
    reader.close()


def _mark(officer: Person, study: Study) -> None:
    page = officer.page
    page.goto("/restricted")
    page.get_by_role("button", name="Mark a patient").click()
    page.get_by_label("Identifier of the patient").fill(study.patient)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("textbox", name="Reason").fill("member of the council, asked for it")
    officer.make_stale()
    page.get_by_role("button", name="Save").click()
    officer.prove()
    page.get_by_role("row").filter(has_text=study.patient).get_by_text("VIP").wait_for()


def _search(reader: Person, study: Study) -> None:
    reader.page.get_by_role("textbox", name="Name, ID, accession or exam").fill(study.patient)


def _break_glass(reader: Person, study: Study, picture: Any) -> None:
    page = reader.page
    _search(reader, study)
    line = page.get_by_test_id("withheld")
    line.get_by_text("1 study of this patient is withheld").wait_for()
    assert page.get_by_text("Councillor, Clara").count() == 0
    line.get_by_role("button", name="Break the glass").click()
    page.get_by_label("Reason", exact=True).fill("unconscious, bleeding")
    picture(page, "withheld")
    line.get_by_role("button", name="Break the glass").click()
    page.get_by_role("row").filter(has_text="Councillor, Clara").get_by_role(
        "img", name="Restricted patient"
    ).wait_for()


def _review(officer: Person, reader: Person, study: Study, picture: Any) -> None:
    page = officer.page
    page.get_by_role("link", name="Emergency access").click()
    page.get_by_label(re.compile("^Waiting for review: ")).wait_for()
    row = page.get_by_role("row").filter(has_text=study.patient)
    row.dblclick()
    pane = page.locator("aside")
    pane.get_by_text("unconscious, bleeding").wait_for()
    pane.get_by_role("listitem").filter(has_text="CT").wait_for()
    picture(page, "emergency")
    pane.get_by_role("radio", name="Not justified").check()
    save = pane.get_by_role("button", name="Save the judgement")
    assert save.is_disabled(), "who says that it was not justified says why"
    pane.get_by_role("radio", name="Justified", exact=True).check()
    save.click()
    row.wait_for(state="detached")
    page.get_by_text("Reviewed", exact=True).first.click()
    page.get_by_role("textbox", name="Sign-in name, full name or patient identifier").fill(reader.name)
    row.filter(has_text="Justified").wait_for()
    picture(page, "emergency-reviewed")


def _until_withheld(reader: Person, study: Study) -> None:
    """What a door remembers of a person is two seconds old at most. A page asks once; a new one asks again."""
    deadline = time.monotonic() + PATIENCE_S
    line, row = reader.page.get_by_test_id("withheld"), reader.page.get_by_text("Councillor, Clara")
    while True:
        reader.page.goto("/")
        _search(reader, study)
        line.or_(row).first.wait_for()
        if line.count() and not row.count():
            break
        assert time.monotonic() < deadline, "the emergency access does not end"
    line.get_by_text("1 study of this patient is withheld").wait_for()


def test_an_administrator_asks_why_and_changes_the_rules(
    house: Server, browser: Any, picture: Any, tmp_path: Path
) -> None:
    boss = come(house, browser, "rules boss", "admin")
    reader = Person(house, browser, "asked reader", ["radiologist"])
    study = stored(Reader(boss.page, house), tmp_path, "Known^Everywhere")
    version = house.client().get("/api/policy").json()["version"]
    _add_site(boss, picture)
    _place(boss, reader, picture)
    page = boss.page
    page.get_by_role("link", name="Access rules").click()
    _ask_why(page, reader, study, picture)
    page.get_by_text("Rules", exact=True).click()
    _change_rules(boss, reader, picture)
    page.get_by_text(f"Version {version + 1}", exact=True).wait_for()
    page.get_by_text("History", exact=True).click()
    page.get_by_text("only technologists, for a test").first.wait_for()
    page.get_by_role("button", name="Restore").first.click()
    page.get_by_role("button", name="Restore").first.click()
    page.get_by_text(f"Version {version + 2}", exact=True).wait_for()
    picture(page, "rules")
    boss.close()
    reader.close()


def _add_site(boss: Person, picture: Any) -> None:
    page = boss.page
    page.goto("/sites")
    page.get_by_role("button", name="Add a site").click()
    page.get_by_role("textbox", name="Name").fill(f"Clinic {secrets.token_hex(2)}")
    page.get_by_role("button", name="Save").click()
    page.get_by_placeholder("New department").fill("Radiology")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("aside").get_by_role("listitem").filter(has_text="Radiology").wait_for()
    picture(page, "sites")


def _place(boss: Person, reader: Person, picture: Any) -> None:
    page = boss.page
    page.get_by_role("link", name="Users and tokens").click()
    row = page.get_by_role("row").filter(has_text=reader.name.title())
    row.dblclick()
    pane = page.locator("aside")
    pane.get_by_text("Places", exact=True).click()
    pane.get_by_label("VIP").check()
    boss.make_stale()
    pane.get_by_role("button", name="Save").click()
    boss.prove()
    row.filter(has_text="VIP").wait_for()
    picture(page, "users")


def _ask_why(page: Any, reader: Person, study: Study, picture: Any) -> None:
    page.get_by_text("Why?", exact=True).click()
    page.get_by_label("Person").first.fill(reader.name)
    page.get_by_role("option").filter(has_text=reader.name).click()
    page.get_by_label("Study", exact=True).fill(study.patient)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("button", name="Why?").click()
    told = page.get_by_test_id("explanation")
    told.get_by_text("Let by the rule: Staff of the site").wait_for()
    picture(page, "why")


def _change_rules(boss: Person, reader: Person, picture: Any) -> None:
    """A mistake is shown where it is, the other rules stay readable; what would change is told before it counts."""
    page = boss.page
    page.get_by_role("button", name="Change the rules").click()
    editors = page.get_by_test_id("rule-editor")
    condition = editors.first.get_by_label("Condition")
    was = condition.input_value()
    condition.fill(was.replace("study.site", "study.sight"))
    editors.first.get_by_test_id("rule-problem").locator("mark").filter(has_text="study.sight").wait_for()
    editors.nth(2).get_by_text("who is assigned to read the study").first.wait_for()
    picture(page, "rules-problem")
    condition.fill(was.replace("'radiologist', ", ""))
    page.get_by_role("button", name="Who gains, who loses?").click()
    changed = page.get_by_test_id("policy-preview")
    changed.get_by_role("row").filter(has_text=reader.name.title()).wait_for()
    assert changed.get_by_role("row").filter(has_text=boss.name.title()).count() == 0
    picture(page, "rules-preview")
    page.get_by_label("What changes, and why").fill("only technologists, for a test")
    boss.make_stale()
    page.get_by_role("button", name="Put in force").click()
    boss.prove()
