"""Safety guard 1, stale pixels: what changed or was taken away is never shown from an old answer."""

import itertools
import json
import re
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.conformance.browsing import COOKIE, holds_after, person
from tests.conformance.guarding import BASE, manifest, objects, said, send, settled, stream
from tests.peers import dicomweb
from tests.peers.heliograph import Server
from tests.peers.pace import soonest
from tests.phantoms import Shape


def _old_addresses(server: Server, shape: Shape) -> dict[str, tuple[str, dict[str, str]]]:
    """Every address that a viewer may have kept for the second slice: what it is -> (address, headers)."""
    (series,) = manifest(server, shape.study_uid)["series"]
    study, below = (
        f"/dicom-web/studies/{shape.study_uid}",
        f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}",
    )
    instance = f"{below}/instances/{shape.sop_uid(2)}"
    octets = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
    dicom = {"Accept": dicomweb.ANY_DICOM}
    return {
        "document": (series["document_url"], {}),
        "thumbnail": (series["thumbnail_url"], {}),
        "frame": (f"{instance}/frames/1", octets),
        "bulk data": (f"{instance}/bulkdata/7FE00010", octets),
        "instance": (instance, dicom),
        "series": (below, dicom),
        "study": (study, dicom),
        "instance metadata": (f"{instance}/metadata", {}),
        "series metadata": (f"{below}/metadata", {}),
        "study metadata": (f"{study}/metadata", {}),
        "rendered": (f"{instance}/rendered", {"Accept": "image/png"}),
        "rendered series": (f"{below}/rendered", {"Accept": "image/png"}),
        "instance thumbnail": (f"{instance}/thumbnail", {}),
        "series thumbnail": (f"{below}/thumbnail", {}),
    }


