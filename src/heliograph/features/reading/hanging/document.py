"""The shape of a hanging protocol: data, bounded, checked before it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from heliograph.kit.errors import Invalid

MOST_BYTES = 64 << 10
MOST_SIDE = 5

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Word = Annotated[str, Field(max_length=64)]
Operand = bool | int | float | Word


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False)


class Constraint(_Strict):
    """One comparison; a list of values holds it when any of them does. Absent values hold none but `exists: false`."""

    equals: Operand | None = None
    one_of: Annotated[list[Operand], Field(min_length=1, max_length=64)] | None = None
    contains: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    starts_with: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    greater_than: float | None = None
    less_than: float | None = None
    exists: bool | None = None
    negate: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        stated = [name for name in type(self).model_fields if name != "negate" and getattr(self, name) is not None]
        if len(stated) != 1:
            raise ValueError("a constraint has exactly one comparison")
        return self


class Rule(_Strict):
    attribute: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    constraint: Constraint
    weight: int = Field(default=1, ge=0, le=1000)
    required: bool = False


Rules = Annotated[list[Rule], Field(max_length=32)]


class Selector(_Strict):
    """Which series, or with `image_matching_rules` which single images, of the study or of an earlier one (never of a later: guard 7)."""

    study: Literal["current", "prior"] = "current"
    prior_index: int = Field(default=0, ge=0, le=4)
    series_matching_rules: Rules = []
    image_matching_rules: Rules | None = None


class Voi(_Strict):
    """A named window of the viewer, or a centre and width."""

    preset: Annotated[str, Field(pattern=r"^[a-z]{1,20}$")] | None = None
    center: float | None = None
    width: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.preset is None) == (self.center is None or self.width is None):
            raise ValueError("a window is a preset, or center and width")
        return self


class Options(_Strict):
    voi: Voi | None = None
    invert: bool | None = None


class DisplaySet(_Strict):
    id: Slug
    matched_display_sets_index: int = Field(default=0, ge=0, le=63)
    options: Options = Options()


class ViewportOptions(_Strict):
    initial_image: Literal["first", "middle", "last"] = "first"
    sync_groups: Annotated[list[Slug], Field(max_length=4)] = []
    align: Literal["left", "center", "right"] = "center"
    """The side of the pane at which the chest wall lies; the picture is mirrored when it lies otherwise."""


class Viewport(_Strict):
    display_sets: Annotated[list[DisplaySet], Field(min_length=1, max_length=1)]
    otherwise: Annotated[list[DisplaySet], Field(max_length=4)] = []
    viewport_options: ViewportOptions = ViewportOptions()


class Area(_Strict):
    row: int = Field(ge=0, lt=MOST_SIDE)
    column: int = Field(ge=0, lt=MOST_SIDE)
    rows: int = Field(default=1, ge=1, le=MOST_SIDE)
    columns: int = Field(default=1, ge=1, le=MOST_SIDE)


class Structure(_Strict):
    rows: int = Field(ge=1, le=MOST_SIDE)
    columns: int = Field(ge=1, le=MOST_SIDE)
    areas: Annotated[list[Area], Field(max_length=25)] | None = None
    keep_empty: bool = False


class Stage(_Strict):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    requires: Annotated[list[Slug], Field(max_length=16)] = []
    viewport_structure: Structure
    viewports: Annotated[list[Viewport], Field(min_length=1, max_length=25)]
    same_scale: bool = False
    """All pictures of the stage as large in the patient as each other."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        shape = self.viewport_structure
        places = shape.rows * shape.columns if shape.areas is None else len(shape.areas)
        if len(self.viewports) > places:
            raise ValueError("more viewports than places")
        taken: set[tuple[int, int]] = set()
        for area in shape.areas or ():
            cells = {(row, column) for row in range(area.row, area.row + area.rows) for column in range(area.column, area.column + area.columns)}  # fmt: skip
            if taken & cells or any(row >= shape.rows or column >= shape.columns for row, column in cells):
                raise ValueError("areas overlap or leave the grid")
            taken |= cells
        return self


class Protocol(_Strict):
    id: Slug
    name: Annotated[str, Field(min_length=1, max_length=80)]
    priority: int = Field(default=0, ge=-100, le=100)
    protocol_matching_rules: Rules = []
    number_of_priors_referenced: int = Field(default=0, ge=0, le=4)
    display_set_selectors: Annotated[dict[Slug, Selector], Field(min_length=1, max_length=64)]
    stages: Annotated[list[Stage], Field(min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        for stage in self.stages:
            used = {one.id for viewport in stage.viewports for one in (*viewport.display_sets, *viewport.otherwise)}
            if unknown := sorted((used | set(stage.requires)) - set(self.display_set_selectors)):
                raise ValueError(f"no selector named {unknown[0]}")
        for selector in self.display_set_selectors.values():
            if selector.study == "prior" and selector.prior_index >= self.number_of_priors_referenced:
                raise ValueError("a selector asks for a prior that is not referenced")
        return self


def checked(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with what it leaves out filled in; raises Invalid with the place and the reason of the first fault."""
    if len(json.dumps(document)) > MOST_BYTES:
        raise Invalid(f"a hanging protocol is at most {MOST_BYTES} bytes", code="bad_protocol")
    try:
        return Protocol.model_validate(document).model_dump(exclude_none=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"]) or "protocol"
        raise Invalid(f"{place}: {fault['msg'].removeprefix('Value error, ')}", code="bad_protocol") from None


def schema() -> dict[str, Any]:
    """The same as JSON Schema (2020-12)."""
    return Protocol.model_json_schema()
