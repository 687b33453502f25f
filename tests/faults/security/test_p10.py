"""P10: pages inside of names, descriptions, reports and documents (Sante CVE-2025-54759, CVE-2025-54862). Documents in the viewer: tests/e2e/test_viewer_first_picture.py."""

from typing import Any

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity, element

ATTACK = '<img src=x onerror="window.__ran=1;alert(1)"><svg/onload=alert(2)>'
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
CONTENT = b"<!doctype html><script>window.__ran=1;alert(3)</script>"


def _attacks(siege: Siege) -> tuple[Identity, Identity]:
    image, document = Identity(), Identity()
    data = hostile.head(image, name=ATTACK, patient="XSS-1").replace(
        element(0x00080060, "CS", "CT"),
        element(0x00080060, "CS", "CT")
        + element(0x00081030, "LO", ATTACK[:64])
        + element(0x0008103E, "LO", ATTACK[:64]),
    )
    assert hostile.store(siege.server.dicom, [(image, data + hostile.image() + hostile.pixels())])[0].status == 0
    page = (
        hostile.head(document, sop_class=PDF, name=ATTACK)
        + element(0x00420011, "OB", CONTENT)
        + element(0x00420012, "LO", "text/html")
    )
    assert hostile.store(siege.server.dicom, [(document, page)], sop_class=PDF)[0].status == 0
    return image, document


def test_no_answer_that_holds_foreign_text_is_a_page(siege: Siege, web: httpx.Client) -> None:
    image, document = _attacks(siege)
    paths = [document.path + end for end in ("", "/rendered", "/metadata", "/bulk/00420011", "/bulkdata/00420011")] + [
        image.path,
        image.path + "/metadata",
        "/dicom-web/studies?PatientID=XSS-1",
        f"/dicom-web/studies/{ATTACK}",
        "/api/studies/0",
    ]
    for path in paths:
        for accept in (
            "text/html, */*",
            "application/pdf",
            "application/octet-stream",
            'multipart/related; type="application/octet-stream"',
        ):
            told = web.get(path, headers={"Accept": accept})
            kind = told.headers.get("content-type", "")
            if ATTACK.encode() in told.content or CONTENT in told.content:
                assert not kind.startswith(("text/html", "image/svg", "application/xhtml", "text/xml")), (path, kind)
                assert told.headers.get("x-content-type-options") == "nosniff", path
    assert siege.rise() < 64 * MIB


@pytest.mark.timeout(120)
def test_nothing_runs_on_the_page_that_lists_it(siege: Siege, browser: Any) -> None:
    image, _ = _attacks(siege)
    said: list[str] = []
    context = browser.new_context(base_url=siege.server.http)
    try:
        page = context.new_page()
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on(
            "console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None
        )
        with page.expect_response("**/api/session/link"):
            page.goto(siege.server.sign_in_link())
        page.goto("/")
        page.get_by_text("onerror").first.wait_for(timeout=30_000)
        page.goto(f"/studies?text=XSS-1&study={image.study}")
        page.wait_for_timeout(500)
        assert page.evaluate("() => window.__ran") is None
        assert page.locator("img[src='x']").count() == 0
    finally:
        context.close()
    assert said == []
