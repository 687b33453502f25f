"""P13: patterns that take for ever (`*a*a*a*`, `?*` chains)."""

import time
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.peers.association import EXPLICIT, Association

MODEL = "1.2.840.10008.5.1.4.1.2.2.1"
BUDGET_S = 1.0
PATTERNS = {
    "5,000 stars": "*" * 5_000,
    "stars and letters": "*a" * 500 + "*",
    "question marks and stars": "?*" * 500,
    "64 KiB of letters": "a" * 60_000,
    "a star before 64 letters": "*" + "a" * 64 + "b",
    "what a LIKE understands": "%" * 200 + "_" * 200 + "\\",
    "what a regular expression understands": "(a+)+$" * 20,
    "ten thousand values": "\\".join(str(n) for n in range(10_000)),
}
KEYS = {
    "PatientName": (0x00100010, "PN"),
    "PatientID": (0x00100020, "LO"),
    "StudyDescription": (0x00081030, "LO"),
    "AccessionNumber": (0x00080050, "SH"),
}


@pytest.mark.parametrize("what", PATTERNS)
def test_a_pattern_costs_no_more_than_any_search(
    siege: Siege, web: httpx.Client, quickly: Callable[..., None], what: str
) -> None:
    pattern = PATTERNS[what]
    if len(pattern) < 30_000:
        for key in KEYS:
            quickly(lambda key=key: _asked(web, key, pattern), BUDGET_S)
    for key in KEYS:
        quickly(lambda key=key: _found(siege, key, pattern), BUDGET_S)
    quickly(lambda: _searched(web, pattern), BUDGET_S)
    assert siege.rise() < 64 * MIB


def _asked(web: httpx.Client, key: str, pattern: str) -> None:
    told = web.get(f"/dicom-web/studies?{key}={quote(pattern)}", headers={"Accept": "application/dicom+json"})
    assert told.status_code in {200, 204, 400, 413, 414, 422}, told.text[:200]


def _searched(web: httpx.Client, pattern: str) -> None:
    told = web.post("/api/studies/search", json={"text": pattern, "patient_name": pattern, "patient_id": pattern})
    assert told.status_code in {200, 400, 422}, told.text[:200]


def _found(siege: Siege, key: str, pattern: str) -> None:
    tag, vr = KEYS[key]
    level = hostile.element(0x00080052, "CS", "STUDY")
    asked = hostile.element(tag, vr, pattern[:65_000])
    identifier = asked + level if tag < 0x00080052 else level + asked
    with Association.connect(siege.server.dicom, [(MODEL, (EXPLICIT,))], calling="HOSTILE", timeout=30) as association:
        status, _ = association.find(MODEL, identifier, EXPLICIT)
        assert status in {0, 0xA900, 0xC000, 0xA700} or status & 0xF000 == 0xC000, f"{status:04x}"


def test_the_time_of_a_pattern_does_not_grow_with_its_wildcards(siege: Siege, web: httpx.Client) -> None:
    """Twice the wildcards, not four times the time."""

    def cost(count: int) -> float:
        pattern = "*a" * count + "*"
        began = time.monotonic()
        for _ in range(5):
            _asked(web, "PatientName", pattern)
        return time.monotonic() - began

    assert min(cost(400) for _ in range(3)) < 8 * max(min(cost(50) for _ in range(3)), 0.02)
    assert siege.rise() < 64 * MIB
