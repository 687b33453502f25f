"""What is accepted of a proposal (PS3.8 9.3.3, PS3.7 D.3.3; traps 42 to 44, 50)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.gateways.dimse import negotiation, pdu
from heliograph.gateways.dimse.services import Service, service_of
from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import uids

CT = uids.CT_IMAGE_STORAGE
EXPLICIT, IMPLICIT, BIG = (
    uids.EXPLICIT_VR_LITTLE_ENDIAN,
    uids.IMPLICIT_VR_LITTLE_ENDIAN,
    uids.EXPLICIT_VR_BIG_ENDIAN,
)
STUDY_FIND = "1.2.840.10008.5.1.4.1.2.2.1"


def request(*contexts: tuple[str, tuple[str, ...]], **user: object) -> pdu.AssociateRequest:
    made = tuple(pdu.PresentationContext(2 * n + 1, uid, syntaxes) for n, (uid, syntaxes) in enumerate(contexts))
    return pdu.AssociateRequest("US", "THEM", made, pdu.UserInformation(**user))  # type: ignore[arg-type]  # fields of UserInformation


def agree(asked: pdu.AssociateRequest, allowed: frozenset[Service] = frozenset(Service)) -> negotiation.Agreement:
    return negotiation.agree(asked, allowed, 131072)


@pytest.mark.parametrize(
    ("uid", "service"),
    [
        ("1.2.840.10008.1.1", Service.ECHO),
        (CT, Service.STORE),
        ("1.2.840.10008.5.1.4.1.1.6", Service.STORE),  # Ultrasound Image Storage, retired
        ("1.2.840.10008.5.1.1.27", Service.STORE),  # Stored Print Storage, retired
        ("1.2.840.10008.5.1.4.38.1", Service.STORE),  # Hanging Protocol Storage
        ("1.2.840.10008.5.1.4.1.1.999.7", Service.STORE),  # younger than our dictionary
        ("1.3.46.670589.5.0.1", Service.STORE),  # private: Philips
        ("1.2.840.113619.4.26", Service.STORE),  # private: GE
        (STUDY_FIND, Service.FIND),
        ("1.2.840.10008.5.1.4.1.2.1.2", Service.MOVE),
        ("1.2.840.10008.5.1.4.1.2.2.3", Service.GET),
        ("1.2.840.10008.1.20.1", None),  # Storage Commitment Push Model
        ("1.2.840.10008.5.1.4.31", None),  # Modality Worklist
        ("1.2.840.10008.3.1.2.3.3", None),  # MPPS
        ("1.2.840.10008.1.3.10", None),  # Media Storage Directory
        ("not a uid", None),
        ("", None),
    ],
)
def test_every_storage_class_also_retired_and_private(uid: str, service: Service | None) -> None:
    assert service_of(uid) is service


def test_every_storage_class_of_the_standard_is_storage() -> None:
    classes = uids.storage_sop_classes()
    assert len(classes) > 150
    assert {service_of(uid) for uid in classes} == {Service.STORE}


@pytest.mark.parametrize(
    ("proposed", "chosen"),
    [
        ((IMPLICIT, EXPLICIT), EXPLICIT),
        ((BIG, IMPLICIT, EXPLICIT), EXPLICIT),
        ((IMPLICIT,), IMPLICIT),
        ((BIG, IMPLICIT), BIG),
        ((uids.JPEG_LOSSLESS_SV1, EXPLICIT), uids.JPEG_LOSSLESS_SV1),
        ((EXPLICIT, uids.JPEG_LOSSLESS_SV1), EXPLICIT),
        ((uids.JPEG_BASELINE, IMPLICIT), uids.JPEG_BASELINE),
        (("1.2.840.113619.5.2",), "1.2.840.113619.5.2"),
        (("garbage", IMPLICIT), IMPLICIT),
        (("garbage",), None),
        ((), None),
    ],
)
def test_storage_keeps_what_the_sender_has(proposed: tuple[str, ...], chosen: str | None) -> None:
    assert negotiation.choose_transfer_syntax(Service.STORE, proposed) == chosen


def test_every_transfer_syntax_is_taken_for_storage() -> None:
    asked = request(*[(CT, (uid,)) for uid in uids.transfer_syntaxes()[:128]])
    assert {result.result for result in agree(asked).accept.contexts} == {negotiation.ACCEPTANCE}


def test_queries_are_not_taken_compressed() -> None:
    asked = request((STUDY_FIND, (uids.JPEG_BASELINE,)), (STUDY_FIND, (uids.JPEG_BASELINE, IMPLICIT)))
    results = agree(asked).accept.contexts
    assert [one.result for one in results] == [negotiation.TRANSFER_SYNTAXES_NOT_SUPPORTED, negotiation.ACCEPTANCE]
    assert results[1].transfer_syntax == IMPLICIT


def test_only_what_the_caller_may_do() -> None:
    asked = request((CT, (EXPLICIT,)), (STUDY_FIND, (EXPLICIT,)), ("1.2.840.10008.1.20.1", (IMPLICIT,)))
    agreement = agree(asked, frozenset({Service.STORE, Service.ECHO}))
    assert [one.result for one in agreement.accept.contexts] == [
        negotiation.ACCEPTANCE,
        negotiation.USER_REJECTION,
        negotiation.ABSTRACT_SYNTAX_NOT_SUPPORTED,
    ]
    assert [one.context_id for one in agreement.contexts] == [1]


def test_trap_44_role_selection_for_c_get() -> None:
    roles = (pdu.RoleSelection(CT, False, True), pdu.RoleSelection("1.2.3.4", True, True))
    agreement = agree(request((CT, (uids.JPEG_BASELINE, EXPLICIT)), roles=roles))
    assert agreement.accept.user.roles == (pdu.RoleSelection(CT, False, True),)
    (context,) = agreement.contexts
    assert (context.requestor_is_scu, context.requestor_is_scp) == (False, True)
    assert context.transfer_syntax == EXPLICIT


def test_trap_44_role_scp_without_the_right_to_get_is_turned_down() -> None:
    roles = (pdu.RoleSelection(CT, True, True),)
    agreement = agree(request((CT, (EXPLICIT,)), roles=roles), frozenset({Service.STORE}))
    assert agreement.accept.user.roles == (pdu.RoleSelection(CT, True, False),)


def test_trap_50_async_window_is_answered_one_and_one() -> None:
    agreement = agree(request((CT, (EXPLICIT,)), async_window=pdu.AsyncOperationsWindow(0, 0)))
    assert agreement.accept.user.async_window == pdu.AsyncOperationsWindow(1, 1)
    assert agree(request((CT, (EXPLICIT,)))).accept.user.async_window is None


def test_n4_reused_context_id_is_invalid() -> None:
    one = pdu.PresentationContext(1, CT, (EXPLICIT,))
    with pytest.raises(Invalid):
        negotiation.check(pdu.AssociateRequest("A", "B", (one, one)))


def test_wrong_application_context_or_version_is_rejected() -> None:
    assert negotiation.check(pdu.AssociateRequest("A", "B", (), application_context="1.2")) == pdu.AssociateReject(
        1, 1, 2
    )
    assert negotiation.check(pdu.AssociateRequest("A", "B", (), protocol_version=2)) == pdu.AssociateReject(1, 2, 2)
    assert negotiation.check(pdu.AssociateRequest("A", "B", (), protocol_version=0xFFFF)) is None


@given(
    st.lists(st.tuples(st.sampled_from([CT, STUDY_FIND, "1.2.840.10008.1.1", "1.2.840.10008.1.20.1", "9.9"]),
                       st.lists(st.sampled_from([EXPLICIT, IMPLICIT, uids.JPEG_BASELINE, "x"]), max_size=3).map(tuple)), max_size=8),
    st.frozensets(st.sampled_from(list(Service))),
)  # fmt: skip
def test_every_context_gets_one_answer_and_only_proposed_syntaxes(
    contexts: list[tuple[str, tuple[str, ...]]], allowed: frozenset[Service]
) -> None:
    asked = request(*contexts)
    agreement = agree(asked, allowed)
    assert [one.context_id for one in agreement.accept.contexts] == [one.context_id for one in asked.contexts]
    for proposed, answered in zip(asked.contexts, agreement.accept.contexts, strict=True):
        if answered.result == negotiation.ACCEPTANCE:
            assert answered.transfer_syntax in proposed.transfer_syntaxes
    assert pdu.decode(pdu.encode(agreement.accept)) == agreement.accept
