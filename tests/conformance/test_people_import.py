"""A list of people through the JSON door and on the console."""

import base64
from pathlib import Path
from typing import Any

from tests.conformance.api_routes import is_problem
from tests.conformance.browsing import Browser
from tests.peers.heliograph import Server

LIST = "name;display_name;roles\nimported-jane;Jane Döe;radiologist|technologist\nimported-john;John;viewer\n"


def bring(window: Browser, text: str, *, dry_run: bool) -> dict[str, Any]:
    body = {"file": base64.b64encode(text.encode("cp1252")).decode(), "dry_run": dry_run}
    answer = window.post("/api/users/import", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def names(window: Browser) -> set[str]:
    return {one["name"] for one in window.get("/api/users").json()["items"]}


def test_a_list_is_looked_at_then_brought_in_and_its_links_open(api_house: Server, admin: Browser) -> None:
    planned = bring(admin, LIST, dry_run=True)
    assert (planned["done"], [item["outcome"] for item in planned["items"]]) == (False, ["new", "new"])
    assert not {"imported-jane", "imported-john"} & names(admin)
    wrong = bring(admin, LIST + "imported-mary;Mary;queen\n", dry_run=False)
    assert (wrong["done"], wrong["items"]) == (False, [])
    assert [(one["line"], one["column"], one["code"]) for one in wrong["problems"]] == [(4, "roles", "bad_role")]
    assert not {"imported-jane", "imported-mary"} & names(admin), "nobody, because of one"
    done = bring(admin, LIST, dry_run=False)
    assert done["done"]
    with Browser(api_house) as jane:
        came = jane.sign_in_by_link(done["items"][0]["link"])
        assert came.json()["user"]["display_name"] == "Jane Döe"
        assert came.json()["user"]["roles"] == ["radiologist", "technologist"]
    again = bring(admin, LIST, dry_run=False)
    assert [(item["outcome"], item["link"]) for item in again["items"]] == [("same", None)] * 2


def test_what_is_no_list_is_refused(admin: Browser) -> None:
    for text, code in (
        ("name;password\na;b\n", "import_secret"),
        ("", "import_no_header"),
        ("who\na\n", "import_columns"),
    ):
        body = {"file": base64.b64encode(text.encode()).decode(), "dry_run": False}
        is_problem(admin.post("/api/users/import", json=body), 400, code)
    is_problem(admin.post("/api/users/import", json={"file": "abc", "dry_run": False}), 422, "invalid_field")
    big = base64.b64encode(b"name\n" + b"x" * (600 << 10)).decode()
    assert admin.post("/api/users/import", json={"file": big}).status_code in {400, 413, 422}


def test_on_the_console(api_house: Server, admin: Browser, tmp_path: Path) -> None:
    file = tmp_path / "staff.csv"
    file.write_text("name,roles\nconsole-ann,viewer\n=console,viewer\n", "utf-8-sig")
    planned = api_house.cli("user", "import", "--dry-run", str(file))
    assert "2 new" in planned.stderr
    assert "console-ann" not in names(admin)
    done = api_house.cli("user", "import", str(file)).stdout.splitlines()
    assert done[0] == "name,outcome,link"
    assert done[1].startswith("console-ann,new,http")
    assert done[2].startswith("'=console,new,http")
    file.write_text("name,roles\nconsole-ben,king\n")
    refused = api_house.cli("user", "import", str(file), check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "line 2, roles:" in refused.stderr
    assert "console-ben" not in names(admin)
