"""What Heliograph asks of remote nodes: echo, query, retrieve, send; for jobs, the API and the command line."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from heliograph.gateways.dimse import status
from heliograph.gateways.dimse.association import Limits
from heliograph.gateways.dimse.carrier import Carrier, Tell
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.receiver import Receiver
from heliograph.gateways.dimse.requestor import MAX_CONTEXTS, Destination, Proposal, open_association
from heliograph.gateways.dimse.scp_store import StoreService
from heliograph.gateways.dimse.scu import AskToStop, Progress, User
from heliograph.gateways.dimse.sender import Read
from heliograph.gateways.dimse.services import STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from heliograph.kit.errors import HeliographError, Invalid, Refused
from heliograph.kit.time import monotonic_s
from heliograph.standards.dicom import dataset, uids

Responses = Iterator[Progress]

_PLAIN = (uids.EXPLICIT_VR_LITTLE_ENDIAN, uids.IMPLICIT_VR_LITTLE_ENDIAN)
_ECHO_LIMITS = Limits(artim_s=10.0, send_timeout_s=10.0)
_STUDY_KEYS = (
    "StudyInstanceUID", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "AccessionNumber", "StudyDescription", "ModalitiesInStudy", "ReferringPhysicianName", "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)  # fmt: skip
# What nodes hold most, for a C-GET that cannot know what will come (128 contexts at most).
_COMPRESSED = (
    uids.JPEG_LOSSLESS_SV1,
    uids.JPEG_2000_LOSSLESS,
    uids.JPEG_LS_LOSSLESS,
    uids.JPEG_BASELINE,
    uids.RLE_LOSSLESS,
)


def echo(destination: Destination, calling_aet: str) -> float:
    """Milliseconds from connecting to the answer of a C-ECHO; errors say in words what stands in the way."""
    began = monotonic_s()
    proposal = Proposal(uids.VERIFICATION, (uids.IMPLICIT_VR_LITTLE_ENDIAN,))
    user = User(open_association(destination, calling_aet, [proposal], limits=_ECHO_LIMITS), response_timeout_s=10.0)
    try:
        code = user.echo()
    finally:
        user.release()
    if code != status.SUCCESS:
        raise Refused(f"the other node answered the echo with status {code:04X}H", code="echo_failed")
    return (monotonic_s() - began) * 1000


def find_studies(
    destination: Destination, calling_aet: str, filters: Mapping[str, str], *, limit: int = 200
) -> tuple[list[dict[str, list[str]]], bool]:
    """Studies of a remote node by keyword -> values, and whether there are more than `limit`."""
    keys: dict[str, object] = {"QueryRetrieveLevel": "STUDY", **dict.fromkeys(_STUDY_KEYS, None), **filters}
    elements = dataset.by_keyword(keys)
    user = User(open_association(destination, calling_aet, [Proposal(STUDY_ROOT_FIND, _PLAIN)]))
    found: list[dict[str, list[str]]] = []
    try:
        matches = user.find(
            STUDY_ROOT_FIND,
            lambda syntax: dataset.encode(elements, syntax, character_set="ISO_IR 192"),
            limit=limit + 1,
        )
        for syntax, data in matches:
            match = dataset.decode(data, syntax)
            found.append({keyword: list(match.texts(keyword)) for keyword in _STUDY_KEYS})
    finally:
        user.release()
    return found[:limit], len(found) > limit


def classes_of_study(destination: Destination, calling_aet: str, study_uid: str) -> tuple[str, ...]:
    """The SOP classes in a study, when the node tells them."""
    elements = dataset.by_keyword(
        {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_uid, "SOPClassesInStudy": None}
    )
    try:
        user = User(open_association(destination, calling_aet, [Proposal(STUDY_ROOT_FIND, _PLAIN)]))
        try:
            for syntax, data in user.find(STUDY_ROOT_FIND, lambda to: dataset.encode(elements, to)):
                return tuple(uid for uid in dataset.decode(data, syntax).texts("SOPClassesInStudy") if uid)
        finally:
            user.release()
    except (Refused, Invalid):  # no query, or none of this kind: it may send all the same
        pass
    return ()


def move_study(
    destination: Destination, calling_aet: str, study_uid: str, to_aet: str, stop: AskToStop = lambda: None
) -> Iterator[Progress]:
    """Has a node send a study to an application entity that it knows: usually ourselves."""
    user = User(open_association(destination, calling_aet, [Proposal(STUDY_ROOT_MOVE, _PLAIN)]))
    try:
        yield from user.move(STUDY_ROOT_MOVE, _study(study_uid), to_aet, stop)
    finally:
        user.release()


def get_study(
    destination: Destination,
    calling_aet: str,
    study_uid: str,
    sop_classes: Sequence[str],
    receiver: Receiver,
    stop: AskToStop = lambda: None,
) -> Iterator[Progress]:
    """Fetches a study over the same association; what comes goes to `receiver` as if it had been sent to us."""
    proposals = [Proposal(STUDY_ROOT_GET, _PLAIN)]
    proposals += [Proposal(uid, _PLAIN, as_scp=True) for uid in sop_classes]
    for syntax in _COMPRESSED:
        proposals += [Proposal(uid, (syntax,), as_scp=True) for uid in sop_classes]
    user = User(open_association(destination, calling_aet, proposals[:MAX_CONTEXTS]))
    try:
        yield from user.get(STUDY_ROOT_GET, _study(study_uid), StoreService(user.association, receiver).store, stop)
    finally:
        user.release()


def send(
    destination: Destination,
    calling_aet: str,
    items: Sequence[Stored],
    read: Read,
    tell: Tell,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> HeliographError | None:
    """Sends objects; the error says why the node could not be reached, and the items that were not told are to be sent again."""
    carrier = Carrier(lambda to, proposals: open_association(to, calling_aet, proposals), destination, read)
    return carrier.carry(items, tell, is_cancelled)


def _study(study_uid: str) -> Callable[[str], bytes]:
    elements = dataset.by_keyword({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_uid})
    return lambda syntax: dataset.encode(elements, syntax)
