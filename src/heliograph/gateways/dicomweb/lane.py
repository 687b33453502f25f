"""A lane beside the HTTP server's road for the busiest request there is: one more frame, asked for as the one before it was.

A viewer sends the same header lines with every frame; only the path changes. Lines that the parser has read once, in a request that
was whole and had nothing unusual about it, are recognised by their bytes, and the frame is written to the socket where the request
was read: no parser, no task, no queue between. Who may see what, for how long that is remembered, and how an answer looks is
decided by `Frames` alone; whatever it does not answer at once goes down the road.
"""

from collections import OrderedDict

from heliograph.engine import telemetry
from heliograph.engine.telemetry import REQUESTS
from heliograph.gateways.dicomweb.frames import Asked, Frames
from heliograph.gateways.http.connection import Connection
from heliograph.kit.errors import HeliographError
from heliograph.kit.time import monotonic_s

_START = b"GET /dicom-web/studies/"
_VERSION = b" HTTP/1.1"
_END = b"\r\n\r\n"
_FIRST_PART = len(b"GET /dicom-web/")
_MOST_KNOWN = 512
_MOST_BYTES = 8192
# With one of these a request is not like the one before, or has a body.
_UNUSUAL = frozenset({
    b"content-length", b"expect", b"if-none-match", b"range", b"transfer-encoding", b"upgrade"
})  # fmt: skip
_PARTS = ("studies", "series", "instances", "frames")


class FrameLane(Connection):
    """The connection of the HTTP doors with the lane in front; `frames` and `known` are of the process."""

    frames: Frames
    known: OrderedDict[bytes, Asked]

    _is_inside = False  # the parser has begun a message that has not ended

    def on_message_begin(self) -> None:
        self._is_inside = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._is_inside = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        if not data.startswith(_START) or not self._is_at_rest():
            super().data_received(data)
        elif not self._answered(data):
            super().data_received(data)
            self._learn(data)

    def _is_at_rest(self) -> bool:
        """Everything that was asked on this connection is answered, and sent."""
        return (
            not self._is_inside
            and (self.cycle is None or self.cycle.response_complete)
            and not self.transport.is_closing()
            and self.transport.get_write_buffer_size() == 0
        )

    def _answered(self, data: bytes) -> bool:
        line, _, lines = data.partition(b"\r\n")
        asked = self.known.get(lines)
        if asked is None or not line.endswith(_VERSION):
            return False
        began = monotonic_s()
        parts = line[_FIRST_PART : -len(_VERSION)].decode("latin-1").split("/")
        if tuple(parts[0::2]) != _PARTS or len(parts) != 2 * len(_PARTS):
            return False
        try:
            answer = self.frames.at_once(asked, parts)
        except HeliographError:  # the road finds the same and says it
            return False
        except Exception as error:  # noqa: BLE001 nothing is sent yet: the road answers, and says what is wrong
            telemetry.trouble("lane_failed", error)
            return False
        if answer is None:
            return False
        head = [b"HTTP/1.1 200 OK\r\n"]
        for name, value in (*self.server_state.default_headers, *answer.headers):
            head += name, b": ", value, b"\r\n"
        self.transport.writelines([b"".join((*head, b"\r\n", answer.head)), answer.frame, answer.tail])
        self._in_head = False  # also when this connection's parser has not begun yet
        self.on_response_complete()
        REQUESTS.labels("/dicom-web frames", 200).observe(monotonic_s() - began)
        return True

    def _learn(self, data: bytes) -> None:
        """Remembers the lines of a request that was whole, alone, plain, and for a frame."""
        if self._is_inside or len(data) > _MOST_BYTES or data.find(_END) != len(data) - len(_END):
            return
        if (
            self.parser is None
            or self.cycle is None
            or not self.cycle.keep_alive
            or self.scope["http_version"] != "1.1"
        ):
            return
        line, _, lines = data.partition(b"\r\n")
        if b"/frames/" not in line or any(_is_unusual(name, value) for name, value in self.headers):
            return
        self.known[lines] = self.frames.asked(self.headers)
        if len(self.known) > _MOST_KNOWN:
            self.known.popitem(last=False)


def _is_unusual(name: bytes, value: bytes) -> bool:
    return name in _UNUSUAL or (name == b"connection" and value.lower() != b"keep-alive")


def lane(frames: Frames) -> type[FrameLane]:
    """The protocol for the server of this process."""
    return type("FrameLane", (FrameLane,), {"frames": frames, "known": OrderedDict()})
