"""DICOM JSON (PS3.18 F) asked by keyword, as a header is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from heliograph.standards.dicom import tags


class JsonSet:
    """One instance's attributes: those of its own over those that its series shares."""

    __slots__ = ("_layers",)

    def __init__(self, *layers: Mapping[str, Any]) -> None:
        self._layers = layers

    def _values(self, keyword: str) -> list[Any]:
        key = f"{tags.tag_of(keyword):08X}"
        for layer in self._layers:
            element = layer.get(key)
            if isinstance(element, Mapping):
                values = element.get("Value")
                return values if isinstance(values, list) else []
        return []

    def has(self, keyword: str) -> bool:
        key = f"{tags.tag_of(keyword):08X}"
        return any(key in layer for layer in self._layers)

    def texts(self, keyword: str) -> tuple[str, ...]:
        return tuple(str(value).strip() for value in self._values(keyword) if isinstance(value, str | int | float))

    def text(self, keyword: str) -> str:
        return next(iter(self.texts(keyword)), "")

    def numbers(self, keyword: str) -> tuple[float, ...]:
        found = []
        for text in self.texts(keyword):
            try:
                value = float(text)
            except ValueError:
                continue
            if math.isfinite(value):
                found.append(value)
        return tuple(found)

    def number(self, keyword: str) -> float | None:
        return next(iter(self.numbers(keyword)), None)

    def integer(self, keyword: str) -> int | None:
        value = self.number(keyword)
        return None if value is None else int(value)

    def sequence(self, keyword: str) -> tuple[JsonSet, ...]:
        return tuple(JsonSet(item) for item in self._values(keyword) if isinstance(item, Mapping))
