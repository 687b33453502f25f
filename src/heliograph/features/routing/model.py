"""Values of routing and its pure decisions: when to try again, which rule applies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

SendState = Literal["queued", "sending", "waiting", "done", "failed", "cancelled"]
OPEN_STATES: tuple[SendState, ...] = ("queued", "sending", "waiting")

# Seconds before the next attempt; the last one is repeated until the limit.
BACK_OFF_S: tuple[float, ...] = (10.0, 30.0, 120.0, 600.0, 3600.0)
MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Node:
    """Another node that speaks DICOM."""

    id: UUID
    tenant_id: int
    name: str
    aet: str
    host: str
    port: int
    tls: bool = False
    tls_fingerprint: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": str(self.id), "name": self.name, "aet": self.aet, "host": self.host, "port": self.port, "kind": "dimse", "tls": self.tls,
            "tls_fingerprint": self.tls_fingerprint,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """Settled studies of these modalities from these devices go to this node; an empty list means all."""

    id: UUID
    name: str
    enabled: bool
    node_id: UUID
    modalities: tuple[str, ...]
    device_ids: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "id": str(self.id), "name": self.name, "enabled": self.enabled, "node_id": str(self.node_id),
            "modalities": list(self.modalities), "device_ids": [str(one) for one in self.device_ids],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Send:
    """One study or series on its way to a node. `sent_through` is the last instance id that was answered."""

    id: UUID
    tenant_id: int
    study_id: int
    series_id: int | None
    node: Node
    state: str
    done: int
    total: int
    failed: int
    attempts: int
    sent_through: int
    next_attempt_at: datetime | None
    error: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One object that a send has still to bring: what it is and where its bytes are."""

    instance_id: int
    sop_class_uid: str
    sop_uid: str
    transfer_syntax_uid: str
    blob: str
    size_bytes: int
    prefix_bytes: int


def wait_s(attempts: int) -> float | None:
    """Seconds until the attempt after this many; None when it is time to give up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return BACK_OFF_S[min(max(attempts, 1), len(BACK_OFF_S)) - 1]


def applies(rule: Rule, node: Node, modalities: Sequence[str], device_ids: Sequence[int], source: str) -> bool:
    """Whether a settled study goes by this rule; never back to where it came from."""
    if not rule.enabled or node.aet == source:
        return False
    if rule.modalities and not set(rule.modalities) & set(modalities):
        return False
    return not rule.device_ids or bool(set(rule.device_ids) & set(device_ids))


def counted(counts: Mapping[str, int]) -> str:
    """Reasons of refusals in words, most frequent first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return "; ".join(f"{number} x {reason}" for reason, number in ordered[:3])
