"""What an acceptor answers to an A-ASSOCIATE-RQ: pure decisions, no socket (PS3.8 9.3.3, PS3.7 D.3)."""

from collections.abc import Collection
from dataclasses import dataclass

from heliograph import __version__
from heliograph.gateways.dimse.association import AcceptedContext
from heliograph.gateways.dimse.pdu import (
    APPLICATION_CONTEXT,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    AsyncOperationsWindow,
    ContextResult,
    ExtendedNegotiation,
    PresentationContext,
    RoleSelection,
    UserInformation,
)
from heliograph.gateways.dimse.services import Service, service_of
from heliograph.kit.errors import Invalid
from heliograph.standards.dicom import uids

IMPLEMENTATION_CLASS_UID = "2.25.213594736118873054087251330562017354241"
IMPLEMENTATION_VERSION_NAME = f"HELIOGRAPH_{__version__}"[:16]

ACCEPTANCE = 0
USER_REJECTION = 1
ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED = 4

PERMANENT, TRANSIENT = 1, 2
BY_USER, BY_ACSE, BY_PRESENTATION = 1, 2, 3
NO_REASON = AssociateReject(PERMANENT, BY_USER, 1)
APPLICATION_CONTEXT_NOT_SUPPORTED = AssociateReject(PERMANENT, BY_USER, 2)
CALLING_AET_NOT_RECOGNIZED = AssociateReject(PERMANENT, BY_USER, 3)
CALLED_AET_NOT_RECOGNIZED = AssociateReject(PERMANENT, BY_USER, 7)
PROTOCOL_VERSION_NOT_SUPPORTED = AssociateReject(PERMANENT, BY_ACSE, 2)
TEMPORARY_CONGESTION = AssociateReject(TRANSIENT, BY_PRESENTATION, 1)
LOCAL_LIMIT_EXCEEDED = AssociateReject(TRANSIENT, BY_PRESENTATION, 2)

_QUERY_SYNTAXES = (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_BIG_ENDIAN)
_UNCOMPRESSED = frozenset({uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_BIG_ENDIAN})
# Level 2 (full), signature level 3, no coercion of stored elements (PS3.4 B.3.1).
_STORAGE_EXTENDED = bytes((2, 0, 3, 0, 0, 0))


@dataclass(frozen=True, slots=True)
class Agreement:
    """The answer on the wire and what it means."""

    accept: AssociateAccept
    contexts: tuple[AcceptedContext, ...]


def check(request: AssociateRequest) -> AssociateReject | None:
    """What makes the whole association impossible; duplicate context ids are Invalid (abort)."""
    if not request.protocol_version & 1:
        return PROTOCOL_VERSION_NOT_SUPPORTED
    if request.application_context != APPLICATION_CONTEXT:
        return APPLICATION_CONTEXT_NOT_SUPPORTED
    ids = [context.context_id for context in request.contexts]
    if len(ids) != len(set(ids)):
        raise Invalid("two presentation contexts have the same id", code="context_id_reused")
    return None


def agree(request: AssociateRequest, allowed: Collection[Service], max_pdu_length: int) -> Agreement:
    """Accept what `allowed` covers, context by context."""
    roles = {role.sop_class_uid: role for role in request.user.roles}
    results: list[ContextResult] = []
    accepted: list[AcceptedContext] = []
    for context in request.contexts:
        result, agreed = _answer(context, roles, allowed)
        results.append(result)
        if agreed is not None:
            accepted.append(agreed)
    return Agreement(_accept(request, results, accepted, max_pdu_length), tuple(accepted))


def _answer(
    context: PresentationContext, roles: dict[str, RoleSelection], allowed: Collection[Service]
) -> tuple[ContextResult, AcceptedContext | None]:
    service = service_of(context.abstract_syntax)
    if service is None:
        return ContextResult(context.context_id, ABSTRACT_SYNTAX_NOT_SUPPORTED), None
    role = _role(service, roles.get(context.abstract_syntax), allowed)
    if not role.scu and not role.scp:
        return ContextResult(context.context_id, USER_REJECTION), None
    syntax = choose_transfer_syntax(service, context.transfer_syntaxes, we_send=role.scp and not role.scu)
    if syntax is None:
        return ContextResult(context.context_id, TRANSFER_SYNTAXES_NOT_SUPPORTED), None
    agreed = AcceptedContext(context.context_id, context.abstract_syntax, syntax, role.scu, role.scp)
    return ContextResult(context.context_id, ACCEPTANCE, syntax), agreed


def _role(service: Service, proposed: RoleSelection | None, allowed: Collection[Service]) -> RoleSelection:
    """What the requestor may be. Storage as SCP is how a C-GET requestor takes objects (PS3.4 C.5.3)."""
    uid = proposed.sop_class_uid if proposed else ""
    if service is not Service.STORE:
        return RoleSelection(uid, scu=service in allowed, scp=False)
    if proposed is None:
        return RoleSelection(uid, scu=Service.STORE in allowed or Service.GET in allowed, scp=False)
    scu = proposed.scu and Service.STORE in allowed
    return RoleSelection(uid, scu=scu, scp=proposed.scp and Service.GET in allowed)


def choose_transfer_syntax(service: Service, proposed: tuple[str, ...], *, we_send: bool = False) -> str | None:
    """Storage takes what the sender put first, for so its objects are; of uncompressed ones Explicit VR LE.

    When only we send on the context (C-GET), Explicit VR LE goes first: every object can be sent in it.
    """
    if service is not Service.STORE:
        return next((uid for uid in _QUERY_SYNTAXES if uid in proposed), None)
    usable = [uid for uid in proposed if uids.is_valid_uid(uid)]
    if not usable:
        return None
    if uids.EXPLICIT_VR_LITTLE_ENDIAN in usable and (we_send or usable[0] in _UNCOMPRESSED):
        return uids.EXPLICIT_VR_LITTLE_ENDIAN
    return usable[0]


def _extended(asked: ExtendedNegotiation) -> bytes:
    """Queries: relational, combined date and time, fuzzy names; no time zone adjustment (PS3.4 C.5.1.1)."""
    service = service_of(asked.sop_class_uid)
    if service is Service.STORE:
        return _STORAGE_EXTENDED
    if service is Service.FIND:
        return (bytes((1,)) + asked.information[1:3] + bytes(8))[: max(1, len(asked.information))]
    return bytes((1,)) if service in {Service.MOVE, Service.GET} else b""


def _accept(
    request: AssociateRequest, results: list[ContextResult], accepted: list[AcceptedContext], max_pdu_length: int
) -> AssociateAccept:
    by_class = {context.abstract_syntax: context for context in accepted}
    roles = tuple(
        RoleSelection(role.sop_class_uid, agreed.requestor_is_scu, agreed.requestor_is_scp)
        for role in request.user.roles
        if (agreed := by_class.get(role.sop_class_uid)) is not None
    )
    extended = tuple(
        ExtendedNegotiation(one.sop_class_uid, information)
        for one in request.user.extended
        if one.sop_class_uid in by_class and (information := _extended(one))
    )
    user = UserInformation(
        max_length=max_pdu_length,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        async_window=AsyncOperationsWindow(1, 1) if request.user.async_window is not None else None,
        roles=roles,
        extended=extended,
    )
    return AssociateAccept(request.called_aet, request.calling_aet, tuple(results), user)
