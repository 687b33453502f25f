"""Sub-items of the A-ASSOCIATE PDUs: contexts and user information (PS3.8 9.3.2, 9.3.3, annex D; PS3.7 D.3.3)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from heliograph.kit.errors import Invalid

ITEM = struct.Struct(">BxH")
_LENGTH = struct.Struct(">H")
_MAX_LENGTH = struct.Struct(">I")
_WINDOW = struct.Struct(">HH")

CONTEXT_REQUEST = 0x20
CONTEXT_RESULT = 0x21
ABSTRACT_SYNTAX = 0x30
TRANSFER_SYNTAX = 0x40
USER_INFORMATION = 0x50
APPLICATION_CONTEXT_ITEM = 0x10
MAXIMUM_LENGTH = 0x51
IMPLEMENTATION_CLASS_UID = 0x52
ASYNC_OPERATIONS_WINDOW = 0x53
ROLE_SELECTION = 0x54
IMPLEMENTATION_VERSION_NAME = 0x55
EXTENDED_NEGOTIATION = 0x56
COMMON_EXTENDED_NEGOTIATION = 0x57
USER_IDENTITY_REQUEST = 0x58
USER_IDENTITY_REPLY = 0x59


@dataclass(frozen=True, slots=True)
class PresentationContext:
    """What a requestor proposes (PS3.8 9.3.2.2)."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContextResult:
    """What an acceptor answers: 0 accepted, 1 user, 2 no reason, 3 abstract, 4 transfer syntaxes (PS3.8 9.3.3.2)."""

    context_id: int
    result: int
    transfer_syntax: str = ""


@dataclass(frozen=True, slots=True)
class RoleSelection:
    """Who may be user and provider of one SOP class (PS3.7 D.3.3.4)."""

    sop_class_uid: str
    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class AsyncOperationsWindow:
    """Outstanding operations, 0 = no limit (PS3.7 D.3.3.3)."""

    invoked: int = 1
    performed: int = 1


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """Bytes that one service class defines (PS3.7 D.3.3.5)."""

    sop_class_uid: str
    information: bytes


@dataclass(frozen=True, slots=True)
class CommonExtendedNegotiation:
    """Which service class and general SOP classes a SOP class belongs to (PS3.7 D.3.3.6)."""

    sop_class_uid: str
    service_class_uid: str
    related_general_sop_class_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JSON web token (PS3.7 D.3.3.7.1)."""

    kind: int
    primary: bytes
    secondary: bytes = b""
    response_requested: bool = False

    def __repr__(self) -> str:
        return f"UserIdentity(kind={self.kind})"


@dataclass(frozen=True, slots=True)
class UserInformation:
    """The user information item; `other` keeps sub-items that the standard does not know (PS3.8 9.3.2.3)."""

    max_length: int | None = None
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    async_window: AsyncOperationsWindow | None = None
    roles: tuple[RoleSelection, ...] = ()
    extended: tuple[ExtendedNegotiation, ...] = ()
    common_extended: tuple[CommonExtendedNegotiation, ...] = ()
    identity: UserIdentity | None = None
    identity_reply: bytes | None = None
    other: tuple[tuple[int, bytes], ...] = ()


def text(data: bytes) -> str:
    """A UID or name as sent by devices that pad with spaces or NUL where nothing may be padded."""
    return data.decode("ascii", "replace").strip(" \0\t\r\n")


def split_items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Items (type, reserved byte, 16-bit length, value) that fill `data` exactly."""
    position, end = 0, len(data)
    while position < end:
        if position + 4 > end:
            if not data[position:].strip(b"\0"):
                return  # padding after the last item
            raise Invalid("an item header is cut short", code="pdu_item_truncated")
        kind, length = ITEM.unpack_from(data, position)
        position += 4
        if position + length > end:
            raise Invalid(f"item {kind:02X}H is longer than what holds it", code="pdu_item_overrun")
        yield kind, data[position : position + length]
        position += length


def item(kind: int, value: bytes) -> bytes:
    if len(value) > 0xFFFF:
        raise Invalid(f"item {kind:02X}H would be longer than 65535 bytes", code="pdu_item_too_long")
    return ITEM.pack(kind, len(value)) + value


def _prefixed(value: bytes) -> bytes:
    if len(value) > 0xFFFF:
        raise Invalid("a field would be longer than 65535 bytes", code="pdu_item_too_long")
    return _LENGTH.pack(len(value)) + value


def _take(data: bytes, position: int) -> tuple[bytes, int]:
    if position + 2 > len(data):
        raise Invalid("a length field is cut short", code="pdu_item_truncated")
    (length,) = _LENGTH.unpack_from(data, position)
    end = position + 2 + length
    if end > len(data):
        raise Invalid("a field is longer than its item", code="pdu_item_overrun")
    return data[position + 2 : end], end


def encode_context(context: PresentationContext) -> bytes:
    value = bytes((context.context_id, 0, 0, 0)) + item(ABSTRACT_SYNTAX, context.abstract_syntax.encode("ascii"))
    value += b"".join(item(TRANSFER_SYNTAX, uid.encode("ascii")) for uid in context.transfer_syntaxes)
    return item(CONTEXT_REQUEST, value)


def decode_context(value: bytes) -> PresentationContext:
    if len(value) < 4:
        raise Invalid("a presentation context is cut short", code="pdu_item_truncated")
    abstract, transfer = "", []
    for kind, data in split_items(value[4:]):
        if kind == ABSTRACT_SYNTAX:
            abstract = text(data)
        elif kind == TRANSFER_SYNTAX:
            transfer.append(text(data))
    return PresentationContext(value[0], abstract, tuple(transfer))


