"""Actors, permissions, roles."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Permission = Literal[
    "study.read", "study.store", "study.export", "send.create", "node.query", "node.manage", "device.read", "device.manage",
    "quarantine.read", "quarantine.manage", "job.read", "job.manage", "alarm.read", "alarm.manage", "user.manage", "settings.read",
    "changes.read", "metrics.read", "audit.read",
]  # fmt: skip
ALL: frozenset[str] = frozenset(get_args(Permission))

ROLES: dict[str, frozenset[str]] = {
    "admin": ALL,
    "radiologist": frozenset({
        "study.read", "study.store", "study.export", "send.create", "node.query", "quarantine.read", "job.read", "alarm.read", "device.read",
    }),
    "technologist": frozenset({
        "study.read", "study.store", "study.export", "send.create", "node.query", "quarantine.read", "quarantine.manage", "job.read",
        "job.manage", "alarm.read", "device.read",
    }),
    "viewer": frozenset({"study.read"}),
}  # fmt: skip

DEVICE_RIGHTS: dict[str, frozenset[str]] = {
    "echo": frozenset(),
    "store": frozenset({"study.store"}),
    "find": frozenset({"study.read"}),
    "move": frozenset({"study.read", "study.export"}),
    "get": frozenset({"study.read", "study.export"}),
}


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

    def as_record(self) -> dict[str, Any]:
        """For audit rows."""
        return {"kind": self.kind, "id": self.id, "name": self.name, "address": self.address}

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.name}"


def system_actor(name: str, tenant_id: int = 1) -> Actor:
    """The program acting on its own account: a job, a recovery, a command on the console."""
    return Actor("system", name, name, tenant_id, ALL)
