"""The files of the browser client: what they are, who may keep them, how small they travel."""

import gzip
import re

import httpx


def _main_script(nobody: httpx.Client) -> str:
    """The page names a small script, and that the large one."""
    first = re.search(r'src="(/assets/[\w-]+\.js)"', nobody.get("/").raise_for_status().text)
    assert first is not None
    main = re.search(r"main-[\w-]+\.js", nobody.get(first[1]).raise_for_status().text)
    assert main is not None
    return f"/assets/{main[0]}"


def test_an_asset_is_kept_for_ever_and_travels_compressed_to_who_accepts_it(nobody: httpx.Client) -> None:
    script = _main_script(nobody)
    plain = nobody.get(script, headers={"Accept-Encoding": "identity"}).raise_for_status()
    assert "content-encoding" not in plain.headers
    with nobody.stream("GET", script, headers={"Accept-Encoding": "gzip, br"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(raw) < len(plain.content) / 2
    assert gzip.decompress(raw) == plain.content
    for one in (plain, answer):
        assert one.headers["vary"] == "Accept-Encoding"
        assert "immutable" in one.headers["cache-control"]
        assert one.headers["content-type"].startswith("text/javascript")
        assert one.headers["x-content-type-options"] == "nosniff"


def test_a_page_of_the_client_is_asked_for_each_time_and_frames_nothing(nobody: httpx.Client) -> None:
    answer = nobody.get("/studies").raise_for_status()
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "frame-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy


def test_nothing_outside_the_client_is_served(nobody: httpx.Client) -> None:
    for path in ("/../pages.py", "/%2e%2e/pages.py", "/assets/%2e%2e/%2e%2e/pages.py", "/absent.js"):
        assert nobody.get(path).status_code == 404, path
