"""Who may see what: the rules, their versions, why, and what they speak of (sites, ties, restrictions)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.features.access.rules import read_rules
from heliograph.features.access.vocabulary import VOCABULARY
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, ServicesDep

router = APIRouter(tags=["policy"])


class RuleBody(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    effect: str = Field(max_length=16)
    actions: list[str] = Field(max_length=16)
    when: str = Field(max_length=8000)
    breakable: bool = False


class NewPolicy(BaseModel):
    rules: list[RuleBody] = Field(max_length=200)
    comment: str = Field(max_length=1000)
    expected_version: int = Field(ge=0)


class RulesToCheck(BaseModel):
    rules: list[RuleBody] = Field(max_length=200)


class Question(BaseModel):
    user_id: UUID
    study_id: str = Field(max_length=18)


class NewSite(BaseModel):
    name: str = Field(min_length=1, max_length=64)
    timezone: str = Field(default="", max_length=64)


class NewDepartment(BaseModel):
    name: str = Field(min_length=1, max_length=64)


class Place(BaseModel):
    everywhere: bool | None = None
    site_ids: list[int] | None = Field(default=None, max_length=1000)
    department_ids: list[int] | None = Field(default=None, max_length=1000)
    clearances: list[str] | None = Field(default=None, max_length=10)


class Tie(BaseModel):
    tie: str = Field(max_length=16)
    subject: str = Field(min_length=1, max_length=128)
    until: datetime | None = None


class Restriction(BaseModel):
    restriction: str = Field(max_length=32)


@router.get("/policy")
def policy(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """The rules in force, every version, and the names that conditions may use."""
    with services.database.transaction() as tx:
        versions = access.policy_versions(tx, actor)
        current = access.current_policy(tx, actor)
    names = [{"name": name, "kind": str(field.kind), "docs": field.docs} for name, field in VOCABULARY.fields.items()]
    return {
        "version": current.version, "rules": [rule.as_record() for rule in current.rules], "versions": versions, "names": names,
    }  # fmt: skip


@router.post("/policy", status_code=201)
def save(body: NewPolicy, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """A further version, in force within two seconds."""
    with services.database.transaction() as tx:
        saved = access.save_policy(
            tx,
            actor,
            [rule.model_dump() for rule in body.rules],
            comment=body.comment,
            expected_version=body.expected_version,
        )
    return {"version": saved.version}


@router.post("/policy/check")
def check(body: RulesToCheck, actor: ActorDep) -> dict[str, Any]:
    """Whether rules can be read, without saving them; 422 names the rule and the place."""
    access.require(actor, "policy.manage")
    return {"rules": [rule.as_record() for rule in read_rules([rule.model_dump() for rule in body.rules])]}


@router.post("/policy/explain")
def explain(body: Question, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Why a person can or cannot see a study."""
    with services.database.transaction() as tx:
        access.require(actor, "policy.manage")
        asked = access.actor_of_user(tx, actor, body.user_id)
        return access.explain_access(tx, actor, asked, number_of(body.study_id))


@router.get("/sites")
def sites(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Sites of the organisation with their departments."""
    access.require(actor, "site.manage")
    with services.database.transaction() as tx:
        return {"items": access.sites(tx, actor)}


@router.post("/sites", status_code=201)
def add_site(body: NewSite, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Adds a site."""
    with services.database.transaction() as tx:
        return {"id": access.add_site(tx, actor, body.name, timezone=body.timezone)}


@router.post("/sites/{site_id}/departments", status_code=201)
def add_department(site_id: int, body: NewDepartment, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Adds a department to a site."""
    with services.database.transaction() as tx:
        return {"id": access.add_department(tx, actor, site_id, body.name)}


@router.post("/users/{user_id}/place")
def place(user_id: UUID, body: Place, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Where a person works and which restricted patients are not withheld from it."""
    with services.database.transaction() as tx:
        access.place_user(
            tx, actor, user_id, everywhere=body.everywhere, site_ids=body.site_ids, department_ids=body.department_ids, clearances=body.clearances,
        )  # fmt: skip
    return {"id": str(user_id)}


@router.post("/users/{user_id}/is-patient/{patient}")
def is_patient(user_id: UUID, patient: str, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """This person is that patient: sees the own images as a patient, and not as staff."""
    with services.database.transaction() as tx:
        access.is_patient(tx, actor, user_id, number_of(patient))
    return {"id": str(user_id)}


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


@router.post("/patients/{patient}/restriction")
def restrict(patient: str, body: Restriction, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Marks a patient as vip, staff or confidential; empty takes the mark away."""
    with services.database.transaction() as tx:
        access.restrict_patient(tx, actor, number_of(patient), body.restriction)
    return {"id": patient}
