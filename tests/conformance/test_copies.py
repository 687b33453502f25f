"""Copies of frames as they are served: by ranges, for ever, to whoever may see the object, and never of what was replaced (guard 1)."""

import io
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from heliograph.standards.dicom.image import ImageSpec
from heliograph.standards.dicom.pixels import decode_frame
from heliograph.standards.dicom.progressive import TRANSFER_SYNTAX
from tests import phantoms
from tests.conformance.api_routes import database, is_problem, send
from tests.conformance.browsing import Browser, person, study_row, until
from tests.peers.heliograph import Server
from tests.phantoms import Shape

SHAPE = Shape(2, rows=1024, columns=1000, seed=8990, patient="COPIES")


def _copies(house: Server) -> list[dict[str, Any]]:
    with house.client() as client:
        study = study_row(house, SHAPE.study_uid)["id"]
        series = client.get(f"/api/studies/{study}/manifest").raise_for_status().json()["series"][0]
        if series["copies_url"] is None:
            return []
        answer = client.get(series["copies_url"]).raise_for_status()
        assert "immutable" in answer.headers["cache-control"]
        assert client.get(series["copies_url"], headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
        assert "no-cache" in client.get(f"/api/series/{series['id']}/copies").headers["cache-control"]
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture(scope="module")
def items(api_house: Server) -> list[dict[str, Any]]:
    assert send(api_house, SHAPE) == [0, 0]
    until(lambda: len(_copies(api_house)) == 2)
    return _copies(api_house)


def _address(item: dict[str, Any], number: int = 1, frame: int = 1) -> str:
    base = f"/dicom-web/studies/{SHAPE.study_uid}/series/{SHAPE.series_uid}/instances/{SHAPE.sop_uid(number)}"
    return f"{base}/frames/{frame}/copy/{item['digest']}-{item['id']}"


def _first(items: list[dict[str, Any]], house: Server) -> dict[str, Any]:
    with database(house) as connection:
        row = connection.execute("select id from instance where sop_uid = %s", (SHAPE.sop_uid(1),)).fetchone()
    assert row is not None
    return next(item for item in items if item["instance_id"] == str(row[0]))


def test_ranges_of_a_copy_are_parts_of_it(api_house: Server, items: list[dict[str, Any]]) -> None:
    item = _first(items, api_house)
    ends = item["frames"][0]
    with api_house.client() as client:
        whole = client.get(_address(item))
        assert (whole.status_code, len(whole.content)) == (200, ends[-1])
        assert whole.headers["content-type"] == f"image/jphc; transfer-syntax={TRANSFER_SYNTAX}"
        assert "immutable" in whole.headers["cache-control"]
        assert whole.headers["cache-control"].startswith("private")
        assert whole.headers["vary"] == "Cookie, Authorization"
        for first, last in ((0, ends[2] - 1), (ends[2], ends[-1] - 1), (5, 5), (ends[1] - 3, ends[3] + 7)):
            part = client.get(_address(item), headers={"Range": f"bytes={first}-{last}"})
            assert part.status_code == 206
            assert part.headers["content-range"] == f"bytes {first}-{last}/{ends[-1]}"
            assert part.headers["etag"] == whole.headers["etag"]
            assert part.content == whole.content[first : last + 1]
        rest = client.get(_address(item), headers={"Range": f"bytes={ends[3]}-"})
        assert (rest.status_code, rest.content) == (206, whole.content[ends[3] :])
        outside = client.get(_address(item), headers={"Range": f"bytes={ends[-1]}-"})
        assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{ends[-1]}")
        assert client.get(_address(item), headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
        for wrong in (_address(item, 2), _address(item, frame=2), _address(item)[:-1] + "9999", _address(item) + "x"):
            is_problem(client.get(wrong), 404, "no_copy")
    truth = dcmread(io.BytesIO(phantoms.slices(SHAPE)[0]))
    spec = ImageSpec(
        truth.Rows, truth.Columns, 1, truth.BitsAllocated, truth.BitsStored, truth.HighBit,
        bool(truth.PixelRepresentation), "MONOCHROME2",
    )  # fmt: skip
    assert np.array_equal(decode_frame(spec, whole.content, TRANSFER_SYNTAX), truth.pixel_array)


def test_a_copy_is_read_like_its_image(api_house: Server, items: list[dict[str, Any]], nobody: Any) -> None:
    """Who may not see the image is told what they are told of the image, and who may leaves a record."""
    address = _address(_first(items, api_house))
    assert nobody.get(address).status_code == 401
    series = study_row(api_house, SHAPE.study_uid)["id"]
    with api_house.client() as client:
        copies = client.get(f"/api/studies/{series}/manifest").json()["series"][0]["copies_url"]
    with person(api_house, "works-elsewhere", "referrer") as stranger:
        whole = address.partition("/copy/")[0]
        assert {stranger.get(path).status_code for path in (address, whole, copies)} <= {403, 404}
        assert stranger.get(address).json()["code"] == stranger.get(whole).json()["code"]
    with person(api_house, "looks-at-copies", "viewer") as reader:
        assert _reads(api_house, "looks-at-copies") == 0
        assert reader.get(address).status_code == 200
        assert _reads(api_house, "looks-at-copies") == 1


def _reads(house: Server, name: str) -> int:
    with database(house) as connection:
        row = connection.execute(
            "select count(*) from audit_event where actor->>'name' = %s and kind = 'study.read'", (name,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_guard_1_the_copy_of_a_replaced_image_is_gone(
    api_house: Server, items: list[dict[str, Any]], admin: Browser
) -> None:
    item = _first(items, api_house)
    assert admin.get(_address(item)).status_code == 200
    with database(api_house) as connection:
        connection.execute("update instance set sha256 = %s where sop_uid = %s", (bytes(32), SHAPE.sop_uid(1)))
        try:
            until(lambda: admin.get(_address(item)).status_code == 404)
            is_problem(admin.get(_address({**item, "digest": bytes(32).hex()})), 404, "no_copy")
            until(lambda: len(_copies(api_house)) == 1)
        finally:  # others verify what is on this server
            connection.execute(
                "update instance set sha256 = %s where sop_uid = %s", (bytes.fromhex(item["digest"]), SHAPE.sop_uid(1))
            )
    is_problem(admin.get(_address(item)), 404, "no_copy")
