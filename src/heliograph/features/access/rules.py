"""The policy of one organisation: rules in the condition language, in two forms that mean the same.

A study is there for an actor when some `allow` rule says yes and no `withhold` rule does. Breaking the glass for a patient lifts
the withholding rules that say they are breakable. `allows` is the meaning; `predicate` is the same as SQL over rows that nobody has
read yet.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from heliograph.engine.rules import (
    FALSE,
    AllOf,
    AnyOf,
    Explained,
    Node,
    Not,
    Sql,
    Value,
    condition,
    evaluate,
    explain,
    fold,
    parse,
    to_json,
    to_sql,
    to_text,
)
from heliograph.features.access.vocabulary import RESTRICTIONS, VOCABULARY
from heliograph.kit.errors import Invalid

Action = Literal["study.read", "study.export"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
Effect = Literal["allow", "withhold"]
_EMERGENCY: Final = parse("study.patient in principal.emergencies")
_MOST_RULES = 200
_NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Rule:
    """`name` is shown where the rule explains something."""

    name: str
    effect: Effect
    actions: tuple[Action, ...]
    when: Node
    breakable: bool = False

    def as_record(self) -> dict[str, Any]:
        return {
            "name": self.name, "effect": self.effect, "actions": list(self.actions), "when": to_text(self.when), "breakable": self.breakable,
        }  # fmt: skip

    def as_told(self) -> dict[str, Any]:
        """The same with the condition as a tree, for who shows it in words."""
        return self.as_record() | {"tree": to_json(self.when)}


class Policy:
    """Checked rules and their version; 0 is what the program brings. Compared by identity of content: tenant and version."""

    __slots__ = ("_key", "rules", "version")

    def __init__(self, rules: tuple[Rule, ...], *, version: int = 0, tenant_id: int = 0) -> None:
        self.rules = rules
        self.version = version
        self._key = (tenant_id, version) if version else (0, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def of(self, effect: Effect, action: Action) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.effect == effect and action in rule.actions)


def read_rules(records: Any) -> tuple[Rule, ...]:
    """Rules as they are written down. Raises Invalid that names the rule."""
    if not isinstance(records, list) or len(records) > _MOST_RULES:
        raise Invalid(f"rules must be a list of {_MOST_RULES} at most", code="bad_policy")
    rules = tuple(_read(record) for record in records)
    if len({rule.name for rule in rules}) != len(rules):
        raise Invalid("two rules have one name", code="bad_policy")
    if not any(rule.effect == "allow" for rule in rules):
        raise Invalid("without an allow rule nobody could see anything", code="bad_policy")
    return rules


def checked(records: list[dict[str, Any]]) -> tuple[list[Rule | None], list[dict[str, Any]]]:
    """Every rule that can be read, None where one cannot, and everything that keeps them from being saved, for who writes them: which rule,
    and where in its condition when that is known."""
    rules: list[Rule | None] = []
    found = []
    for index, record in enumerate(records):
        try:
            rules.append(_read(record))
        except Invalid as error:
            rules.append(None)
            found.append({"rule": index, "at": error.detail.get("at"), "code": error.code, "message": error.message})
    if not found:
        try:
            read_rules(records)
        except Invalid as error:
            found.append({"rule": None, "at": None, "code": error.code, "message": error.message})
    return rules, found


def _place(when: str, error: Invalid) -> dict[str, Any]:
    """Where in the condition, when the error knows, or names the word that it does not know."""
    if "at" in error.detail:
        return {"at": error.detail["at"]}
    at = when.find(str(error.detail["word"])) if "word" in error.detail else -1
    return {"at": at} if at >= 0 else {}


def _read(record: Any) -> Rule:
    if not isinstance(record, dict):
        raise Invalid("a rule must be an object with name, effect, actions and when", code="bad_policy")
    name = record.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= _NAME_LENGTH or not name.isprintable():
        raise Invalid(f"name must have 1 to {_NAME_LENGTH} printable characters", code="bad_policy")
    effect, actions, when = _effect(name, record.get("effect")), record.get("actions"), record.get("when")
    if not isinstance(actions, list) or not actions or set(actions) - set(ACTIONS):
        raise Invalid(f"{name}: actions must be of: {', '.join(ACTIONS)}", code="bad_policy")
    if not isinstance(when, str):
        raise Invalid(f"{name}: when must be a condition", code="bad_policy")
    try:
        node = condition(when, VOCABULARY)
    except Invalid as error:
        raise Invalid(f"{name}: {error.message}", code=error.code, **_place(when, error)) from None
    return Rule(name, effect, tuple(actions), node, bool(record.get("breakable", False)) and effect == "withhold")


def _effect(name: str, word: Any) -> Effect:
    if word == "allow":
        return "allow"
    if word == "withhold":
        return "withhold"
    raise Invalid(f"{name}: effect must be allow or withhold", code="bad_policy")


_STAFF = "overlaps(principal.roles, ['admin', 'radiologist', 'technologist', 'viewer'])"
_HERE = "(principal.everywhere || study.site in principal.sites)"
_RELATED = "principal.id in study.readers || ('patient' in principal.roles && study.patient in principal.patients)"

DEFAULT: Final = Policy(read_rules([
    {
        "name": "staff of the site", "effect": "allow", "actions": ["study.read", "study.export"],
        "when": f"principal.kind == 'user' && {_STAFF} && {_HERE} "
        "&& (!principal.limited_to_departments || study.department in principal.departments)",
    },
    {
        "name": "programs and devices of the site", "effect": "allow", "actions": ["study.read", "study.export"],
        "when": f"principal.kind in ['token', 'device', 'system'] && {_HERE}",
    },
    {"name": "assigned reader", "effect": "allow", "actions": ["study.read", "study.export"], "when": "principal.kind == 'user' && principal.id in study.readers"},
    {
        "name": "referrer of the patient", "effect": "allow", "actions": ["study.read", "study.export"],
        "when": "'referrer' in principal.roles && principal.id in study.referrers",
    },
    {
        "name": "the patient", "effect": "allow", "actions": ["study.read", "study.export"],
        "when": "'patient' in principal.roles && study.patient in principal.patients",
    },
    {"name": "guest", "effect": "allow", "actions": ["study.read"], "when": "'guest' in principal.roles && principal.id in study.guests"},
    {
        "name": "member of a project", "effect": "allow", "actions": ["study.read"],
        "when": "'researcher' in principal.roles && purpose == 'RESEARCH' && overlaps(study.projects, principal.projects)",
    },
    {"name": "emergency", "effect": "allow", "actions": ["study.read", "study.export"], "when": f"{_STAFF} && {to_text(_EMERGENCY)}"},
    {
        "name": "restricted patient", "effect": "withhold", "actions": ["study.read", "study.export"], "breakable": True,
        "when": f"principal.kind == 'user' && overlaps(study.restrictions, principal.uncleared) && !({_RELATED})",
    },
    {
        "name": "own record", "effect": "withhold", "actions": ["study.read", "study.export"], "breakable": True,
        "when": "principal.kind == 'user' && study.patient in principal.patients && !('patient' in principal.roles)",
    },
]))  # fmt: skip


def visible_node(policy: Policy, action: Action) -> Node:
    """When a study is there."""
    return AllOf((AnyOf(_allowing(policy, action)), Not(AnyOf(_withholding(policy, action)))))


def withheld_node(policy: Policy, action: Action) -> Node:
    """When a study would be there if the glass were broken: what a treating reader is told the number of (safety guard 10)."""
    breakable = tuple(_lifted(rule) for rule in policy.of("withhold", action) if rule.breakable)
    firm = tuple(rule.when for rule in policy.of("withhold", action) if not rule.breakable)
    return AllOf((AnyOf(_allowing(policy, action)), AnyOf((*breakable, FALSE)), Not(AnyOf((*firm, FALSE)))))


def _allowing(policy: Policy, action: Action) -> tuple[Node, ...]:
    return (*(rule.when for rule in policy.of("allow", action)), FALSE)


def _withholding(policy: Policy, action: Action) -> tuple[Node, ...]:
    return (*(_lifted(rule) for rule in policy.of("withhold", action)), FALSE)


def _lifted(rule: Rule) -> Node:
    return AllOf((rule.when, Not(_EMERGENCY))) if rule.breakable else rule.when


@dataclass(frozen=True, slots=True)
class Principal:
    """What is known of who asks, apart from permissions."""

    kind: str
    id: str
    roles: tuple[str, ...] = ()
    everywhere: bool = False
    sites: tuple[int, ...] = ()
    departments: tuple[int, ...] = ()
    clearances: tuple[str, ...] = ()
    patients: tuple[int, ...] = ()
    projects: tuple[str, ...] = ()
    emergencies: tuple[int, ...] = ()
    purpose: str = "TREAT"

    def values(self) -> dict[str, Value]:
        known: dict[str, Value] = {
            f"principal.{name}": getattr(self, name) for name in self.__slots__ if name != "purpose"
        }
        return known | {
            "principal.limited_to_departments": bool(self.departments),
            "principal.uncleared": tuple(kind for kind in RESTRICTIONS if kind not in self.clearances),
            "purpose": self.purpose,
        }


def allows(policy: Policy, principal: Principal, action: Action, study: Mapping[str, Value]) -> bool:
    """The reference: whether the study, given by the values of its names, is there for the principal."""
    return bool(evaluate(visible_node(policy, action), {**study, **principal.values()}))


@functools.lru_cache(maxsize=4096)
def predicate(policy: Policy, principal: Principal, action: Action, row: str, *, withheld: bool = False) -> Sql:
    """The same as SQL over `row`, an alias of the study table of our own code. The parameters must not be changed."""
    node = withheld_node(policy, action) if withheld else visible_node(policy, action)
    return to_sql(fold(node, principal.values()), VOCABULARY, row)


def explanation(
    policy: Policy, principal: Principal, action: Action, study: Mapping[str, Value]
) -> list[tuple[Rule, Explained]]:
    """Every rule of the action, and why it holds or not."""
    values = {**study, **principal.values()}
    return [(rule, explain(rule.when, values)) for rule in policy.rules if action in rule.actions]
