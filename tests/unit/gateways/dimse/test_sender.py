"""Which contexts are proposed and used for stored objects (PS3.4 B; traps 43, 48)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.gateways.dimse.association import AcceptedContext
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.requestor import MAX_CONTEXTS
from heliograph.gateways.dimse.sender import choose_context, encoded_for, plan
from heliograph.standards.dicom import part10, uids
from heliograph.standards.dicom.header import scan
from tests import phantoms

CT = uids.CT_IMAGE_STORAGE
EXPLICIT, IMPLICIT = uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN


def stored(sop_class: str, syntax: str, number: int = 1) -> Stored:
    return Stored(sop_class, f"1.2.{number}", syntax, "ref", 1000, 400)


classes = st.integers(1, 90).map(lambda n: f"1.2.840.10008.5.1.4.1.1.{n}")
syntaxes = st.sampled_from([EXPLICIT, IMPLICIT, uids.JPEG_LOSSLESS_SV1, uids.JPEG_2000, uids.RLE_LOSSLESS])


@given(st.lists(st.tuples(classes, syntaxes), max_size=200))
def test_trap_43_batches_keep_the_order_and_never_need_more_than_128_contexts(kinds: list[tuple[str, str]]) -> None:
    items = [stored(sop_class, syntax, number) for number, (sop_class, syntax) in enumerate(kinds)]
    batches = plan(items)
    assert [item for batch in batches for item in batch.items] == items
    for batch in batches:
        assert len(batch.proposals) <= MAX_CONTEXTS
        for item in batch.items:
            own = [one for one in batch.proposals if one.abstract_syntax == item.sop_class_uid]
            assert any(one.transfer_syntaxes == (item.transfer_syntax,) for one in own)
            assert {EXPLICIT, IMPLICIT} <= {syntax for one in own for syntax in one.transfer_syntaxes}


def test_one_class_needs_one_association() -> None:
    (batch,) = plan([stored(CT, EXPLICIT, number) for number in range(1000)])
    assert [one.transfer_syntaxes for one in batch.proposals] == [(EXPLICIT,), (IMPLICIT,)]


def test_nothing_to_send_needs_no_association() -> None:
    assert plan([]) == []


def test_own_transfer_syntax_goes_before_plain_before_compressed() -> None:
    contexts = [
        AcceptedContext(1, CT, uids.JPEG_2000_LOSSLESS),
        AcceptedContext(3, CT, IMPLICIT),
        AcceptedContext(5, CT, EXPLICIT),
        AcceptedContext(7, CT, uids.JPEG_BASELINE),
        AcceptedContext(9, "1.2.3", uids.RLE_LOSSLESS),
    ]
    chosen = [choose_context(contexts, stored(CT, syntax)) for syntax in (uids.JPEG_BASELINE, uids.RLE_LOSSLESS)]
    assert [context and context.context_id for context in chosen] == [7, 5]
    assert choose_context(contexts[:1], stored(CT, EXPLICIT)) is contexts[0]
    assert choose_context(contexts[3:4], stored(CT, EXPLICIT)) is None
    assert choose_context([], stored(CT, EXPLICIT)) is None


def test_own_transfer_syntax_is_sent_byte_for_byte_in_ranges() -> None:
    content = bytes(400) + bytes(range(256)) * 9000
    item = Stored(CT, "1.2", EXPLICIT, "ref", len(content), 400)
    asked: list[tuple[int, int]] = []

    def read(_: Stored, offset: int, length: int) -> bytes:
        asked.append((offset, length))
        return content[offset : offset + length]

    encoded = encoded_for(item, AcceptedContext(1, CT, EXPLICIT), read)
    assert b"".join(encoded.chunks) == content[400:]
    assert encoded.total == len(content) - 400
    assert max(length for _, length in asked) <= 1 << 20


def test_what_must_be_transcoded_is_so_in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """A codec that dies on foreign pixels must not take the other associations of this process along."""

    def not_here(*_: object, **__: object) -> None:
        raise AssertionError("transcoded in this process")

    monkeypatch.setattr("heliograph.standards.dicom.transcode.recoded", not_here)
    content = phantoms.slices(phantoms.Shape(slices=1, rows=8, columns=8, seed=61))
    whole = next(iter(content))
    item = Stored(CT, "1.2", EXPLICIT, "ref", len(whole), part10.split(whole)[0])
    encoded = encoded_for(item, AcceptedContext(1, CT, IMPLICIT), lambda _, at, size: whole[at : at + size])
    sent = b"".join(encoded.chunks)
    assert len(sent) == encoded.total
    assert scan(sent, transfer_syntax=IMPLICIT).text("SOPClassUID") == CT
