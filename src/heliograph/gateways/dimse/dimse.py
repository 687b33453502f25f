"""Command sets of the message service, coded by hand: Implicit VR Little Endian, group 0000 (PS3.7 6.3, E.1)."""

import struct
from dataclasses import dataclass
from typing import Any

from heliograph.kit.errors import Invalid

C_STORE_RQ = 0x0001
C_GET_RQ = 0x0010
C_FIND_RQ = 0x0020
C_MOVE_RQ = 0x0021
C_ECHO_RQ = 0x0030
C_CANCEL_RQ = 0x0FFF
RESPONSE = 0x8000
NO_DATA_SET = 0x0101
DATA_SET = 0x0001
MEDIUM = 0x0000
MAX_COMMAND_BYTES = 256 * 1024

_ELEMENT = struct.Struct("<HHI")
_SHORT = struct.Struct("<H")

_UID, _US, _AE, _LO, _AT = range(5)


@dataclass(slots=True)
class Command:
    """One command set; None and "" stand for elements that are not there."""

    command_field: int
    message_id: int | None = None
    responds_to: int | None = None
    affected_sop_class_uid: str = ""
    requested_sop_class_uid: str = ""
    affected_sop_instance_uid: str = ""
    requested_sop_instance_uid: str = ""
    priority: int | None = None
    data_set_type: int = NO_DATA_SET
    status: int | None = None
    offending_elements: tuple[int, ...] = ()
    error_comment: str = ""
    move_destination: str = ""
    move_originator_aet: str = ""
    move_originator_message_id: int | None = None
    remaining: int | None = None
    completed: int | None = None
    failed: int | None = None
    warning: int | None = None

    @property
    def has_data_set(self) -> bool:
        return self.data_set_type != NO_DATA_SET

    @property
    def is_response(self) -> bool:
        return bool(self.command_field & RESPONSE)


# Element number in ascending order -> attribute and value representation (PS3.7 E.1).
_ELEMENTS: dict[int, tuple[str, int]] = {
    0x0002: ("affected_sop_class_uid", _UID),
    0x0003: ("requested_sop_class_uid", _UID),
    0x0100: ("command_field", _US),
    0x0110: ("message_id", _US),
    0x0120: ("responds_to", _US),
    0x0600: ("move_destination", _AE),
    0x0700: ("priority", _US),
    0x0800: ("data_set_type", _US),
    0x0900: ("status", _US),
    0x0901: ("offending_elements", _AT),
    0x0902: ("error_comment", _LO),
    0x1000: ("affected_sop_instance_uid", _UID),
    0x1001: ("requested_sop_instance_uid", _UID),
    0x1020: ("remaining", _US),
    0x1021: ("completed", _US),
    0x1022: ("failed", _US),
    0x1023: ("warning", _US),
    0x1030: ("move_originator_aet", _AE),
    0x1031: ("move_originator_message_id", _US),
}


def decode(data: bytes | bytearray) -> Command:
    """Unknown elements and the group length are passed over; a broken length is Invalid."""
    found: dict[str, Any] = {}
    position, end = 0, len(data)
    while position + 8 <= end:
        group, element, length = _ELEMENT.unpack_from(data, position)
        position += 8
        if position + length > end:
            raise Invalid(f"element ({group:04X},{element:04X}) is longer than its command", code="command_length")
        known = _ELEMENTS.get(element) if group == 0 else None
        if known is not None and length:
            value = _value(known[1], data, position, length)
            if value is not None:
                found[known[0]] = value
        position += length
    if position != end or not isinstance(found.get("command_field"), int):
        raise Invalid("the command set is cut short or has no command field", code="command_field")
    return Command(**found)


def _value(kind: int, data: bytes | bytearray, position: int, length: int) -> object:
    if kind == _US:
        return _SHORT.unpack_from(data, position)[0] if length >= 2 else None
    if kind == _AT:
        pairs = struct.unpack_from(f"<{length // 4 * 2}H", data, position)
        return tuple(high << 16 | low for high, low in zip(pairs[::2], pairs[1::2], strict=True))
    return data[position : position + length].decode("ascii", "replace").strip(" \0")


def encode(command: Command) -> bytes:
    """Elements in ascending order behind the group length; empty ones are left out."""
    parts: list[bytes] = []
    for element, (name, kind) in _ELEMENTS.items():
        value = getattr(command, name)
        if value is None or value in ("", ()):
            continue
        if kind == _US:
            parts.append(_ELEMENT.pack(0, element, 2) + _SHORT.pack(value))
            continue
        raw = _raw(kind, value)
        parts.append(_ELEMENT.pack(0, element, len(raw)) + raw)
    body = b"".join(parts)
    return _ELEMENT.pack(0, 0, 4) + struct.pack("<I", len(body)) + body


def _raw(kind: int, value: str | tuple[int, ...]) -> bytes:
    if isinstance(value, tuple):
        return b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in value)
    if kind == _LO:
        value = value[:64]
    raw = value.encode("ascii", "replace")
    return raw + (b"\0" if kind == _UID else b" ") if len(raw) % 2 else raw


def response(request: Command, status: int, **more: Any) -> Command:
    """The response to a request, with the UIDs it must repeat (PS3.7 9.3)."""
    return Command(
        command_field=request.command_field | RESPONSE,
        responds_to=request.message_id or 0,
        affected_sop_class_uid=request.affected_sop_class_uid or request.requested_sop_class_uid,
        affected_sop_instance_uid=request.affected_sop_instance_uid or request.requested_sop_instance_uid,
        status=status,
        **more,
    )
