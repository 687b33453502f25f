"""A service class user written on the bare socket (PS3.8 9.3, PS3.7 9.3): it knows exactly what was acknowledged, and can misbehave."""

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.peers import Dicom

APPLICATION = b"1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
SUCCESS = 0x0000


class Lost(ConnectionError):
    """The peer went away, aborted, or said something that is not an answer."""


class Rejected(Lost):
    """A-ASSOCIATE-RJ; the message has result, source and reason."""


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBI", kind, 0, len(body)) + body


def item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def associate_request(
    called: str,
    calling: str,
    contexts: Sequence[tuple[int, str, Sequence[str]]],
    *,
    max_pdu: int = 65536,
    provided: Sequence[str] = (),
) -> bytes:
    """contexts: (odd id, abstract syntax, transfer syntaxes); `provided`: SOP classes that we receive on this association."""
    items = item(0x10, APPLICATION)
    for number, abstract, syntaxes in contexts:
        inner = item(0x30, abstract.encode()) + b"".join(item(0x40, syntax.encode()) for syntax in syntaxes)
        items += item(0x20, struct.pack(">BBBB", number, 0, 0, 0) + inner)
    user = (
        item(0x51, struct.pack(">I", max_pdu)) + item(0x52, b"1.2.826.0.1.3680043.9.7433.1.1") + item(0x55, b"HARNESS")
    )
    for sop_class in provided:
        user += item(0x54, struct.pack(">H", len(sop_class)) + sop_class.encode() + b"\x00\x01")
    items += item(0x50, user)
    head = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode())
    return pdu(0x01, head + items)


