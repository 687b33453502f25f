"""Actors, permissions, roles."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from heliograph.features.access.rules import DEFAULT, Policy, Principal

Permission = Literal[
    "study.read", "study.store", "study.export", "send.create", "node.query", "node.manage", "device.read", "device.manage",
    "quarantine.read", "quarantine.manage", "job.read", "job.manage", "alarm.read", "alarm.manage", "user.manage", "settings.read",
    "changes.read", "metrics.read", "audit.read", "glass.break", "glass.review", "restriction.manage", "policy.manage", "site.manage",
    "security.read", "tenant.manage", "workspace.manage", "study.mark",
]  # fmt: skip
# Beyond any organisation: of those who run the installation. No role of an organisation and no `all` has it.
OPERATING: frozenset[str] = frozenset({"tenant.manage"})
ALL: frozenset[str] = frozenset(get_args(Permission)) - OPERATING

# The organisation of those who run the installation; alone on most.
HOUSE = 1
# What tells of the installation, and so of others in it.
OF_HOUSE: frozenset[str] = OPERATING | {"settings.read", "metrics.read"}

# What concerns the whole organisation: somebody who belongs to some of its sites alone could widen the own rights with it.
HOUSE_WIDE: frozenset[str] = frozenset({
    "device.manage", "node.manage", "user.manage", "policy.manage", "site.manage", "restriction.manage", "settings.read",
    "audit.read", "security.read", "workspace.manage",
})  # fmt: skip

ROLES: dict[str, frozenset[str]] = {
    "admin": ALL,
    "radiologist": frozenset({
        "study.read", "study.store", "study.export", "send.create", "node.query", "quarantine.read", "job.read", "alarm.read", "device.read",
        "glass.break", "study.mark",
    }),
    "technologist": frozenset({
        "study.read", "study.store", "study.export", "send.create", "node.query", "quarantine.read", "quarantine.manage", "job.read",
        "job.manage", "alarm.read", "device.read", "glass.break", "study.mark",
    }),
    "viewer": frozenset({"study.read"}),
    "privacy": frozenset({"audit.read", "glass.review", "restriction.manage", "security.read"}),
    # Those below see what they are related to, by rule, and nothing else.
    "referrer": frozenset({"study.read", "study.export"}),
    "patient": frozenset({"study.read", "study.export"}),
    "guest": frozenset({"study.read"}),
    "researcher": frozenset({"study.read"}),
    "operator": OPERATING,
}  # fmt: skip

# Who has one of these belongs to every site of the organisation.
OF_ALL_SITES = frozenset({"admin", "privacy"})

DEVICE_RIGHTS: dict[str, frozenset[str]] = {
    "echo": frozenset(),
    "store": frozenset({"study.store"}),
    "find": frozenset({"study.read"}),
    "move": frozenset({"study.read", "study.export"}),
    "get": frozenset({"study.read", "study.export"}),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an actor belongs. Permissions say what it may do at all; with the organisation's policy this says to which studies.

    Made of nothing, it belongs nowhere and sees nothing. `home_site` is where what it brings is kept.
    """

    everywhere: bool = False
    sites: tuple[int, ...] = ()
    departments: tuple[int, ...] = ()
    clearances: tuple[str, ...] = ()
    patients: tuple[int, ...] = ()
    projects: tuple[str, ...] = ()
    emergencies: tuple[int, ...] = ()
    purpose: str = "TREAT"
    home_site: int = 1
    home_department: int = 0
    policy: Policy = DEFAULT


EVERYWHERE = Scope(everywhere=True)
UNKNOWN_SITE = 0  # the first of the organisation


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a person, a program, a device, an unregistered caller, or the system itself."""

    kind: Literal["user", "token", "device", "caller", "system"]
    id: str
    name: str
    tenant_id: int
    permissions: frozenset[str]
    address: str = ""
    roles: tuple[str, ...] = field(default=())
    scope: Scope = Scope()

    def as_record(self) -> dict[str, Any]:
        """For audit rows."""
        return {"kind": self.kind, "id": self.id, "name": self.name, "address": self.address}

    @property
    def principal(self) -> Principal:
        """What rules may know of it."""
        scope = self.scope
        return Principal(
            self.kind, self.id, self.roles, scope.everywhere, scope.sites, scope.departments, scope.clearances, scope.patients, scope.projects,
            scope.emergencies, scope.purpose,
        )  # fmt: skip

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.name}"


def system_actor(name: str, tenant_id: int = HOUSE, *, site: int | None = None) -> Actor:
    """The program acting on its own account: a job, a recovery, a command on the console. `site`: where it keeps what it brings."""
    scope = (
        EVERYWHERE if tenant_id == HOUSE and site is None else Scope(everywhere=True, home_site=site or UNKNOWN_SITE)
    )
    return Actor("system", name, name, tenant_id, ALL | OPERATING, scope=scope)
