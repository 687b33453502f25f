"""multipart/related both ways (RFC 2387): a bounded streaming reader of requests, and the seams of responses (trap 55, N18)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from heliograph.kit.errors import Invalid
from heliograph.kit.ids import new_secret

MOST_HEADER_BYTES: Final = 16 << 10
MOST_PARTS: Final = 100_000
_MOST_BOUNDARY: Final = 1024
_BOUNDARY: Final = re.compile(r';\s*boundary\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.IGNORECASE)
_TYPE: Final = re.compile(r';\s*type\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PartBegins:
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnds:
    pass


Event = PartBegins | PartData | PartEnds


def boundary_of(content_type: str) -> bytes:
    """The boundary, quoted or not, however long within reason; raises Invalid."""
    found = _BOUNDARY.search(content_type)
    text = _unquoted(found.group(1)) if found else ""
    if not text or len(text) > _MOST_BOUNDARY or not text.isascii() or "\r" in text or "\n" in text:
        raise Invalid("Content-Type needs a boundary", code="bad_multipart")
    return text.encode("ascii")


def type_of(content_type: str) -> str:
    """The root media type of a multipart request; "" when it is not given."""
    found = _TYPE.search(content_type)
    return _unquoted(found.group(1)).lower() if found else ""


def _unquoted(text: str) -> str:
    text = text.strip()
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if len(text) > 1 and text[0] == text[-1] == '"' else text


@dataclass(slots=True)
class MultipartReader:
    """Feeds on chunks and yields events. Holds back no more than a boundary or the headers of one part."""

    boundary: bytes
    parts: int = 0
    _buffer: bytearray = field(default_factory=lambda: bytearray(b"\r\n"))
    _state: str = "preamble"
    _delimiter: bytes = b""

    def __post_init__(self) -> None:
        self._delimiter = b"\r\n--" + self.boundary

    def feed(self, data: bytes) -> Iterator[Event]:
        self._buffer += data
        yield from self._run()

    def finish(self) -> Iterator[Event]:
        """The end of the body. A part whose final boundary is missing ends here; one without all its headers is an error."""
        if self._state == "headers":
            raise Invalid("the multipart body ends inside the headers of a part", code="bad_multipart")
        if self._state == "body":
            yield PartData(bytes(self._buffer))
            yield PartEnds()
        elif self._state == "preamble":
            raise Invalid("the multipart body has no part with this boundary", code="bad_multipart")
        self._buffer.clear()
        self._state = "done"

    def _run(self) -> Iterator[Event]:
        while True:
            if self._state in ("preamble", "body"):
                before = self._state
                events, goes_on = self._to_delimiter(in_part=self._state == "body")
                yield from events
                if not goes_on and self._state == before:
                    return
            elif self._state == "headers":
                begins = self._headers()
                if begins is None:
                    return
                yield begins
            else:
                self._buffer.clear()
                return

    def _to_delimiter(self, *, in_part: bool) -> tuple[list[Event], bool]:
        """Events up to the next delimiter; False when more data is needed."""
        buffer, delimiter = self._buffer, self._delimiter
        start = 0
        while True:
            found = buffer.find(delimiter, start)
            if found < 0:
                keep = max(0, len(buffer) - len(delimiter) + 1)
                return self._take(keep, in_part=in_part), False
            after = found + len(delimiter)
            line = bytes(buffer[after : after + 256])
            if line.startswith(b"--"):
                events = self._take(found, in_part=in_part)
                self._state = "done"
                return [*events, *([PartEnds()] if in_part else [])], True
            end = re.match(rb"[ \t]*\r\n", line)
            if end is not None:
                events = self._take(found, in_part=in_part)
                del buffer[: len(delimiter) + end.end()]
                self._state = "headers"
                return [*events, *([PartEnds()] if in_part else [])], True
            if re.fullmatch(rb"-?|[ \t]*\r?", line):  # the line is not all here yet
                return self._take(found, in_part=in_part), False
            start = found + 1  # the boundary only begins with ours: it belongs to the data

    def _take(self, length: int, *, in_part: bool) -> list[Event]:
        with memoryview(self._buffer) as view:
            data = bytes(view[:length])
        del self._buffer[:length]
        return [PartData(data)] if data and in_part else []

    def _headers(self) -> PartBegins | None:
        buffer = self._buffer
        if buffer.startswith(b"\r\n"):  # a part without headers
            del buffer[:2]
            return self._begin({})
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > MOST_HEADER_BYTES:
                raise Invalid("the headers of a part are too long", code="bad_multipart")
            return None
        if end > MOST_HEADER_BYTES:
            raise Invalid("the headers of a part are too long", code="bad_multipart")
        lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
        del buffer[: end + 4]
        return self._begin(
            {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        )

    def _begin(self, headers: dict[str, str]) -> PartBegins:
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise Invalid(f"more than {MOST_PARTS} parts", code="too_many_parts")
        self._state = "body"
        return PartBegins(headers)


@dataclass(frozen=True, slots=True)
class Seams:
    """What stands around the parts of a response."""

    boundary: str
    kind: str

    @classmethod
    def new(cls, kind: str) -> "Seams":
        return cls(new_secret(18), kind)

    @property
    def content_type(self) -> str:
        return f'multipart/related; type="{self.kind}"; boundary={self.boundary}'

    def head(self, content_type: str, location: str = "", *, first: bool = False) -> bytes:
        """What stands before a part's content."""
        lead = "" if first else "\r\n"
        place = f"Content-Location: {location}\r\n" if location else ""
        return f"{lead}--{self.boundary}\r\nContent-Type: {content_type}\r\n{place}\r\n".encode()

    @property
    def tail(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()
