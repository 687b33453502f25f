"""The audit log of a running server: exported, verified by the file that stands alone, and one object proved to be as it was received."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from heliograph.engine.audit import verifier
from tests import phantoms
from tests.peers import dcmtk, dicomweb
from tests.peers.heliograph import PROGRAM, Server
from tests.phantoms import Shape

SERIES = Shape(5, rows=16, columns=16, seed=811, patient="PROOF1", name="Proof^Paula")
BY_WEB = Shape(3, rows=16, columns=16, seed=812, patient="PROOF2", name="Proof^Peter")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("proof")
    with Server(folder / "data") as server:
        server.add_device("DCMTK")
        phantoms.write_series(SERIES, folder / "sent")
        assert dcmtk.storescu(server.dicom, folder / "sent").code == 0
        with server.client() as client:
            assert dicomweb.stow(client, phantoms.slices(BY_WEB)).status_code == 200
        yield server


def heliograph(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(PROGRAM), "audit", *arguments, "--data", str(server.data)],
        capture_output=True, text=True, check=False, timeout=120, env=server.environment,
    )  # fmt: skip


def alone(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The verifier, copied to a place where nothing of the program is."""
    script = tmp_path / "verifier.py"
    shutil.copy(verifier.__file__, script)
    return subprocess.run(
        [sys.executable, "-I", str(script), *arguments], capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path
    )  # fmt: skip


@pytest.mark.parametrize("shape", [SERIES, BY_WEB], ids=["by C-STORE", "by STOW-RS"])
def test_an_object_is_proved_to_be_as_it_was_first_received(house: Server, shape: Shape, tmp_path: Path) -> None:
    proof, kept, uid = tmp_path / "proof.json", tmp_path / "kept.dcm", shape.sop_uid(2)
    done = heliograph(house, "prove", "--sop-uid", uid, str(proof), "--object", str(kept))
    assert done.returncode == 0, done.stderr
    with house.client() as client:
        path = f"studies/{shape.study_uid}/series/{shape.series_uid}/instances/{uid}"
        (fetched,) = dicomweb.retrieve(client, path)
    assert kept.read_bytes() == fetched
    facts = json.loads(proof.read_text())
    key = facts["keys"][0]["key"]
    done = alone(tmp_path, "object", str(proof), str(kept), "--key", key)
    assert done.stdout == f"unchanged since first received at {facts['object']['received_at']}\n", done.stderr

    changed = bytearray(fetched)
    changed[-1] ^= 1
    kept.write_bytes(changed)
    done = alone(tmp_path, "object", str(proof), str(kept))
    assert done.returncode == 1
    assert "the object is not the one that was received" in done.stdout


@pytest.mark.parametrize(
    ("name", "forge", "says"),
    [
        ("another time", lambda facts: facts["object"].update(received_at="2020-01-01T00:00:00.000000Z"), "the receipt does not hold this object"),
        ("another event", lambda facts: facts["event"]["actor"].update(name="EVIL"), "is not in the tree of the checkpoint"),
        ("another checkpoint", lambda facts: facts["checkpoint"].update(signature="00" * 64), "the checkpoint is not signed by a trusted key"),
        ("a path that is too short", lambda facts: facts["receipt"]["path"].pop(), "the receipt does not hold this object"),
    ],
)  # fmt: skip
def test_a_forged_proof_is_none(house: Server, tmp_path: Path, name: str, forge: object, says: str) -> None:
    proof, kept = tmp_path / "proof.json", tmp_path / "kept.dcm"
    done = heliograph(house, "prove", "--sop-uid", SERIES.sop_uid(3), str(proof), "--object", str(kept))
    assert done.returncode == 0, done.stderr
    facts = json.loads(proof.read_text())
    assert callable(forge)
    forge(facts)
    proof.write_text(json.dumps(facts))
    done = alone(tmp_path, "object", str(proof), str(kept))
    assert done.returncode == 1
    assert says in done.stdout


def test_an_object_that_is_not_here_has_no_proof(house: Server, tmp_path: Path) -> None:
    done = heliograph(house, "prove", "--sop-uid", "1.2.3.4", str(tmp_path / "proof.json"))
    assert (done.returncode, done.stderr) == (1, "heliograph: no such instance\n")


def test_the_log_of_a_running_server_holds_for_both_verifiers(house: Server, tmp_path: Path) -> None:
    done = heliograph(house, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    key = done.stdout.split()[-1]
    exported = tmp_path / "audit.jsonl"
    # Copied before the export: what is signed later is in the file of the running server, and not in the export.
    witness = shutil.copy(house.data / "audit" / "checkpoints", tmp_path / "witness")
    assert heliograph(house, "export", str(exported)).returncode == 0
    assert heliograph(house, "export", str(exported)).returncode == 1, "an export is never written over"
    done = alone(tmp_path, "log", str(exported), "--key", key, "--witness", str(witness))
    assert done.returncode == 0, done.stdout + done.stderr
    assert alone(tmp_path, "log", str(exported), "--key", "0" * 64).returncode == 1


def test_verify_says_what_was_tampered_with(house: Server) -> None:
    with psycopg.connect(house.database_url) as connection:
        row = connection.execute("select event_id from audit_seal order by number limit 1").fetchone()
        assert row is not None
        for statement in ("disable", "enable"):
            if statement == "enable":
                connection.execute("update audit_event set outcome = 'refused' where id = %s", row)
            connection.execute(f"alter table audit_event {statement} trigger append_only")
    done = heliograph(house, "verify")
    assert done.returncode == 1
    assert "FOUND: event 1 of " in done.stdout
