"""How studies hang."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict

from tools.reference.answers._answer import Answer

Layer = Literal["shipped", "site", "role", "user"]


class ProtocolInForce(Answer):
    """`document` is of the shape that `GET /api/hanging/schema` tells."""

    layer: Layer
    document: dict[str, Any]


class ProtocolsInForce(Answer):
    items: list[ProtocolInForce]


class StoredProtocol(ProtocolInForce):
    id: str
    role: str
    enabled: bool
    version: int
    changed_at: datetime | None
    changed_by: str


class LayeredProtocol(StoredProtocol):
    """A shipped one has no id and cannot be changed, only covered."""

    can_edit: bool


class ProtocolLayers(Answer):
    items: list[LayeredProtocol]


class ProtocolSchema(Answer):
    """JSON Schema (2020-12) of `document`."""

    model_config = ConfigDict(extra="allow")

    title: str
    type: str


class AsGood(Answer):
    protocol: str
    count: int


class OftenEmpty(Answer):
    selector: str
    count: int


class LintedProtocol(Answer):
    protocol: str
    name: str
    layer: Layer
    fits: int
    wins: int
    panes_filled: int
    panes_empty: int
    series_left_out: int
    as_good: list[AsGood]
    often_empty: list[OftenEmpty]


class Unmatched(Answer):
    what: str
    count: int


class Linted(Answer):
    """`without_facts`: studies of which no hanging facts are kept yet, and which were not looked at."""

    studies: int
    without_facts: int
    protocols: list[LintedProtocol]
    unmatched: list[Unmatched]
