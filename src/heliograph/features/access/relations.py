"""What a study or a patient is to whom: ties of studies to people and projects, restrictions of patients, people who are patients."""

from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.engine.events import announce
from heliograph.features.access.model import Actor
from heliograph.features.access.policy import allowed, note, require, visible
from heliograph.features.access.vocabulary import RESTRICTIONS
from heliograph.kit.errors import Absent, Invalid
from heliograph.kit.time import now

Tie = Literal["referrer", "reader", "guest", "project"]
TIES: Final[tuple[Tie, ...]] = get_args(Tie)
_PATIENT: Final = (
    "p.id::text, p.patient_id, p.issuer, p.name, p.birth_date, p.sex, p.restriction, p.restriction_reason, p.restricted_at, p.restricted_by, "
    "(select count(*) from study st where st.patient_fk = p.id)"
)
_PATIENT_KEYS: Final = (
    "id", "patient_id", "issuer", "name", "birth_date", "sex", "restriction", "reason", "restricted_at", "restricted_by", "studies",
)  # fmt: skip


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


def restrict_patient(tx: Tx, actor: Actor, patient: int, restriction: str, reason: str = "") -> None:
    """Marks a patient (its row) as vip, staff or confidential, '' for none; the patient's studies follow in this transaction."""
    require(actor, "restriction.manage")
    if not all(letter.isprintable() or letter.isspace() for letter in reason):
        raise Invalid("reason must be text", code="bad_reason")
    if restriction not in {"", *RESTRICTIONS}:
        raise Invalid(f"restriction must be empty or of: {', '.join(RESTRICTIONS)}", code="bad_restriction")
    # Waits for studies that are being made for this patient: their reference holds the row.
    row = tx.execute(
        "select 1 from patient where id = %s and tenant_id = %s for update", (patient, actor.tenant_id)
    ).fetchone()
    if row is None:
        raise Absent("no such patient", code="no_patient")
    tx.execute(
        "update patient set restriction = %s, restriction_reason = %s, restricted_at = %s, restricted_by = %s where id = %s",
        (restriction, reason.strip()[:500], now(), actor.label, patient),
    )
    tx.execute(
        "update study set restriction = %s, revision = revision + 1 where patient_fk = %s", (restriction, patient)
    )
    note(tx, actor, "patient.restricted", {"patient": patient}, detail={"restriction": restriction})
    announce(tx, actor.tenant_id, "PatientRestricted", {"patient": patient})


def restricted_patients(tx: Tx, actor: Actor, *, limit: int = 500) -> list[dict[str, Any]]:
    """Who is restricted, latest first: for who marks them, who must know whom it marked."""
    require(actor, "restriction.manage")
    rows = tx.execute(
        f"select {_PATIENT} from patient p where p.tenant_id = %s and p.restriction <> '' order by p.restricted_at desc nulls last, p.id desc limit %s",
        (actor.tenant_id, limit),
    )
    found = [dict(zip(_PATIENT_KEYS, row, strict=True)) for row in rows]
    note(tx, actor, "restrictions.listed", {}, detail={"results": len(found)})
    return found


def find_patients(tx: Tx, actor: Actor, patient_id: str) -> list[dict[str, Any]]:
    """Patients of exactly this identifier, whatever their studies' site: to mark one, or to say that a person is one."""
    if not allowed(actor, "user.manage"):
        require(actor, "restriction.manage")
    rows = tx.execute(
        f"select {_PATIENT} from patient p where p.tenant_id = %s and p.patient_id = %s order by p.id limit 20",
        (actor.tenant_id, patient_id.strip()),
    )
    found = [dict(zip(_PATIENT_KEYS, row, strict=True)) for row in rows]
    note(tx, actor, "restrictions.listed", {}, detail={"keys": ["patient_id"], "results": len(found)})
    return found


def ties_of_study(tx: Tx, actor: Actor, study_id: int) -> dict[str, Any]:
    """Where a study stands, how its patient is marked, and who is related to it. Raises Absent for a study that is not there."""
    if not allowed(actor, "user.manage"):
        require(actor, "restriction.manage")
    _check_study(tx, actor, study_id)
    row = tx.execute(
        "select p.id::text, p.restriction, p.restriction_reason, p.restricted_at, p.restricted_by, s.name, coalesce(d.name, '') from study st "
        "join patient p on p.id = st.patient_fk left join site s on s.id = st.site_id left join department d on d.id = st.department_id where st.id = %s",
        (study_id,),
    ).fetchone()
    assert row is not None
    keys = ("patient", "restriction", "reason", "restricted_at", "restricted_by", "site", "department")
    ties = tx.execute(
        "select t.kind, t.subject, coalesce(u.display_name, t.subject), t.until, t.created_at, t.created_by from study_tie t "
        "left join app_user u on u.id::text = t.subject and u.tenant_id = t.tenant_id where t.study_fk = %s order by t.kind, 3",
        (study_id,),
    )
    names = ("tie", "subject", "name", "until", "created_at", "created_by")
    return dict(zip(keys, row, strict=True)) | {"ties": [dict(zip(names, tie, strict=True)) for tie in ties]}


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


def is_not_patient(tx: Tx, actor: Actor, user_id: UUID, patient: int) -> None:
    require(actor, "user.manage")
    _check_user(tx, actor, str(user_id))
    row = tx.execute(
        "delete from user_patient where user_id = %s and patient_fk = %s returning 1", (user_id, patient)
    ).fetchone()
    if row is None:
        raise Absent("no such patient", code="no_patient")
    note(tx, actor, "user.is_not_patient", {"user": str(user_id), "patient": patient})


def set_projects(tx: Tx, actor: Actor, user_id: UUID, projects: list[str]) -> None:
    """The projects that a person belongs to, in place of all before."""
    require(actor, "user.manage")
    _check_user(tx, actor, str(user_id))
    wanted = sorted({name.strip() for name in projects if name.strip()})
    if any(len(name) > 128 or not name.isprintable() for name in wanted):
        raise Invalid("a project's name has 1 to 128 printable characters", code="bad_name")
    tx.execute(
        "delete from project_member where tenant_id = %s and user_id = %s and not project = any(%s)",
        (actor.tenant_id, user_id, wanted),
    )
    tx.execute(
        "insert into project_member (tenant_id, project, user_id) select %s, unnest(%s::text[]), %s on conflict do nothing",
        (actor.tenant_id, wanted, user_id),
    )
    note(tx, actor, "user.projects_set", {"user": str(user_id)}, detail={"projects": wanted})


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