def test_guard_1_after_a_replacement_every_old_address_gives_the_new_pixels(archive: Server) -> None:
    shape = replace(BASE, seed=901, patient="G1")
    first = objects(shape)
    assert send(archive, first) == [0, 0, 0]
    settled(archive, shape.study_uid)
    client = archive.client()
    old = {}
    for what, (address, headers) in _old_addresses(archive, shape).items():
        old[what] = client.get(address, headers=headers).raise_for_status()
    addresses = {what: (str(answer.request.url), dict(answer.request.headers)) for what, answer in old.items()}

    second = objects(shape, SeriesDescription="CORRECTED")
    for ds in second:
        ds.PixelData = bytes(len(ds.PixelData) // 2) + ds.PixelData[len(ds.PixelData) // 2 :]
    assert send(archive, second) == [0, 0, 0]
    time.sleep(1.1)  # an instance's place is remembered for a second
    for what, (address, headers) in addresses.items():
        etag = old[what].headers.get("etag")
        again = client.get(address, headers={**headers, **({"If-None-Match": etag} if etag else {})})
        assert again.status_code == 200, f"{what}: the old answer was said to be fresh"
        assert again.content != old[what].content, f"{what}: the old content came again"
        if etag:
            assert again.headers["etag"] != etag, what
    settled(archive, shape.study_uid)
    for what, (address, headers) in addresses.items():
        answer = client.get(address, headers=headers).raise_for_status()
        if "etag" in answer.headers:
            assert (
                client.get(address, headers={**headers, "If-None-Match": answer.headers["etag"]}).status_code == 304
            ), what


def test_guard_1_for_ever_fresh_only_under_an_address_with_the_revision(archive: Server) -> None:
    shape = replace(BASE, seed=902, patient="G1B")
    send(archive, objects(shape))
    settled(archive, shape.study_uid)
    client = archive.client()
    for what, (address, headers) in _old_addresses(archive, shape).items():
        caching = client.get(address, headers=headers).raise_for_status().headers["cache-control"]
        if "immutable" in caching:
            assert re.search(r"[?&]rev=\d+", address), f"{what} is kept for ever under an address without its revision"
        else:
            assert "no-cache" in caching or "no-store" in caching, f"{what}: {caching}"
        assert "public" not in caching, f"{what}: a cache that people share would keep it"
    (series,) = manifest(archive, shape.study_uid)["series"]
    plain = series["document_url"].partition("?")[0]
    for wrong in (plain, plain + "?rev=0", plain + "?rev=999999"):
        assert "immutable" not in client.get(wrong).raise_for_status().headers["cache-control"], wrong


def test_guard_1_a_document_of_a_study_that_still_receives_is_not_kept_for_ever(archive: Server) -> None:
    """`settled` is part of it and changes without a new revision."""
    shape = replace(BASE, seed=903, patient="G1C")
    send(archive, objects(shape))
    client = archive.client()
    (series,) = manifest(archive, shape.study_uid)["series"]
    answer = client.get(series["document_url"]).raise_for_status()
    if not answer.json()["settled"]:
        assert "immutable" not in answer.headers["cache-control"]
    settled(archive, shape.study_uid)
    again = client.get(series["document_url"], headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 200 or answer.json()["settled"]
    assert client.get(series["document_url"]).json()["settled"] is True


def test_guard_1_an_address_that_one_may_see_is_no_proof_for_another(archive: Server) -> None:
    """Knowing address and ETag of somebody else's window gives nothing: not even 'not modified'."""
    shape = replace(BASE, seed=904, patient="G1D")
    send(archive, objects(shape))
    settled(archive, shape.study_uid)
    blind = {
        "Authorization": f"Bearer {archive.cli('token', '--name', 'blind', '--scope', 'device.read').stdout.strip()}"
    }
    with httpx.Client(base_url=archive.http, trust_env=False, timeout=60) as other:
        for what, (address, headers) in _old_addresses(archive, shape).items():
            seen = archive.client().get(address, headers=headers).raise_for_status()
            known = {**headers, "If-None-Match": seen.headers.get("etag", "*")}
            assert other.get(address, headers={**known, **blind}).status_code in {403, 404}, what
            assert other.get(address, headers=known).status_code == 401, what


def test_guard_1_second_person_on_one_browser(archive: Server, browser: Any) -> None:
    """After signing out the browser's own cache must not answer what was kept for ever for the person before."""
    shape = replace(BASE, seed=905, patient="G1E")
    send(archive, objects(shape))
    settled(archive, shape.study_uid)
    (series,) = manifest(archive, shape.study_uid)["series"]
    addresses = [address for address, _ in _old_addresses(archive, shape).values()]
    link = archive.client().post("/api/users", json={"name": "first", "roles": ["viewer"]}).json()["link"]
    ask = "async (address) => { const a = await fetch(address); await a.arrayBuffer(); return a.status }"
    context = browser.new_context(base_url=archive.http)
    try:
        page = context.new_page()
        page.goto("/healthz")
        csrf = page.evaluate(
            "async (link) => (await (await fetch('/api/session/link', {method: 'POST', headers: {'Content-Type': 'application/json'},"
            " body: JSON.stringify({link})})).json()).csrf", link,
        )  # fmt: skip
        for _ in range(2):
            assert page.evaluate(ask, series["document_url"]) == 200
        assert page.evaluate(
            "async (csrf) => (await fetch('/api/session', {method: 'DELETE', headers: {'X-CSRF-Token': csrf}})).status", csrf
        ) == 204  # fmt: skip
        assert {address: page.evaluate(ask, address) for address in addresses} == dict.fromkeys(addresses, 401)
    finally:
        context.close()


def test_guard_1_sign_out_ends_the_session_for_its_cookie_too(archive: Server) -> None:
    with person(archive, "leaver", "viewer") as window:
        old = window.cookie
        assert window.get("/api/session").status_code == 200
        assert window.sign_out().status_code == 204
        window.cookie = old
        assert window.get("/api/session").status_code == 401


@pytest.mark.parametrize("how", ["disabled", "token revoked", "role taken"])
def test_guard_1_revoking_takes_hold_within_three_seconds(archive: Server, how: str) -> None:
    shape = replace(BASE, seed=906, patient="G1F")
    send(archive, objects(shape))
    admin = archive.client()
    frame = f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}/instances/{shape.sop_uid(1)}/frames/1"
    listing = "/api/devices"
    if how == "token revoked":
        token = admin.post("/api/tokens", json={"name": "short", "scopes": ["study.read", "device.read"]}).json()[
            "token"
        ]
        headers = {"Authorization": f"Bearer {token}"}
        (row,) = [one for one in admin.get("/api/tokens").json()["items"] if one["name"] == "short"]
        revoke = lambda: admin.delete(f"/api/tokens/{row['id']}")  # noqa: E731
        window = None
    else:
        window = person(archive, f"person-{how[:4]}", "radiologist")
        headers = {"Cookie": f"{COOKIE}={window.cookie}"}
        user_id = window.get("/api/session").json()["user"]["id"]
        change = {"disabled": True} if how == "disabled" else {"roles": ["viewer"]}
        revoke = lambda: admin.patch(f"/api/users/{user_id}", json=change)  # noqa: E731
    with httpx.Client(base_url=archive.http, headers=headers, trust_env=False, timeout=120) as other:
        assert (other.get(frame).status_code, other.get(listing).status_code) == (200, 200)
        assert revoke().is_success
        if how == "role taken":
            holds_after(lambda: other.get(listing).status_code == 403)
        else:
            holds_after(lambda: (other.get(frame).status_code, other.get(listing).status_code) == (401, 401))


def test_guard_1_the_live_stream_of_a_disabled_person_ends_within_seconds(archive: Server) -> None:
    numbers = itertools.count(1)
    assert soonest(lambda: _watches_on_s(archive, f"watcher-{next(numbers)}"), 6, tries=4) < 6


def _watches_on_s(archive: Server, name: str) -> float:
    """How long the stream of a person goes on who has been disabled; it always ends."""
    window = person(archive, name, "viewer")
    user_id = window.get("/api/session").json()["user"]["id"]
    with stream(archive, {"Cookie": f"{COOKIE}={window.cookie}", "Origin": archive.http}) as socket:
        assert json.loads(socket.recv(60))["kind"] == "hello"
        assert archive.client().patch(f"/api/users/{user_id}", json={"disabled": True}).status_code == 200
        began = time.monotonic()
        with pytest.raises(ConnectionClosed):
            list(said(socket, 120))
        return time.monotonic() - began
