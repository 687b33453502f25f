"""Alarms: raised once, cleared when their condition is over, and never by themselves when only a person can tell that."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from heliograph.engine.blobs import Blobs, open_blobs
from heliograph.engine.db import Database
from heliograph.engine.jobs import JobRun, enqueue
from heliograph.features import access
from heliograph.features.access import Actor, system_actor
from heliograph.features.access.limits import Hits, limits_met, note_hit
from heliograph.features.archive import acknowledge_alarm, open_alarms, verify_jobs
from heliograph.features.archive.alarms import Condition, look, raise_alarm
from heliograph.kit.settings import Settings
from tests.conformance.browsing import until

FAULT = Condition("verification:1", "verification", "critical", "Two stored objects are missing.", "Restore them.")


def opened(scratch: Database, actor: Actor) -> dict[str, tuple[str, str]]:
    with scratch.transaction() as tx:
        return {item["kind"]: (item["severity"], item["message"]) for item in open_alarms(tx, actor)}


def roomy(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, disk_warning_bytes=0, reserve_bytes=0)


def test_a_fault_that_a_verification_found_stays_until_somebody_acknowledges_it(
    scratch: Database, actor: Actor, tmp_path: Path
) -> None:
    blobs = open_blobs("file", tmp_path)
    with scratch.transaction() as tx:
        raise_alarm(tx, FAULT)
    look(scratch, blobs, roomy(tmp_path))
    assert opened(scratch, actor)["verification"] == ("critical", FAULT.message)
    with scratch.transaction() as tx:
        (alarm,) = (item for item in open_alarms(tx, actor) if item["kind"] == "verification")
        acknowledge_alarm(tx, actor, alarm["id"])
    assert "verification" not in opened(scratch, actor)


def test_a_disk_that_goes_from_nearly_full_to_full_is_told_as_full(
    scratch: Database, actor: Actor, tmp_path: Path
) -> None:
    blobs, free = open_blobs("file", tmp_path), 1 << 60
    look(scratch, blobs, replace(roomy(tmp_path), disk_warning_bytes=free))
    assert opened(scratch, actor)["disk"][0] == "warning"
    with scratch.transaction() as tx:
        (nearly,) = (item for item in open_alarms(tx, actor) if item["kind"] == "disk")
        acknowledge_alarm(tx, actor, nearly["id"])
    look(scratch, blobs, replace(roomy(tmp_path), reserve_bytes=free))
    with scratch.transaction() as tx:
        (full,) = (item for item in open_alarms(tx, actor) if item["kind"] == "disk")
    assert (full["severity"], full["acknowledged_by"]) == ("critical", None)
    assert (nearly["code"], full["code"]) == ("disk_warning", "disk_critical")
    for alarm, unit, size in ((nearly, "gigabytes", "GB"), (full, "megabytes", "MB")):
        assert f" {alarm['values'][unit]} {size} are free" in alarm["message"], (
            "translated sentences say the same number"
        )
    look(scratch, blobs, roomy(tmp_path))
    assert "disk" not in opened(scratch, actor)


def test_a_verification_that_was_cut_off_after_it_found_a_fault_still_raises_the_alarm(
    scratch: Database, actor: Actor, tmp_path: Path
) -> None:
    blobs: Blobs = open_blobs("file", tmp_path)
    with scratch.transaction() as tx:
        job_id = enqueue(tx, 1, verify_jobs.KIND, "Verify all objects", {}, "system:test")
        last = {"instance": str(2**62), "instance_version": str(2**62), "held": "ffffffff-ffff-ffff-ffff-ffffffffffff"}
    before = JobRun(scratch, job_id)
    before.summary = {"faults": [{"table": "instance", "id": "1", "fault": "digest_differs"}]}
    before.progress(200, 400, cursor=last, force=True)
    verify_jobs.run(scratch, blobs, JobRun(scratch, job_id))
    assert opened(scratch, actor)["verification"][1].startswith("1 stored object ")


def test_an_alarm_carries_what_its_sentence_needs_in_another_language(scratch: Database, actor: Actor) -> None:
    told = {
        "stalled:CT:7": ("9 things", {"code": "stalled", "values": {"source": "CT:7"}}),
        "sends": ("12 studies could not be sent.", {"code": "sends", "values": {"count": 12}}),
        "elsewhere": ("Nothing is counted.", {"code": "elsewhere", "values": {}}),
    }
    with scratch.transaction() as tx:
        for key, (message, _) in told.items():
            raise_alarm(tx, Condition(key, "told", "warning", message, "Look."))
        found = {item["message"]: item for item in open_alarms(tx, actor) if item["kind"] == "told"}
        tx.execute("update alarm set cleared_at = now() where kind = 'told'")
    for message, wanted in told.values():
        assert {name: found[message][name] for name in wanted} == wanted


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a real listener, and what it was told."""
    told: list[bytes] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", told
        server.shutdown()


