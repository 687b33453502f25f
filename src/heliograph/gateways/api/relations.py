"""What a person, a study and a patient are to each other: ties, restrictions, projects, and people who are patients."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep
from heliograph.gateways.http.auth import authenticator_of, rules_of
from heliograph.gateways.http.reads import ReadsDep

router = APIRouter(tags=["policy"])


class Tie(BaseModel):
    tie: str = Field(max_length=16)
    subject: str = Field(min_length=1, max_length=128)
    until: datetime | None = None


class Restriction(BaseModel):
    restriction: str = Field(max_length=32)
    reason: str = Field(default="", max_length=500)


class PatientLookup(BaseModel):
    patient_id: str = Field(min_length=1, max_length=64)


class Projects(BaseModel):
    projects: list[str] = Field(max_length=200)


@router.get("/users/{user_id}")
def person(user_id: UUID, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """One person: places, clearances, what it is to patients, studies and projects, and the state of the account."""
    with services.database.transaction() as tx:
        return access.person(tx, actor, user_id, rules_of(services.settings).lockout)


@router.post("/users/{user_id}/is-patient/{patient}")
def is_patient(
    user_id: UUID, patient: str, request: Request, actor: FreshActorDep, services: ServicesDep
) -> dict[str, Any]:
    """This person is that patient: sees the own images as a patient, and not as staff."""
    with services.database.transaction() as tx:
        access.is_patient(tx, actor, user_id, number_of(patient))
    authenticator_of(request).forget_all()
    return {"id": str(user_id)}


@router.delete("/users/{user_id}/is-patient/{patient}", status_code=204)
def is_not_patient(user_id: UUID, patient: str, request: Request, actor: FreshActorDep, services: ServicesDep) -> None:
    """This person is not that patient."""
    with services.database.transaction() as tx:
        access.is_not_patient(tx, actor, user_id, number_of(patient))
    authenticator_of(request).forget_all()


@router.put("/users/{user_id}/projects")
def set_projects(
    user_id: UUID, body: Projects, request: Request, actor: FreshActorDep, services: ServicesDep
) -> dict[str, Any]:
    """The projects that a person belongs to."""
    with services.database.transaction() as tx:
        access.set_projects(tx, actor, user_id, body.projects)
    authenticator_of(request).forget_all()
    return {"id": str(user_id)}


@router.get("/studies/{study_id}/ties")
def ties(study_id: str, actor: ActorDep, services: ServicesDep, reads: ReadsDep) -> dict[str, Any]:
    """Where a study stands, how its patient is marked, and who is related to it."""
    number = number_of(study_id)
    with services.database.transaction() as tx:
        found = access.ties_of_study(tx, actor, number)
    reads.note(actor, "study.read", {"study": number})
    return found


@router.post("/studies/{study_id}/ties", status_code=201)
def tie(study_id: str, body: Tie, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Relates a study to a person or a project."""
    with services.database.transaction() as tx:
        access.tie_study(tx, actor, number_of(study_id), body.tie, body.subject, until=body.until)
    return {"id": study_id}


@router.post("/studies/{study_id}/ties/remove")
def untie(study_id: str, body: Tie, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Takes a relation away."""
    with services.database.transaction() as tx:
        access.untie_study(tx, actor, number_of(study_id), body.tie, body.subject)
    return {"id": study_id}


@router.get("/patients/restricted")
def restricted(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Every restricted patient, for who marks them."""
    with services.database.transaction() as tx:
        return {"items": access.restricted_patients(tx, actor)}


@router.post("/patients/find")
def find(body: PatientLookup, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Patients of exactly this identifier. A POST, so that it never stands in an address."""
    with services.database.transaction() as tx:
        return {"items": access.find_patients(tx, actor, body.patient_id)}


@router.post("/patients/{patient}/restriction")
def restrict(patient: str, body: Restriction, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """Marks a patient as vip, staff or confidential; empty takes the mark away."""
    with services.database.transaction() as tx:
        access.restrict_patient(tx, actor, number_of(patient), body.restriction, body.reason)
    return {"id": patient}
