"""kill -9 of everything while copies are made: they are made in the end, whole and exact, and nothing half is kept."""

import time
from pathlib import Path

import numpy as np

from heliograph.standards.dicom.image import ImageSpec
from heliograph.standards.dicom.pixels import decode_frame
from heliograph.standards.dicom.progressive import TRANSFER_SYNTAX
from tests import phantoms
from tests.conformance.api_routes import database, send
from tests.conformance.browsing import until
from tests.peers.heliograph import Server
from tests.phantoms import Shape

SHAPE = Shape(24, rows=400, columns=400, seed=8995, patient="KILLED-COPIES")
QUICK = "[archive]\nseries_quiet_s = 1\nstudy_quiet_s = 1\n[copies]\nleast_bytes = 1000\n"


def _count(server: Server) -> int:
    with database(server) as connection:
        row = connection.execute("select count(*) from frame_copy where blob is not null").fetchone()
    return int(row[0]) if row else 0


def test_kill_9_while_copies_are_made_keeps_nothing_half(tmp_path: Path) -> None:
    config = tmp_path / "quick.toml"
    config.write_text(QUICK)
    with Server(tmp_path / "data", options=("--config", str(config))) as server:
        server.add_device("CT1")
        assert set(send(server, SHAPE)) == {0}
        until(lambda: _count(server) > 0, every_s=0.005)
        server.kill()
        server.start()
        until(lambda: _count(server) == SHAPE.slices)
        with server.client() as client:
            studies = client.post("/api/studies/search", json={}).raise_for_status().json()["items"]
            series = client.get(f"/api/studies/{studies[0]['id']}/manifest").raise_for_status().json()["series"][0]
            items = client.get(series["copies_url"]).raise_for_status().json()["items"]
            assert len(items) == SHAPE.slices
            document = client.get(series["document_url"]).raise_for_status().json()
            by_id = {one["id"]: one for one in document["instances"]}
            for item in items:
                instance = by_id[item["instance_id"]]
                spec = ImageSpec(SHAPE.rows, SHAPE.columns, 1, 16, *_bits(), "MONOCHROME2")
                base = f"{instance['frame_urls_base']}1"
                whole = client.get(f"{base}/copy/{item['digest']}-{item['id']}").raise_for_status().content
                plain = client.get(base, headers={"Accept": "application/octet-stream"}).raise_for_status().content
                assert np.array_equal(
                    decode_frame(spec, whole, TRANSFER_SYNTAX), decode_frame(spec, plain, "1.2.840.10008.1.2.1")
                )
        deadline = time.monotonic() + 60
        while True:
            with database(server) as connection:
                jobs = connection.execute("select state from job where kind = 'copy.htj2k'").fetchall()
            if {state for (state,) in jobs} == {"done"}:
                break
            assert time.monotonic() < deadline, jobs
            time.sleep(0.2)


def _bits() -> tuple[int, int, bool]:
    made = phantoms.header(SHAPE, 1)
    return int(made.BitsStored), int(made.HighBit), bool(made.PixelRepresentation)
