"""Who may see what: the rules, their versions, what a change would do, and why somebody sees a study or not."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from heliograph.features import access
from heliograph.features.access.rules import checked
from heliograph.features.access.vocabulary import VOCABULARY
from heliograph.gateways.api.studies import number_of
from heliograph.gateways.http import ActorDep, FreshActorDep, ServicesDep

router = APIRouter(tags=["policy"])


class RuleBody(BaseModel):
    name: str = Field(max_length=64)
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


class Lookup(BaseModel):
    """A patient's identifier, an accession number or a study UID, exactly."""

    text: str = Field(min_length=1, max_length=64)


@router.get("/policy")
def policy(actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """The rules in force, every version, and the names that conditions may use."""
    with services.database.transaction() as tx:
        versions = access.policy_versions(tx, actor)
        current = access.current_policy(tx, actor)
    names = [{"name": name, "kind": str(field.kind), "docs": field.docs} for name, field in VOCABULARY.fields.items()]
    return {
        "version": current.version, "rules": [rule.as_told() for rule in current.rules], "versions": versions, "names": names,
    }  # fmt: skip


@router.post("/policy", status_code=201)
def save(body: NewPolicy, actor: FreshActorDep, services: ServicesDep) -> dict[str, Any]:
    """A further version, in force within two seconds."""
    with services.database.transaction() as tx:
        saved = access.save_policy(
            tx, actor, [rule.model_dump() for rule in body.rules], comment=body.comment, expected_version=body.expected_version,
        )  # fmt: skip
    return {"version": saved.version}


@router.post("/policy/check")
def check(body: RulesToCheck, actor: ActorDep) -> dict[str, Any]:
    """Whether rules can be read, without saving them: each as a tree, null for one that cannot be, and every problem with its rule and its
    place."""
    access.require(actor, "policy.manage")
    rules, problems = checked([rule.model_dump() for rule in body.rules])
    return {"rules": [rule.as_told() if rule else None for rule in rules], "problems": problems}


@router.post("/policy/preview")
def preview(body: RulesToCheck, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Who would see more or fewer of the studies that are here, before the rules are saved."""
    with services.database.transaction() as tx:
        return access.preview(tx, actor, [rule.model_dump() for rule in body.rules])


@router.post("/policy/explain")
def explain(body: Question, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Why a person can or cannot see a study."""
    with services.database.transaction() as tx:
        access.require(actor, "policy.manage")
        asked = access.actor_of_user(tx, actor, body.user_id)
        return access.explain_access(tx, actor, asked, number_of(body.study_id))


@router.post("/policy/studies")
def studies(body: Lookup, actor: ActorDep, services: ServicesDep) -> dict[str, Any]:
    """Studies to ask about, also those that who asks may not see: their ids and what tells them apart."""
    with services.database.transaction() as tx:
        return {"items": access.find_studies(tx, actor, body.text)}
