"""PDU codec: round trips and tolerance (PS3.8 9.3, traps 40 to 43)."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.gateways.dimse import pdu
from heliograph.kit.errors import Invalid

uids = st.from_regex(r"[1-9][0-9]{0,3}(\.[1-9][0-9]{0,8}){1,5}", fullmatch=True).filter(lambda uid: len(uid) <= 64)
titles = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=16)
octet = st.integers(0, 255)

context_requests = st.builds(pdu.PresentationContext, octet, uids, st.lists(uids, max_size=4).map(tuple))
context_results = st.one_of(
    st.builds(pdu.ContextResult, octet, st.just(0), uids), st.builds(pdu.ContextResult, octet, st.integers(1, 4))
)
user_information = st.builds(
    pdu.UserInformation,
    max_length=st.none() | st.integers(0, 2**32 - 1),
    implementation_class_uid=st.just("") | uids,
    implementation_version_name=st.just("") | titles,
    async_window=st.none() | st.builds(pdu.AsyncOperationsWindow, st.integers(0, 65535), st.integers(0, 65535)),
    roles=st.lists(st.builds(pdu.RoleSelection, uids, st.booleans(), st.booleans()), max_size=3).map(tuple),
    extended=st.lists(st.builds(pdu.ExtendedNegotiation, uids, st.binary(max_size=20)), max_size=3).map(tuple),
    common_extended=st.lists(
        st.builds(pdu.CommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    identity=st.none()
    | st.builds(pdu.UserIdentity, st.integers(1, 5), st.binary(max_size=50), st.binary(max_size=20), st.booleans()),
    identity_reply=st.none() | st.binary(max_size=30),
    other=st.lists(st.tuples(st.integers(0x60, 0xFF), st.binary(max_size=10)), max_size=2).map(tuple),
)
values = st.builds(pdu.DataValue, octet, st.booleans(), st.booleans(), st.binary(max_size=300))
pdus = st.one_of(
    st.builds(
        pdu.AssociateRequest,
        titles,
        titles,
        st.lists(context_requests, max_size=4).map(tuple),
        user_information,
        uids,
        st.integers(0, 65535),
    ),
    st.builds(
        pdu.AssociateAccept, titles, titles, st.lists(context_results, max_size=4).map(tuple), user_information, uids
    ),
    st.builds(pdu.AssociateReject, octet, octet, octet),
    st.builds(pdu.DataTransfer, st.lists(values, max_size=4).map(tuple)),
    st.just(pdu.ReleaseRequest()),
    st.just(pdu.ReleaseReply()),
    st.builds(pdu.Abort, octet, octet),
)


@given(pdus)
def test_round_trip(unit: pdu.Pdu) -> None:
    assert pdu.decode(pdu.encode(unit)) == unit


@given(pdus, st.data())
def test_damaged_bytes_are_invalid_or_a_pdu_and_nothing_else(unit: pdu.Pdu, data: st.DataObject) -> None:
    raw = bytearray(pdu.encode(unit))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(octet)
    del raw[len(raw) - data.draw(st.integers(0, len(raw))) :]
    with contextlib.suppress(Invalid):
        pdu.decode(bytes(raw))


def _item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0xFF, len(value)) + value


def _request(called: bytes, items: bytes, reserved: bytes = bytes(32)) -> bytes:
    body = b"\0\1\xaa\xbb" + called + b"CALLER\0\0\0\0\0\0\0\0\0\0" + reserved + items
    return struct.pack(">BBI", 1, 0x5A, len(body)) + body


def test_trap_40_titles_padded_with_nul_and_control_bytes_in_reserved_fields() -> None:
    items = _item(0x10, b"1.2.840.10008.3.1.1.1") + _item(0x50, _item(0x51, struct.pack(">I", 0)))
    unit = pdu.decode(_request(b" heliograph\0\0\0\0\0", items, reserved=bytes(range(32))))
    assert isinstance(unit, pdu.AssociateRequest)
    assert (unit.called_aet, unit.calling_aet) == ("heliograph", "CALLER")
    assert unit.user.max_length == 0


def test_trap_42_uids_padded_with_nul() -> None:
    context = bytes((1, 9, 9, 9)) + _item(0x30, b"1.2.840.10008.1.1\0") + _item(0x40, b"1.2.840.10008.1.2\0")
    unit = pdu.decode(_request(b"A".ljust(16), _item(0x10, b"1.2.840.10008.3.1.1.1\0") + _item(0x20, context)))
    assert isinstance(unit, pdu.AssociateRequest)
    assert unit.application_context == pdu.APPLICATION_CONTEXT
    assert unit.contexts == (pdu.PresentationContext(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),)


@pytest.mark.parametrize("rest", [b"", b"\x40\x00\x00\x00", b"\x40\x00\x00\x99broken"])
def test_trap_42_rejected_context_without_or_with_broken_transfer_syntax(rest: bytes) -> None:
    body = b"\0\1\0\0" + bytes(64) + _item(0x21, bytes((3, 0, 4, 0)) + rest)
    unit = pdu.decode(struct.pack(">BxI", 2, len(body)) + body)
    assert isinstance(unit, pdu.AssociateAccept)
    assert unit.contexts == (pdu.ContextResult(3, 4),)


def test_trap_42_abort_with_unknown_source_and_reason() -> None:
    assert pdu.decode(bytes.fromhex("07000000000400ff0963")) == pdu.Abort(9, 0x63)


def test_trap_43_128_contexts_are_all_read() -> None:
    contexts = tuple(pdu.PresentationContext(2 * n + 1, f"1.2.{n + 1}", ("1.2.840.10008.1.2",)) for n in range(128))
    unit = pdu.decode(pdu.encode(pdu.AssociateRequest("A", "B", contexts)))
    assert isinstance(unit, pdu.AssociateRequest)
    assert unit.contexts == contexts


@pytest.mark.parametrize("length", [0, 1, 300])
def test_presentation_data_value_lengths_that_lie(length: int) -> None:
    body = struct.pack(">IBB", length, 1, 3) + b"abcd"
    with pytest.raises(Invalid) as caught:
        pdu.decode(struct.pack(">BxI", 4, len(body)) + body)
    assert caught.value.code == "pdv_length"


def test_credentials_stay_out_of_representations() -> None:
    assert "secret" not in repr(pdu.UserIdentity(2, b"someone", b"secret"))
