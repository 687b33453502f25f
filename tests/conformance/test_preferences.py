"""Choices for the workspace: two layers, nobody's work overwritten, nobody else's seen."""

from typing import Any

from tests.conformance.browsing import Browser, person
from tests.peers.heliograph import Server


def _put(window: Browser, name: str, document: Any, *, revision: int = 0, layer: str = "own") -> Any:
    body = {"layer": layer, "revision": revision, "document": document}
    return window.request("PUT", f"/api/account/preferences/{name}", json=body)


def test_the_own_layer_and_that_of_the_house(api_house: Server, admin: Browser, viewer: Browser) -> None:
    empty = viewer.get("/api/account/preferences/overlay").json()
    assert empty == {"own": {"document": None, "revision": 0}, "house": {"document": None, "revision": 0}}
    assert _put(viewer, "overlay", {"level": "full"}).json() == {"revision": 1}
    refused = _put(viewer, "overlay", {"level": "none"}, layer="house")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert _put(admin, "overlay", {"level": "minimal"}, layer="house").json() == {"revision": 1}
    seen = viewer.get("/api/account/preferences/overlay").json()
    assert seen["own"]["document"] == {"level": "full"}
    assert seen["house"]["document"] == {"level": "minimal"}
    with person(api_house, "another-reader", "radiologist") as other:
        seen = other.get("/api/account/preferences/overlay").json()
        assert seen["own"]["document"] is None
        assert seen["house"]["document"] == {"level": "minimal"}


def test_two_windows_do_not_overwrite_each_other(viewer: Browser) -> None:
    assert _put(viewer, "keys", {"a": 1}).status_code == 200
    assert _put(viewer, "keys", {"b": 1}, revision=1).json() == {"revision": 2}
    late = _put(viewer, "keys", {"c": 1}, revision=1)
    assert (late.status_code, late.json()["code"]) == (409, "preference_moved")
    assert viewer.get("/api/account/preferences/keys").json()["own"] == {"document": {"b": 1}, "revision": 2}


def test_what_is_too_much_or_has_no_name_is_refused(viewer: Browser) -> None:
    assert _put(viewer, "large", "x" * 70_000).json()["code"] == "bad_preference"
    deep: Any = []
    for _ in range(40):
        deep = [deep]
    assert _put(viewer, "deep", deep).json()["code"] == "bad_preference"
    assert _put(viewer, "..%2Fname", {}).status_code in {404, 405, 422}
    assert _put(viewer, "Capital", {}).status_code == 422


def test_a_program_has_no_preferences(api_house: Server) -> None:
    with api_house.client() as program:
        answer = program.get("/api/account/preferences/keys")
    assert answer.status_code in {401, 403}
