"""Whoever looks after security, in a browser: a modality with a certificate, what is unusual, who saw a patient, the proof of an object."""

import re
import secrets
from pathlib import Path
from typing import Any

from tests.e2e.pictures import Study, ct_stack
from tests.e2e.test_identity import Person
from tests.peers import Dicom, dcmtk
from tests.peers.heliograph import Server


def test_an_administrator_adds_a_modality_with_a_certificate(
    house: Server, browser: Any, picture: Any, tmp_path: Path
) -> None:
    """Issue 3, acceptance 6. What the page gives out lets DCMTK in, and nothing else does."""
    boss = Person(house, browser, "watch boss", ["admin"])
    page, aet = boss.page, f"CT{secrets.token_hex(3).upper()}"
    boss.come_by_link()
    boss.set_password()
    page.goto("/devices")
    page.get_by_role("button", name="Add a device").first.click()
    page.get_by_role("textbox", name="AE title").fill(aet)
    page.get_by_role("textbox", name="Host or address").fill("127.0.0.1")
    page.get_by_role("checkbox", name="Only from this host").uncheck()
    page.get_by_role("button", name="Save").click()
    page.locator("[role=row]", has_text=aet).dblclick()
    boss.make_stale()
    page.get_by_role("button", name="Give a certificate").click()
    picture(page, "certificate-form")
    page.get_by_role("button", name="Make certificate").click()
    boss.prove()
    page.get_by_text(f"{aet} is known by it until").wait_for()
    picture(page, "certificate-made")
    papers = {}
    for name in (f"{aet}.key", f"{aet}.pem", "ca.pem", f"{aet}.p12"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        papers[name] = tmp_path / name
        download.value.save_as(papers[name])
    page.get_by_role("button", name="I have the files").click()
    page.locator("[role=row]", has_text=aet).get_by_text("by certificate").wait_for()
    files = ct_stack(Study(tmp_path / "ct", 6000 + secrets.randbelow(10**6), aet, name="Watched^Wilma"), 1)
    door = Dicom(house.dicom.host, int(house.options[-1].rpartition(":")[2]), house.dicom.aet)
    shown = ("+tls", papers[f"{aet}.key"], papers[f"{aet}.pem"], "+cf", papers["ca.pem"])
    sent = dcmtk.storescu(door, *files, calling=aet, options=[str(word) for word in shown])
    assert (sent.code, set(sent.statuses) <= {0}) == (0, True), sent.text
    plain = dcmtk.storescu(house.dicom, *files, calling=aet)
    assert plain.code != 0, "the title alone is not believed any more"
    row = house.client().post("/api/studies/search", json={"patient_id": aet}).json()["items"][0]
    assert (row["source"], row["unverified"]) == (aet, False)
    device = next(one for one in house.client().get("/api/devices").json()["items"] if one["aet"] == aet)
    assert device["verified"]
    assert not device["pinned"]
    _revoke(page, picture, aet)
    assert dcmtk.storescu(door, *files, calling=aet, options=[str(word) for word in shown]).code != 0
    _watch(page, picture, aet)
    boss.close()


def _revoke(page: Any, picture: Any, aet: str) -> None:
    page.goto("/devices?tab=certificates")
    page.locator("[role=row]", has_text=aet).first.click()
    page.get_by_role("button", name="Revoke").click()
    page.get_by_role("textbox", name="Reason").fill("the stick was lost")
    page.get_by_role("button", name="Revoke").click()
    page.locator("[role=row]", has_text=aet).get_by_text("Revoked").wait_for()
    picture(page, "certificates")


def _watch(page: Any, picture: Any, aet: str) -> None:
    """From the overview to the log, to a row's place in it, and to the people who saw a patient."""
    page.goto("/security")
    page.get_by_role("table", name="Turned away").get_by_text("shows no certificate").wait_for()
    picture(page, "security")
    page.get_by_role("table", name="Turned away").get_by_role("link").first.click()
    page.locator("[role=row]", has_text="association refused").first.click()
    page.get_by_text(re.compile("^As it was written")).wait_for()
    picture(page, "audit-row")
    page.locator("label", has_text="Who saw a patient").click()
    page.get_by_role("textbox", name="Patient ID").fill(aet)
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_text("Studies: 1").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.path().read_bytes().startswith(b"\xef\xbb\xbfkind,id,name")
    picture(page, "who-saw")
