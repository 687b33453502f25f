"""The seven PDUs as values, and their bytes (PS3.8 9.3.1 to 9.3.8)."""

import struct
from dataclasses import dataclass, field

from heliograph.gateways.dimse.pdu import _items
from heliograph.gateways.dimse.pdu._items import ContextResult, PresentationContext, UserInformation
from heliograph.kit.errors import Invalid

HEADER = struct.Struct(">BxI")
_ASSOCIATE = struct.Struct(">H2x16s16s32x")
_VALUE = struct.Struct(">IBB")

A_ASSOCIATE_RQ = 0x01
A_ASSOCIATE_AC = 0x02
A_ASSOCIATE_RJ = 0x03
P_DATA_TF = 0x04
A_RELEASE_RQ = 0x05
A_RELEASE_RP = 0x06
A_ABORT = 0x07

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"


@dataclass(frozen=True, slots=True)
class AssociateRequest:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""

    called_aet: str
    calling_aet: str
    contexts: tuple[PresentationContext, ...]
    user: UserInformation = field(default_factory=UserInformation)
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1


@dataclass(frozen=True, slots=True)
class AssociateAccept:
    """A-ASSOCIATE-AC; the AE titles are an echo of the request and are not tested (PS3.8 9.3.3)."""

    called_aet: str
    calling_aet: str
    contexts: tuple[ContextResult, ...]
    user: UserInformation = field(default_factory=UserInformation)
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1


@dataclass(frozen=True, slots=True)
class AssociateReject:
    """A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    result: int
    source: int
    reason: int


@dataclass(frozen=True, slots=True)
class DataValue:
    """One presentation data value: bit 0 of its control header says command, bit 1 says last (PS3.8 E.2)."""

    context_id: int
    is_command: bool
    is_last: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class DataTransfer:
    """P-DATA-TF (PS3.8 9.3.5)."""

    values: tuple[DataValue, ...]


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A-RELEASE-RQ (PS3.8 9.3.6)."""


@dataclass(frozen=True, slots=True)
class ReleaseReply:
    """A-RELEASE-RP (PS3.8 9.3.7)."""


@dataclass(frozen=True, slots=True)
class Abort:
    """A-ABORT: source 0 service user, 2 service provider; the reason counts for source 2 only (PS3.8 9.3.8)."""

    source: int
    reason: int = 0


Pdu = AssociateRequest | AssociateAccept | AssociateReject | DataTransfer | ReleaseRequest | ReleaseReply | Abort


def encode(pdu: Pdu) -> bytes:
    """The bytes of one PDU."""
    match pdu:
        case AssociateRequest():
            return _frame(A_ASSOCIATE_RQ, _encode_associate(pdu, [_items.encode_context(one) for one in pdu.contexts]))
        case AssociateAccept():
            return _frame(A_ASSOCIATE_AC, _encode_associate(pdu, [_items.encode_result(one) for one in pdu.contexts]))
        case AssociateReject(result, source, reason):
            return _frame(A_ASSOCIATE_RJ, bytes((0, result, source, reason)))
        case DataTransfer(values):
            return _frame(P_DATA_TF, b"".join(_encode_value(value) for value in values))
        case ReleaseRequest():
            return _frame(A_RELEASE_RQ, bytes(4))
        case ReleaseReply():
            return _frame(A_RELEASE_RP, bytes(4))
        case Abort(source, reason):
            return _frame(A_ABORT, bytes((0, 0, source, reason)))


def decode(data: bytes) -> Pdu:
    """One whole PDU (header and body); reserved bytes are never tested."""
    if len(data) < 6:
        raise Invalid("a PDU header is cut short", code="pdu_truncated")
    kind, length = HEADER.unpack_from(data)
    if length != len(data) - 6:
        raise Invalid("the PDU length is not the number of bytes that follow", code="pdu_length")
    body = data[6:]
    if kind in {A_ASSOCIATE_RQ, A_ASSOCIATE_AC}:
        return _decode_associate(kind, body)
    if kind == P_DATA_TF:
        return DataTransfer(tuple(_decode_values(body)))
    if kind in {A_RELEASE_RQ, A_RELEASE_RP}:
        return ReleaseRequest() if kind == A_RELEASE_RQ else ReleaseReply()
    if kind not in {A_ASSOCIATE_RJ, A_ABORT}:
        raise Invalid(f"there is no PDU of type {kind:02X}H", code="pdu_type")
    if len(body) < 4:
        raise Invalid("a PDU is cut short", code="pdu_truncated")
    return AssociateReject(body[1], body[2], body[3]) if kind == A_ASSOCIATE_RJ else Abort(body[2], body[3])


def _frame(kind: int, body: bytes) -> bytes:
    return HEADER.pack(kind, len(body)) + body


def _aet(title: str) -> bytes:
    data = title.encode("ascii", "replace")
    if len(data) > 16:
        raise Invalid("an AE title has at most 16 characters", code="aet_too_long")
    return data.ljust(16)


def _encode_associate(pdu: AssociateRequest | AssociateAccept, contexts: list[bytes]) -> bytes:
    head = _ASSOCIATE.pack(pdu.protocol_version, _aet(pdu.called_aet), _aet(pdu.calling_aet))
    application = _items.item(_items.APPLICATION_CONTEXT_ITEM, pdu.application_context.encode("ascii"))
    return head + application + b"".join(contexts) + _items.encode_user_information(pdu.user)


def _decode_associate(kind: int, body: bytes) -> AssociateRequest | AssociateAccept:
    if len(body) < _ASSOCIATE.size:
        raise Invalid("an A-ASSOCIATE PDU is cut short", code="pdu_truncated")
    version, called, calling = _ASSOCIATE.unpack_from(body)
    application, user = "", UserInformation()
    requests: list[PresentationContext] = []
    results: list[ContextResult] = []
    for item_kind, value in _items.split_items(body[_ASSOCIATE.size :]):
        if item_kind == _items.APPLICATION_CONTEXT_ITEM:
            application = _items.text(value)
        elif item_kind == _items.CONTEXT_REQUEST:
            requests.append(_items.decode_context(value))
        elif item_kind == _items.CONTEXT_RESULT:
            results.append(_items.decode_result(value))
        elif item_kind == _items.USER_INFORMATION:
            user = _items.decode_user_information(value)
    called_aet, calling_aet = _items.text(called), _items.text(calling)
    if kind == A_ASSOCIATE_RQ:
        return AssociateRequest(called_aet, calling_aet, tuple(requests), user, application, version)
    return AssociateAccept(called_aet, calling_aet, tuple(results), user, application, version)


def _encode_value(value: DataValue) -> bytes:
    control = value.is_command | value.is_last << 1
    return _VALUE.pack(len(value.data) + 2, value.context_id, control) + value.data


def _decode_values(body: bytes) -> list[DataValue]:
    values, position = [], 0
    while position < len(body):
        if position + 6 > len(body):
            raise Invalid("a presentation data value is cut short", code="pdv_truncated")
        length, context_id, control = _VALUE.unpack_from(body, position)
        end = position + 4 + length
        if length < 2 or end > len(body):
            raise Invalid("a presentation data value does not fit its PDU", code="pdv_length")
        values.append(DataValue(context_id, bool(control & 1), bool(control & 2), body[position + 6 : end]))
        position = end
    return values