def _element(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def _even(text: str) -> bytes:
    value = text.encode()
    return value + b"\0" if len(value) % 2 else value


def command(elements: Sequence[tuple[int, bytes]]) -> bytes:
    body = b"".join(_element(tag, value) for tag, value in elements)
    return _element(0x00000000, struct.pack("<I", len(body))) + body


def store_command(sop_class: str, sop_uid: str, message: int) -> bytes:
    return command([
        (0x00000002, _even(sop_class)),
        (0x00000100, struct.pack("<H", 0x0001)),
        (0x00000110, struct.pack("<H", message)),
        (0x00000700, struct.pack("<H", 0)),
        (0x00000800, struct.pack("<H", 1)),
        (0x00001000, _even(sop_uid)),
    ])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """The command set of a response: element -> value bytes."""

    elements: dict[int, bytes]

    @property
    def status(self) -> int:
        return int.from_bytes(self.elements[0x00000900], "little")

    @property
    def comment(self) -> str:
        return self.elements.get(0x00000902, b"").decode(errors="replace").strip("\0 ")


def parse_command(data: bytes) -> Answer:
    elements, offset = {}, 0
    while offset + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHI", data, offset)
        elements[group << 16 | element] = data[offset + 8 : offset + 8 + length]
        offset += 8 + length
    return Answer(elements)


class Association:
    """One association; every method either returns the peer's answer or raises Lost."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self.accepted: dict[int, str] = {}
        self.contexts: dict[tuple[str, str], int] = {}
        self.max_pdu = 16384
        self.context = 0
        self._message = 0
        self._buffered: list[tuple[int, int, bytes]] = []

    @classmethod
    def connect(
        cls,
        to: Dicom,
        wanted: Sequence[tuple[str, Sequence[str]]] = ((VERIFICATION, (IMPLICIT,)),),
        *,
        calling: str = "HARNESS",
        timeout: float = 120.0,
        provided: Sequence[str] = (),
        wire: socket.socket | None = None,
    ) -> Self:
        """wanted: (abstract syntax, transfer syntaxes); each pair becomes a context of its own so that the choice is ours.

        `wire` is a connection that stands already (from another address, or with TLS).
        """
        wire = wire or socket.create_connection((to.host, to.port), timeout=timeout)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self = cls(wire)
        pairs = [(abstract, syntax) for abstract, syntaxes in wanted for syntax in syntaxes]
        proposed = [(2 * number + 1, abstract, [syntax]) for number, (abstract, syntax) in enumerate(pairs)]
        try:
            wire.sendall(associate_request(to.aet, calling, proposed, provided=provided))
            self._read_accept({number: (abstract, syntaxes[0]) for number, abstract, syntaxes in proposed})
        except BaseException:
            wire.close()
            raise
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.release()
        self.close()

    def _exactly(self, size: int) -> bytes:
        parts, left = [], size
        while left:
            try:
                part = self.wire.recv(min(left, 1 << 20))
            except OSError as error:
                raise Lost(str(error)) from error
            if not part:
                raise Lost("closed by the peer")
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def read_pdu(self) -> tuple[int, bytes]:
        kind, _, length = struct.unpack(">BBI", self._exactly(6))
        if length > 16 << 20:
            raise Lost(f"PDU of {length} bytes")
        return kind, self._exactly(length)

    def _read_accept(self, proposed: dict[int, tuple[str, str]]) -> None:
        kind, body = self.read_pdu()
        if kind == 0x03:
            raise Rejected(f"result {body[1]}, source {body[2]}, reason {body[3]}")
        if kind != 0x02:
            raise Lost(f"PDU type {kind} in place of A-ASSOCIATE-AC")
        offset = 68
        while offset + 4 <= len(body):
            what, length = body[offset], struct.unpack_from(">H", body, offset + 2)[0]
            value = body[offset + 4 : offset + 4 + length]
            if what == 0x21 and value[2] == 0:
                number = value[0]
                self.accepted[number] = proposed[number][1]
                self.contexts[proposed[number]] = number
            elif what == 0x50 and value[:1] == b"\x51":
                self.max_pdu = min(struct.unpack_from(">I", value, 4)[0] or 131072, 131072)
            offset += 4 + length

    def send_raw(self, data: bytes) -> None:
        try:
            self.wire.sendall(data)
        except OSError as error:
            raise Lost(str(error)) from error

    def fragments(self, context: int, data: bytes, *, is_command: bool) -> bytes:
        """P-DATA-TF PDUs of one PDV each, as large as the peer allows."""
        room, out = self.max_pdu - 6, bytearray()
        for start in range(0, max(len(data), 1), room):
            part = data[start : start + room]
            flags = (1 if is_command else 0) | (2 if start + room >= len(data) else 0)
            out += struct.pack(">BBIIBB", 0x04, 0, len(part) + 6, len(part) + 2, context, flags) + part
        return bytes(out)

    def next_message(self) -> int:
        self._message = self._message % 65535 + 1
        return self._message

    def read_message(self, *, is_command: bool = True) -> bytes:
        """The fragments of one command or one data set, joined; `context` is that of the last one."""
        parts, last = [], 3 if is_command else 2
        while True:
            while self._buffered:
                self.context, flags, part = self._buffered.pop(0)
                parts.append(part)
                if flags & 3 == last:
                    return b"".join(parts)
            self._buffer_fragments()

    def _buffer_fragments(self) -> None:
        kind, body = self.read_pdu()
        if kind != 0x04:
            words = {0x05: "released by the peer", 0x06: "released by the peer", 0x07: "aborted by the peer"}
            raise Lost(words.get(kind, f"PDU type {kind}"))
        offset = 0
        while offset < len(body):
            length, context, flags = struct.unpack_from(">IBB", body, offset)
            self._buffered.append((context, flags, body[offset + 6 : offset + 4 + length]))
            offset += 4 + length

    def read_answer(self) -> Answer:
        return parse_command(self.read_message())

    def echo(self) -> int:
        context = self.contexts[VERIFICATION, IMPLICIT]
        message = self.next_message()
        words = command([
            (0x00000002, _even(VERIFICATION)),
            (0x00000100, struct.pack("<H", 0x0030)),
            (0x00000110, struct.pack("<H", message)),
            (0x00000800, struct.pack("<H", 0x0101)),
        ])  # fmt: skip
        self.send_raw(self.fragments(context, words, is_command=True))
        return self.read_answer().status

    def store(self, sop_class: str, sop_uid: str, transfer_syntax: str, dataset: bytes) -> Answer:
        """C-STORE; returns only when the peer has answered this very message."""
        context = self.contexts.get((sop_class, transfer_syntax))
        if context is None:
            raise Lost(f"no accepted context for {sop_class} in {transfer_syntax}")
        message = self.next_message()
        self.send_raw(
            self.fragments(context, store_command(sop_class, sop_uid, message), is_command=True)
            + self.fragments(context, dataset, is_command=False)
        )
        answer = self.read_answer()
        if answer.elements.get(0x00000120) != struct.pack("<H", message):
            raise Lost("the answer belongs to another message")
        return answer

    def find(self, model: str, identifier: bytes, transfer_syntax: str = IMPLICIT) -> tuple[int, list[bytes]]:
        """C-FIND: (final status, data sets of the pending answers)."""
        context, found = self.contexts[model, transfer_syntax], []
        words = command([
            (0x00000002, _even(model)),
            (0x00000100, struct.pack("<H", 0x0020)),
            (0x00000110, struct.pack("<H", self.next_message())),
            (0x00000700, struct.pack("<H", 0)),
            (0x00000800, struct.pack("<H", 1)),
        ])  # fmt: skip
        self.send_raw(
            self.fragments(context, words, is_command=True) + self.fragments(context, identifier, is_command=False)
        )
        while (answer := self.read_answer()).status in {0xFF00, 0xFF01}:
            found.append(self.read_message(is_command=False))
        return answer.status, found

    def get(self, model: str, identifier: bytes, transfer_syntax: str = IMPLICIT) -> tuple[Answer, dict[str, bytes]]:
        """C-GET: (the final answer, SOP Instance UID -> data set as it came); each sub-operation is answered with success."""
        context = self.contexts[model, transfer_syntax]
        received: dict[str, bytes] = {}
        words = command([
            (0x00000002, _even(model)),
            (0x00000100, struct.pack("<H", 0x0010)),
            (0x00000110, struct.pack("<H", self.next_message())),
            (0x00000700, struct.pack("<H", 0)),
            (0x00000800, struct.pack("<H", 1)),
        ])  # fmt: skip
        self.send_raw(
            self.fragments(context, words, is_command=True) + self.fragments(context, identifier, is_command=False)
        )
        while True:
            answer = self.read_answer()
            if answer.elements[0x00000100] != struct.pack("<H", 0x0001):
                if answer.status not in {0xFF00, 0xFF01}:
                    return self._ended(answer), received
                continue
            at = self.context
            received[answer.elements[0x00001000].decode().rstrip("\0")] = self.read_message(is_command=False)
            reply = command([
                (0x00000002, answer.elements[0x00000002]),
                (0x00000100, struct.pack("<H", 0x8001)),
                (0x00000120, answer.elements[0x00000110]),
                (0x00000800, struct.pack("<H", 0x0101)),
                (0x00000900, struct.pack("<H", 0)),
                (0x00001000, answer.elements[0x00001000]),
            ])  # fmt: skip
            self.send_raw(self.fragments(at, reply, is_command=True))

    def _ended(self, answer: Answer) -> Answer:
        """With what failed as a data set behind it."""
        if answer.elements.get(0x00000800) != struct.pack("<H", 0x0101):
            self.read_message(is_command=False)
        return answer

    def move(self, model: str, identifier: bytes, destination: str, transfer_syntax: str = IMPLICIT) -> Answer:
        """C-MOVE: the final answer."""
        context = self.contexts[model, transfer_syntax]
        words = command([
            (0x00000002, _even(model)),
            (0x00000100, struct.pack("<H", 0x0021)),
            (0x00000110, struct.pack("<H", self.next_message())),
            (0x00000600, destination.ljust(16).encode()),
            (0x00000700, struct.pack("<H", 0)),
            (0x00000800, struct.pack("<H", 1)),
        ])  # fmt: skip
        self.send_raw(
            self.fragments(context, words, is_command=True) + self.fragments(context, identifier, is_command=False)
        )
        while (answer := self.read_answer()).status in {0xFF00, 0xFF01}:
            pass
        return self._ended(answer)

    def release(self) -> None:
        self.send_raw(pdu(0x05, b"\0\0\0\0"))
        kind, _ = self.read_pdu()
        if kind != 0x06:
            raise Lost(f"PDU type {kind} in place of A-RELEASE-RP")

    def abort(self) -> None:
        self.send_raw(pdu(0x07, b"\0\0\0\0"))
        self.close()

    def close(self) -> None:
        self.wire.close()
