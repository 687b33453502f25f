"""What the C-STORE service needs from whoever keeps the objects."""

from dataclasses import dataclass
from typing import Protocol

from heliograph.gateways.dimse.association import Peer


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One C-STORE-RQ: the UIDs of its command and the transfer syntax of its presentation context."""

    peer: Peer
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """Status and error comment of a C-STORE-RSP (PS3.4 B.2.3)."""

    status: int
    comment: str = ""


class Sink(Protocol):
    """Takes the data set of one object; errors of kit.errors become a failure status, and the association goes on."""

    def write(self, data: memoryview) -> None: ...
    def finish(self) -> StoreAnswer: ...
    def abandon(self) -> None: ...


class Receiver(Protocol):
    """Belongs to one association and its thread."""

    def begin(self, request: StoreRequest) -> Sink: ...
    def close(self) -> None: ...
