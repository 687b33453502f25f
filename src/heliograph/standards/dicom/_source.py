"""One way to ask for attributes, whether they come from a scanned header or from DICOM JSON (PS3.18 F)."""

from __future__ import annotations

import base64
import binascii
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from heliograph.standards.dicom import tags

Key = str | int  # keyword, or the tag of a repeating group
BulkReader = Callable[[str], bytes]
PIXEL_KEYWORDS = {0x7FE00010: "PixelData", 0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}
MAX_INLINE = 64 << 20


class ScannedAttributes(Protocol):
    """Items and headers as `standards.dicom.values.Attributes` answers."""

    def find(self, tag: int) -> tuple[str, bytes, bool] | None: ...
    def values_at(self, tag: int) -> tuple[str | int | float, ...]: ...
    def sequence(self, keyword: str) -> Sequence[ScannedAttributes]: ...


class ScannedHeader(ScannedAttributes, Protocol):
    @property
    def pixel_tag(self) -> int | None: ...


class Source(ABC):
    """Lenient access to attributes; `values` and `raw` are what the two kinds must answer."""

    pixel_keyword = "PixelData"

    @abstractmethod
    def values(self, key: Key) -> Sequence[object]:
        """Decoded values; () when absent."""

    @abstractmethod
    def raw(self, key: Key) -> bytes | None:
        """Bytes in little-endian order."""

    @abstractmethod
    def items(self, key: str) -> Sequence[Source]:
        """Items of a sequence."""

    def texts(self, key: Key) -> tuple[str, ...]:
        return tuple(value.strip(" \0") if isinstance(value, str) else str(value) for value in self.values(key))

    def text(self, key: Key) -> str:
        texts = self.texts(key)
        return texts[0] if texts else ""

    def numbers(self, key: Key) -> tuple[float, ...]:
        """All values, or none when one of them is not a finite number."""
        found = [_number(value) for value in self.values(key)]
        return tuple(value for value in found if value is not None) if None not in found else ()

    def number(self, key: Key) -> float | None:
        values = self.values(key)
        return _number(values[0]) if values else None

    def integer(self, key: Key) -> int | None:
        value = self.number(key)
        return None if value is None else int(value)


def _number(value: object) -> float | None:
    if isinstance(value, int | float):
        number = float(value)
    elif isinstance(value, str) and len(value) <= 64:
        try:
            number = float(value.strip(" \0"))
        except ValueError:
            return None
    else:
        return None
    return number if math.isfinite(number) else None


def tag_of(key: Key) -> int:
    return key if isinstance(key, int) else tags.tag_of(key)


class HeaderSource(Source):
    """Over a scanned header or one of its items."""

    def __init__(self, attributes: ScannedAttributes, pixel_tag: int | None = None) -> None:
        self._attributes = attributes
        tag = pixel_tag or getattr(attributes, "pixel_tag", None) or 0x7FE00010
        self.pixel_keyword = PIXEL_KEYWORDS.get(tag, "PixelData")

    def values(self, key: Key) -> Sequence[object]:
        return self._attributes.values_at(tag_of(key))

    def raw(self, key: Key) -> bytes | None:
        found = self._attributes.find(tag_of(key))
        if found is None:
            return None
        vr, data, is_little = found
        if not is_little and vr not in ("OB", "UN"):
            return np.frombuffer(data[: len(data) // 2 * 2], ">u2").astype("<u2").tobytes()
        return bytes(data)

    def items(self, key: str) -> Sequence[Source]:
        return [HeaderSource(item) for item in self._attributes.sequence(key)]


class JsonSource(Source):
    """Over a DICOM JSON object; absent and malformed members answer as empty."""

    def __init__(self, attributes: Mapping[str, Any], bulk: BulkReader | None = None) -> None:
        self._attributes, self._bulk = attributes, bulk
        for tag, keyword in PIXEL_KEYWORDS.items():
            if f"{tag:08X}" in attributes:
                self.pixel_keyword = keyword

    def _member(self, key: Key) -> Mapping[str, Any]:
        member = self._attributes.get(f"{tag_of(key):08X}")
        return member if isinstance(member, Mapping) else {}

    def values(self, key: Key) -> Sequence[object]:
        values = self._member(key).get("Value")
        return values if isinstance(values, list) else ()

    def raw(self, key: Key) -> bytes | None:
        member = self._member(key)
        inline, uri = member.get("InlineBinary"), member.get("BulkDataURI")
        if isinstance(inline, str) and len(inline) <= MAX_INLINE:
            try:
                return base64.b64decode(inline, validate=True)
            except (binascii.Error, ValueError):
                return None
        if isinstance(uri, str) and self._bulk is not None:
            return self._bulk(uri)
        numbers = self.numbers(key)
        if not numbers:
            return None
        return (np.array(numbers, np.float64).astype(np.int64) & 0xFFFF).astype("<u2").tobytes()

    def items(self, key: str) -> Sequence[Source]:
        return [JsonSource(item, self._bulk) for item in self.values(key) if isinstance(item, Mapping)]
