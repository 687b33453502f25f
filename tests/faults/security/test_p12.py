"""P12: JSON of a hundred thousand levels, numbers of ten million digits, keys given twice, bulk data by address."""

import httpx
import pytest

from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import MIB

BODIES = {
    "100,000 levels of lists": b"[" * 100_000 + b"]" * 100_000,
    "100,000 levels of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a number of 900,000 digits": b'{"text": ' + b"9" * 900_000 + b"}",
    "a number of ten million digits": b'{"text": ' + b"9" * 10_000_000 + b"}",
    "an exponent without end": b'{"limit": 1e999999999}',
    "not a number": b'{"limit": NaN, "text": Infinity}',
    "a key twice": b'{"text": "a", "text": {"$ne": 1}, "name": "x", "name": []}',
    "a hundred thousand keys": b"{" + b",".join(b'"k%d":1' % n for n in range(60_000)) + b"}",
    "half a surrogate": b'{"text": "\\ud800", "name": "\\ud800", "password": "\\udfff"}',
    "a NUL": b'{"text": "a\\u0000b", "name": "a\\u0000", "password": "x"}',
    "bytes that are no text": b'{"text": "\xff\xfe\x80"}',
    "a prototype": b'{"__proto__": {"admin": true}, "constructor": {}, "text": "x"}',
}
DOORS = (
    "/api/session",
    "/api/studies/search",
    "/api/where",
    "/api/nodes",
    "/api/devices",
    "/api/rules",
    "/api/tokens",
    "/api/users",
)


@pytest.mark.parametrize("what", BODIES)
def test_a_hostile_body_is_an_answer_at_every_door(siege: Siege, web: httpx.Client, what: str) -> None:
    for path in DOORS:
        told = web.post(path, content=BODIES[what], headers={"Content-Type": "application/json"})
        assert told.status_code < 500, (path, told.status_code, told.text[:300])
    assert siege.rise() < 96 * MIB


def test_bulk_data_by_address_is_not_fetched(siege: Siege, web: httpx.Client) -> None:
    """STOW-RS with DICOM JSON and a BulkDataURI: the door takes no metadata, and no address."""
    body = (
        b'[{"00080018":{"vr":"UI","Value":["1.2.3"]},"7FE00010":{"vr":"OW","BulkDataURI":"http://127.0.0.1:9/secret"}}]'
    )
    for kind in ("application/dicom+json", 'multipart/related; type="application/dicom+json"; boundary=b'):
        told = web.post("/dicom-web/studies", content=body, headers={"Content-Type": kind})
        assert told.status_code == 415, told.text
    assert siege.rise() < 64 * MIB
