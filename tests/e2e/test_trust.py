"""Who may see what, as a person meets it."""

from pathlib import Path

from tests.e2e.pictures import Study, ct_stack
from tests.e2e.reading import PATIENCE_S, Reader
from tests.peers.heliograph import Server

PATIENCE_MS = PATIENCE_S * 1000


def test_guard_10_a_withheld_patient_is_told_of_and_opened_with_a_reason(
    reader: Reader, server: Server, tmp_path: Path
) -> None:
    study = Study(tmp_path, 451, "E2E-GLASS-451", name="Withheld^Wanda")
    reader.store(ct_stack(study, 1))
    program = server.client()
    row = program.post("/api/studies/search", json={"patient_id": study.patient}).json()["items"][0]
    marked = program.post(f"/api/patients/{row['patient']['id']}/restriction", json={"restriction": "vip"})
    assert marked.status_code == 200
    page = reader.page
    page.goto("/")
    page.get_by_role("textbox", name="Name, ID, accession or exam").fill(study.patient)
    line = page.get_by_test_id("withheld")
    line.wait_for(timeout=PATIENCE_MS)
    assert page.get_by_text("Withheld, Wanda").count() == 0, "the line says how many, never who"
    line.get_by_role("button").click()
    page.get_by_label("Reason", exact=True).fill("unconscious, bleeding")
    line.get_by_role("button", name="Break the glass").click()
    page.get_by_text("Withheld, Wanda").first.wait_for(timeout=PATIENCE_MS)
    line.wait_for(state="detached", timeout=PATIENCE_MS)
    broken = program.post("/api/studies/search", json={"patient_id": study.patient}).json()
    assert broken["withheld"] == [], "a program of the house is told nothing of glass"
