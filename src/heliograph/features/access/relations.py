"""What a study or a patient is to whom: ties of studies to people and projects, restrictions of patients, people who are patients."""

from datetime import datetime
from typing import Final, Literal, get_args
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.engine.events import announce
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import note, require, visible
from heliograph.features.access.vocabulary import RESTRICTIONS
from heliograph.kit.errors import Absent, Invalid

Tie = Literal["referrer", "reader", "guest", "project"]
TIES: Final[tuple[Tie, ...]] = get_args(Tie)


def tie_study(tx: Tx, actor: Actor, study_id: int, tie: str, subject: str, *, until: datetime | None = None) -> None:
    """Relates a study to a person (its id) or a project (its name). Raises Absent for a study or a person that is not there."""
    require(actor, "user.manage")
    if tie not in TIES:
        raise Invalid(f"tie must be of: {', '.join(TIES)}", code="bad_tie")
    _check_study(tx, actor, study_id)
    if tie != "project":
        _check_user(tx, actor, subject)
    tx.execute(
        "insert into study_tie (study_fk, kind, subject, tenant_id, until, created_by) values (%s,%s,%s,%s,%s,%s) "
        "on conflict (study_fk, kind, subject) do update set until = excluded.until",
        (study_id, tie, subject[:128], actor.tenant_id, until, actor.label),
    )
    note(tx, actor, "study.tied", {"study": study_id}, detail={"tie": tie, "subject": subject[:128]})


def untie_study(tx: Tx, actor: Actor, study_id: int, tie: str, subject: str) -> None:
    require(actor, "user.manage")
    row = tx.execute(
        "delete from study_tie where tenant_id = %s and study_fk = %s and kind = %s and subject = %s returning 1",
        (actor.tenant_id, study_id, tie, subject),
    ).fetchone()
    if row is None:
        raise Absent("no such tie", code="no_tie")
    note(tx, actor, "study.untied", {"study": study_id}, detail={"tie": tie, "subject": subject[:128]})


def restrict_patient(tx: Tx, actor: Actor, patient: int, restriction: str) -> None:
    """Marks a patient (its row) as vip, staff or confidential, '' for none; the patient's studies follow in this transaction."""
    require(actor, "restriction.manage")
    if restriction not in {"", *RESTRICTIONS}:
        raise Invalid(f"restriction must be empty or of: {', '.join(RESTRICTIONS)}", code="bad_restriction")
    # Waits for studies that are being made for this patient: their reference holds the row.
    row = tx.execute(
        "select 1 from patient where id = %s and tenant_id = %s for update", (patient, actor.tenant_id)
    ).fetchone()
    if row is None:
        raise Absent("no such patient", code="no_patient")
    tx.execute("update patient set restriction = %s where id = %s", (restriction, patient))
    tx.execute(
        "update study set restriction = %s, revision = revision + 1 where patient_fk = %s", (restriction, patient)
    )
    note(tx, actor, "patient.restricted", {"patient": patient}, detail={"restriction": restriction})
    announce(tx, actor.tenant_id, "PatientRestricted", {"patient": patient})


def is_patient(tx: Tx, actor: Actor, user_id: UUID, patient: int) -> None:
    """This person is that patient: reads the own images as a patient, and not as staff."""
    require(actor, "user.manage")
    _check_user(tx, actor, str(user_id))
    row = tx.execute("select 1 from patient where id = %s and tenant_id = %s", (patient, actor.tenant_id)).fetchone()
    if row is None:
        raise Absent("no such patient", code="no_patient")
    tx.execute(
        "insert into user_patient (user_id, patient_fk) values (%s, %s) on conflict do nothing", (user_id, patient)
    )
    note(tx, actor, "user.is_patient", {"user": str(user_id), "patient": patient})


def _check_study(tx: Tx, actor: Actor, study_id: int) -> None:
    condition, parameters = visible(actor, "st")
    if (
        tx.execute(f"select 1 from study st where st.id = %s and {condition}", (study_id, *parameters)).fetchone()
        is None
    ):
        raise Absent("no such study", code="no_study")


def _check_user(tx: Tx, actor: Actor, user_id: str) -> None:
    row = tx.execute(
        "select 1 from app_user where tenant_id = %s and id::text = %s", (actor.tenant_id, user_id)
    ).fetchone()
    if row is None:
        raise Absent("no such user", code="no_user")
