"""Asking another node for an association (PS3.8 7.1, the requestor's side)."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass

from heliograph.gateways.dimse import pdu
from heliograph.gateways.dimse._wire import Lost, PeerGone, Wire
from heliograph.gateways.dimse.association import AcceptedContext, Association, Limits, Peer
from heliograph.gateways.dimse.negotiation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, TRANSIENT
from heliograph.gateways.dimse.secure import Secrecy, call
from heliograph.kit.errors import Busy, Invalid, Refused
from heliograph.kit.time import monotonic_s

MAX_CONTEXTS = 128
_MAX_ANSWER_BYTES = 200 * 1024


@dataclass(frozen=True, slots=True)
class Destination:
    """Where another application entity listens."""

    aet: str
    host: str
    port: int
    tls: Secrecy | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """An abstract syntax with transfer syntaxes; `as_scp` offers to take what a C-GET sends (PS3.7 D.3.3.4)."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]
    as_scp: bool = False


def open_association(
    destination: Destination,
    calling_aet: str,
    proposals: Sequence[Proposal],
    *,
    limits: Limits | None = None,
    connect_timeout_s: float = 10.0,
) -> Association:
    """An established association; Busy when nobody answers or the node is full, Refused when it does not want us."""
    limits = limits or Limits()
    contexts = tuple(
        pdu.PresentationContext(2 * number + 1, one.abstract_syntax, one.transfer_syntaxes)
        for number, one in enumerate(proposals[:MAX_CONTEXTS])
    )
    roles = {
        one.abstract_syntax: pdu.RoleSelection(one.abstract_syntax, False, True) for one in proposals if one.as_scp
    }
    user = pdu.UserInformation(
        max_length=limits.max_pdu_length,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        roles=tuple(roles.values()),
    )
    request = pdu.AssociateRequest(destination.aet, calling_aet, contexts, user)
    wire = Wire(_line(destination, connect_timeout_s))
    try:
        wire.send([pdu.encode(request)], limits.send_timeout_s)
        answer = _answer(wire, monotonic_s() + limits.artim_s)
        if not isinstance(answer, pdu.AssociateAccept):
            raise _no(answer)
    except Lost as lost:
        wire.close()
        raise Busy("the other node broke the connection off", code=lost.code) from lost
    except BaseException:
        wire.close()
        raise
    return _established(wire, destination, request, answer, limits)


def _connect(destination: Destination, timeout_s: float) -> socket.socket:
    try:
        return socket.create_connection((destination.host, destination.port), timeout_s)
    except TimeoutError as error:
        raise Busy("the other node does not answer", code="connect_timeout", retry_after_s=30.0) from error
    except socket.gaierror as error:
        raise Busy("the name of the other node is not known", code="unknown_host", retry_after_s=60.0) from error
    except OSError as error:
        raise Busy("the other node refuses the connection", code="connect_refused", retry_after_s=30.0) from error


def _line(destination: Destination, timeout_s: float) -> socket.socket:
    sock = _connect(destination, timeout_s)
    if destination.tls is None:
        return sock
    try:
        return call(destination.tls, sock, destination.host, timeout_s)
    except BaseException:
        sock.close()
        raise


def _answer(wire: Wire, deadline: float) -> pdu.Pdu:
    wire.need(6, deadline)
    kind, length = pdu.HEADER.unpack_from(wire.buffer, wire.start)
    if kind not in {pdu.A_ASSOCIATE_AC, pdu.A_ASSOCIATE_RJ, pdu.A_ABORT} or length > _MAX_ANSWER_BYTES:
        wire.send([pdu.encode(pdu.Abort(2, 2))], 1.0)
        raise Refused("the other node does not speak DICOM", code="not_dicom")
    wire.need(length + 6, deadline)
    data = bytes(wire.view[wire.start : wire.start + length + 6])
    wire.start += length + 6
    try:
        return pdu.decode(data)
    except Invalid as error:
        raise Refused(f"the other node's answer cannot be read: {error.message}", code="not_dicom") from error


_REASONS = {
    (1, 1): "no reason given",
    (1, 2): "it does not support our application context",
    (1, 3): "it does not know our AE title",
    (1, 7): "that is not its AE title",
    (2, 1): "no reason given",
    (2, 2): "it does not support our protocol version",
    (3, 1): "it is busy",
    (3, 2): "it has no association free",
}


def _no(answer: pdu.Pdu) -> Busy | Refused:
    if isinstance(answer, pdu.AssociateReject):
        reason = _REASONS.get((answer.source, answer.reason), f"reason {answer.source}/{answer.reason}")
        if answer.result == TRANSIENT:
            return Busy(f"the other node rejected the association: {reason}", code="association_rejected")
        return Refused(f"the other node rejected the association: {reason}", code="association_rejected")
    return Busy("the other node aborted the association", code="association_aborted")


def _established(
    wire: Wire, destination: Destination, request: pdu.AssociateRequest, answer: pdu.AssociateAccept, limits: Limits
) -> Association:
    proposed = {context.context_id: context for context in request.contexts}
    asked = {role.sop_class_uid for role in request.user.roles}
    as_scp = {role.sop_class_uid for role in answer.user.roles if role.scp}
    accepted = []
    for result in answer.contexts:
        context = proposed.get(result.context_id)
        if result.result != 0 or context is None or result.transfer_syntax not in context.transfer_syntaxes:
            continue
        uid = context.abstract_syntax
        # A node that answers no role selection at all usually sends on the context all the same (trap 44).
        is_scp = uid in asked and (uid in as_scp or not answer.user.roles)
        accepted.append(AcceptedContext(result.context_id, uid, result.transfer_syntax, uid not in asked, is_scp))
    peer = Peer(destination.aet, request.calling_aet, destination.host, destination.port, answer.user)
    association = Association(wire, peer, accepted, limits, is_requestor=True)
    if not accepted:
        with_reason = Refused("the other node accepted none of what we proposed", code="nothing_accepted")
        try:
            association.release()
        except PeerGone:
            association.abort()
        raise with_reason
    return association