def test_a_mail_server_that_is_down_does_not_repeat_what_the_webhook_was_told(
    scratch: Database, actor: Actor, tmp_path: Path, webhook: tuple[str, list[bytes]]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        closed = listening.getsockname()[1]
    address, told = webhook
    outside = replace(
        roomy(tmp_path),
        alarm_webhook=address,
        alarm_email="a@example.org",
        alarm_smtp=f"127.0.0.1:{closed}",
        egress_networks="127.0.0.1",
    )
    blobs = open_blobs("file", tmp_path)
    with scratch.transaction() as tx:
        tx.execute("update alarm set cleared_at = now() where cleared_at is null")
        raise_alarm(tx, replace(FAULT, key="verification:2"))
    for _ in range(3):
        look(scratch, blobs, outside)
    assert len(told) == 1
    with scratch.transaction() as tx:
        row = tx.execute("select notified_at from alarm where key = 'verification:2'").fetchone()
        assert row == (None,), "the mail is still to be sent"
    look(scratch, blobs, replace(outside, alarm_email=""))
    assert len(told) == 1
    with scratch.transaction() as tx:
        row = tx.execute("select notified_at is not null from alarm where key = 'verification:2'").fetchone()
        assert row == (True,)
        tx.execute("update alarm set cleared_at = now() where cleared_at is null")


def test_certificates_that_end_soon_are_told_and_over_when_there_is_a_newer_one(
    scratch: Database, actor: Actor, tmp_path: Path
) -> None:
    blobs, settings = open_blobs("file", tmp_path), roomy(tmp_path)
    with scratch.transaction() as tx:
        access.add_device(tx, actor, "ENDING", "", None, ["store"])
        access.certify_device(tx, actor, settings, "ENDING", days=10)
    look(scratch, blobs, settings)
    assert opened(scratch, actor)["certificates"] == (
        "warning",
        "1 devices have a certificate that ends within 30 days.",
    )
    with scratch.transaction() as tx:
        tx.execute("update device_certificate set not_after = now() where pem like '%%CERTIFICATE%%'")
    look(scratch, blobs, settings)
    assert opened(scratch, actor)["certificates"][0] == "critical"
    with scratch.transaction() as tx:
        access.certify_device(tx, actor, settings, "ENDING")
    look(scratch, blobs, settings)
    assert "certificates" not in opened(scratch, actor)


def test_who_meets_a_limit_raises_an_alarm_in_the_organisation_that_was_meant(
    scratch: Database, actor: Actor, tmp_path: Path
) -> None:
    with scratch.transaction() as tx:
        other = access.add_tenant(tx, system_actor("test"), "limited", own_aet="US", titles=["LIMITED"])
        note_hit(tx, other.id, "volume", "CT1", "10.0.0.1")
        note_hit(tx, other.id, "volume", "CT1", "10.0.0.1", 2)
    foreign = replace(actor, tenant_id=other.id)
    look(scratch, open_blobs("file", tmp_path), roomy(tmp_path))
    assert opened(scratch, foreign)["limits"][1].startswith("3 requests were refused")
    assert "limits" not in opened(scratch, actor)
    with scratch.transaction() as tx:
        assert [(one["what"], one["who"], one["count"]) for one in limits_met(tx, foreign)] == [("volume", "CT1", 3)]
        assert not limits_met(tx, actor)


def test_hits_are_gathered_for_the_organisation_of_the_called_title(scratch: Database, actor: Actor) -> None:
    with scratch.transaction() as tx:
        other = access.add_tenant(tx, system_actor("test"), "gathered", own_aet="US", titles=["GATHERED"])
    hits = Hits(scratch, "US")
    for called in ("GATHERED", "GATHERED", "US", "NOBODYS"):
        hits.tell("associations", "CT\n1", "10.0.0.9", called=called)
    found: list[int] = []
    until(lambda: found or _counts(scratch, (replace(actor, tenant_id=other.id), actor), found))
    assert found == [2, 2], "whoever means nobody is told of to those who run the installation"


def _counts(scratch: Database, actors: tuple[Actor, Actor], found: list[int]) -> bool:
    with scratch.transaction() as tx:
        counts = [
            sum(one["count"] for one in limits_met(tx, one_of) if one["address"] == "10.0.0.9") for one_of in actors
        ]
    found += counts if all(counts) else []
    return bool(found)