def encode_result(context: ContextResult) -> bytes:
    value = bytes((context.context_id, 0, context.result, 0))
    return item(CONTEXT_RESULT, value + item(TRANSFER_SYNTAX, context.transfer_syntax.encode("ascii")))


def decode_result(value: bytes) -> ContextResult:
    """A rejected context may carry no transfer syntax item, or a broken one."""
    if len(value) < 4:
        raise Invalid("a presentation context is cut short", code="pdu_item_truncated")
    if value[2] != 0:
        return ContextResult(value[0], value[2])
    transfer = ""
    for kind, data in split_items(value[4:]):
        if kind == TRANSFER_SYNTAX:
            transfer = text(data)
    return ContextResult(value[0], value[2], transfer)


def encode_user_information(user: UserInformation) -> bytes:
    parts: list[bytes] = []
    if user.max_length is not None:
        parts.append(item(MAXIMUM_LENGTH, _MAX_LENGTH.pack(user.max_length)))
    if user.implementation_class_uid:
        parts.append(item(IMPLEMENTATION_CLASS_UID, user.implementation_class_uid.encode("ascii")))
    if user.async_window is not None:
        window = user.async_window
        parts.append(item(ASYNC_OPERATIONS_WINDOW, _WINDOW.pack(window.invoked, window.performed)))
    for role in user.roles:
        uid = _prefixed(role.sop_class_uid.encode("ascii"))
        parts.append(item(ROLE_SELECTION, uid + bytes((role.scu, role.scp))))
    if user.implementation_version_name:
        parts.append(item(IMPLEMENTATION_VERSION_NAME, user.implementation_version_name.encode("ascii")))
    for extended in user.extended:
        uid = _prefixed(extended.sop_class_uid.encode("ascii"))
        parts.append(item(EXTENDED_NEGOTIATION, uid + extended.information))
    parts.extend(item(COMMON_EXTENDED_NEGOTIATION, _common_extended(common)) for common in user.common_extended)
    if user.identity is not None:
        identity = user.identity
        head = bytes((identity.kind, identity.response_requested))
        parts.append(item(USER_IDENTITY_REQUEST, head + _prefixed(identity.primary) + _prefixed(identity.secondary)))
    if user.identity_reply is not None:
        parts.append(item(USER_IDENTITY_REPLY, _prefixed(user.identity_reply)))
    parts.extend(item(kind, value) for kind, value in user.other)
    return item(USER_INFORMATION, b"".join(parts))


def _common_extended(common: CommonExtendedNegotiation) -> bytes:
    related = b"".join(_prefixed(uid.encode("ascii")) for uid in common.related_general_sop_class_uids)
    head = _prefixed(common.sop_class_uid.encode("ascii")) + _prefixed(common.service_class_uid.encode("ascii"))
    return head + _prefixed(related)


class _Collected:
    """Grows while the sub-items of one user information item are read."""

    def __init__(self) -> None:
        self.user = UserInformation()
        self.roles: list[RoleSelection] = []
        self.extended: list[ExtendedNegotiation] = []
        self.common: list[CommonExtendedNegotiation] = []
        self.other: list[tuple[int, bytes]] = []
        self.max_length: int | None = None
        self.class_uid = ""
        self.version = ""
        self.window: AsyncOperationsWindow | None = None
        self.identity: UserIdentity | None = None
        self.reply: bytes | None = None

    def add(self, kind: int, data: bytes) -> None:
        if kind == MAXIMUM_LENGTH and len(data) >= 4:
            (self.max_length,) = _MAX_LENGTH.unpack_from(data)
        elif kind == IMPLEMENTATION_CLASS_UID:
            self.class_uid = text(data)
        elif kind == IMPLEMENTATION_VERSION_NAME:
            self.version = text(data)
        elif kind == ASYNC_OPERATIONS_WINDOW and len(data) >= 4:
            self.window = AsyncOperationsWindow(*_WINDOW.unpack_from(data))
        elif kind == ROLE_SELECTION:
            uid, end = _take(data, 0)
            roles = data[end : end + 2].ljust(2, b"\0")
            self.roles.append(RoleSelection(text(uid), bool(roles[0]), bool(roles[1])))
        elif kind == EXTENDED_NEGOTIATION:
            uid, end = _take(data, 0)
            self.extended.append(ExtendedNegotiation(text(uid), data[end:]))
        elif kind == COMMON_EXTENDED_NEGOTIATION:
            self.common.append(_decode_common(data))
        elif kind == USER_IDENTITY_REQUEST and len(data) >= 2:
            primary, end = _take(data, 2)
            secondary = _take(data, end)[0] if end < len(data) else b""
            self.identity = UserIdentity(data[0], primary, secondary, bool(data[1]))
        elif kind == USER_IDENTITY_REPLY:
            self.reply = _take(data, 0)[0]
        else:
            self.other.append((kind, data))


def _decode_common(data: bytes) -> CommonExtendedNegotiation:
    sop_class, end = _take(data, 0)
    service_class, end = _take(data, end)
    listed = _take(data, end)[0] if end < len(data) else b""
    related, position = [], 0
    while position < len(listed):
        uid, position = _take(listed, position)
        related.append(text(uid))
    return CommonExtendedNegotiation(text(sop_class), text(service_class), tuple(related))


def decode_user_information(value: bytes) -> UserInformation:
    found = _Collected()
    for kind, data in split_items(value):
        found.add(kind, data)
    return UserInformation(
        max_length=found.max_length,
        implementation_class_uid=found.class_uid,
        implementation_version_name=found.version,
        async_window=found.window,
        roles=tuple(found.roles),
        extended=tuple(found.extended),
        common_extended=tuple(found.common),
        identity=found.identity,
        identity_reply=found.reply,
        other=tuple(found.other),
    )
