"""Work on other nodes that the worker process does: durable sends, retrieval of studies."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from heliograph.engine.db import Tx
from heliograph.engine.jobs import Cancelled, Interrupted, JobRun, Work
from heliograph.engine.jobs.worker import Periodic
from heliograph.engine.telemetry import trouble
from heliograph.features import routing
from heliograph.features.access import note, system_actor, title_of
from heliograph.features.routing import Node, Outgoing, Send
from heliograph.features.routing.jobs import wake
from heliograph.features.routing.model import counted
from heliograph.gateways.dimse import nodes, status
from heliograph.gateways.dimse.archive_receiver import ArchiveReceiver
from heliograph.gateways.dimse.association import Lost, Peer
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.requestor import Destination
from heliograph.gateways.dimse.scu import AskToStop, Progress
from heliograph.gateways.dimse.secure import secrecy
from heliograph.gateways.dimse.sender import Result
from heliograph.kit.errors import Broken, Busy, HeliographError, Refused
from heliograph.kit.settings import Settings
from heliograph.kit.time import monotonic_s
from heliograph.services import Services
from heliograph.standards.dicom import uids

_WAKE_EVERY_S = 2.0
_PUT_BACK_EVERY_S = 60.0
_KEEP_EVERY_S = 0.5
_MOST_CLASSES = 18
# How long a node may take for its last answer; the worker has less than the supervisor's six seconds when it ends.
_PATIENCE_S = {Cancelled: 10.0, Interrupted: 1.0}
# What a study is made of when its node does not tell.
_USUAL_CLASSES = (
    uids.CT_IMAGE_STORAGE, uids.MR_IMAGE_STORAGE, "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.13.1.3", "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.20", "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.12.1",
    uids.SECONDARY_CAPTURE_IMAGE_STORAGE, "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.88.67", "1.2.840.10008.5.1.4.1.1.11.1",
    "1.2.840.10008.5.1.4.1.1.104.1",
)  # fmt: skip


def works(services: Services) -> list[Work]:
    """The kinds of work this gateway does."""
    return [
        Work(routing.SEND_WORK, lambda send_id: SendRun(services, UUID(send_id)).run(), tracked=False),
        Work(routing.RETRIEVE_WORK, lambda run: retrieve(services, run)),
    ]


def duties(services: Services) -> list[Periodic]:
    return [
        Periodic("sends", _WAKE_EVERY_S, lambda: wake(services.database)),
        Periodic("lost sends", _PUT_BACK_EVERY_S, lambda: routing.put_back(services.database)),
    ]


@dataclass(slots=True)
class SendRun:
    """One attempt of one send; it goes on behind the last object that the node answered."""

    services: Services
    send_id: UUID
    done: int = 0
    failed: int = 0
    through: int = 0
    wanted: bool = True
    full: Result | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    _numbers: dict[str, int] = field(default_factory=dict)
    _kept_at: float = 0.0

    def run(self) -> None:
        with self.services.database.transaction() as tx:
            send = routing.begin(tx, self.send_id)
        if send is None:
            return
        self.done, self.failed, self.through = send.done, send.failed, send.sent_through
        try:
            error = self._bring(send)
        except HeliographError as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 a send must wait for its next attempt, whatever happened in this one
            trouble("send_failed", raised)
            error = Broken("an unexpected error; the log has its place")
        self._keep()
        self._end(send, error)

    def _bring(self, send: Send) -> HeliographError | None:
        error: HeliographError | None = None
        while error is None and self.wanted and self.full is None:
            with self.services.database.transaction() as tx:
                items = routing.outgoing(tx, replace(send, sent_through=self.through))
            if not items:
                break
            error = self._attempt(send, items)
            self._keep()
        return error

    def _attempt(self, send: Send, items: Sequence[Outgoing]) -> HeliographError | None:
        self._numbers = {item.sop_uid: item.instance_id for item in items}
        return nodes.send(
            destination_of(send.node, self.services.settings),
            _title(self.services, send.tenant_id),
            [_stored(item) for item in items],
            lambda item, offset, length: self.services.blobs.read(item.blob, offset, length),
            self._tell,
            lambda: not self.wanted or self.full is not None,
        )

    def _tell(self, item: Stored, result: Result) -> None:
        if result.status & 0xFF00 == status.OUT_OF_RESOURCES:
            self.full = result  # the node is full: the same object goes first next time
            return
        if result.is_failure:
            self.failed += 1
            self.reasons[result.comment or status.told(result.status)] += 1
        else:
            self.done += 1
        self.through = max(self.through, self._numbers[item.sop_instance_uid])
        if monotonic_s() - self._kept_at >= _KEEP_EVERY_S:
            self._keep()

    def _keep(self) -> None:
        self._kept_at = monotonic_s()
        with self.services.database.transaction() as tx:
            self.wanted = routing.keep_progress(
                tx, self.send_id, done=self.done, failed=self.failed, sent_through=self.through
            )

    def _end(self, send: Send, error: HeliographError | None) -> None:
        if self.full is not None:
            error = Busy(f"the node has no room: {status.told(self.full.status)}", code="node_full")
        with self.services.database.transaction() as tx:
            if not self.wanted:
                pass  # somebody has ended it
            elif error is not None:
                routing.put_off(tx, send, error)
            elif self.failed:
                routing.finish(tx, send, "failed", f"{self.failed} objects were not taken: {counted(self.reasons)}")
            else:
                routing.finish(tx, send, "done")
            self._note(tx, send, is_last=self.wanted and error is None)

    def _note(self, tx: Tx, send: Send, *, is_last: bool) -> None:
        """What has left the house is on record with every attempt, however the send ends; `done` counts earlier attempts too."""
        count = self.done - send.done
        if not count and not is_last:
            return
        subject = {"study": send.study_id, "send": str(send.id), "node": str(send.node.id)}
        detail = {"count": count, "done": self.done, "failed": self.failed}
        note(tx, system_actor("sending", send.tenant_id), "instances.sent", subject, detail=detail)


def retrieve(services: Services, run: JobRun) -> None:
    """Fetches a study: C-MOVE to ourselves, and C-GET when the node does not know us or cannot move."""
    with services.database.transaction() as tx:
        node = routing.find_node(tx, run.tenant_id, run.arguments["node_id"])
    study_uid = str(run.arguments["study_uid"])
    destination, aet = destination_of(node, services.settings), _title(services, run.tenant_id)
    try:
        final = _follow(run, lambda stop: nodes.move_study(destination, aet, study_uid, aet, stop))
        unable = final.completed + final.warning == 0 and final.status != status.SUCCESS
    except Refused:
        unable = True
    if unable:
        final = _get(services, run, node, study_uid)
    _judge(run, final)
    _check_come(services, run, final, study_uid)


def _get(services: Services, run: JobRun, node: Node, study_uid: str) -> Progress:
    destination, aet = destination_of(node, services.settings), _title(services, run.tenant_id)
    classes = nodes.classes_of_study(destination, aet, study_uid) or _USUAL_CLASSES
    peer = Peer(node.aet, aet, node.host, node.port)
    actor = system_actor("retrieve", run.tenant_id)
    receiver = ArchiveReceiver(
        services.intake,
        actor,
        peer,
        device=None,
        caller_id=None,
        issuer=services.settings.default_issuer,
        verified=True,
    )
    try:
        wanted = classes[:_MOST_CLASSES]
        return _follow(run, lambda stop: nodes.get_study(destination, aet, study_uid, wanted, receiver, stop))
    finally:
        receiver.close()


def _title(services: Services, tenant_id: int) -> str:
    """As what the organisation of a job calls others."""
    with services.database.transaction() as tx:
        return title_of(tx, tenant_id, services.settings.aet)


def _follow(run: JobRun, ask: "Callable[[AskToStop], nodes.Responses]") -> Progress:
    """Turns the node's counts into the job's progress; the last response. A job that is cancelled cancels at the node too."""
    ended: list[HeliographError] = []

    def stop() -> float | None:
        if not ended:
            try:
                run.progress(run.done, run.total)
            except (Cancelled, Interrupted) as error:
                ended.append(error)
        return _PATIENCE_S[type(ended[0])] if ended else None

    final: Progress | None = None
    try:
        for final in ask(stop):
            run.done = final.completed + final.failed + final.warning
            run.total = run.done + (final.remaining or 0)
    except Lost:
        if not ended:
            raise
    if ended and (final is None or final.status != status.SUCCESS):
        if final is not None:
            run.summary = _summary(final)
        raise ended[0]
    if final is None:
        raise Broken("the node ended without an answer", code="no_answer")
    return final


def _judge(run: JobRun, final: Progress) -> None:
    run.summary = _summary(final)
    if final.status == status.SUCCESS and not final.failed:
        return
    if final.completed or final.warning:
        said = "" if final.status == status.SUCCESS else f": {status.told(final.status)}"
        raise Broken(f"the node could not send {final.failed} objects{said}", code="retrieve_incomplete")
    raise Broken(f"the node answered {status.told(final.status)}", code="retrieve_failed")


def _check_come(services: Services, run: JobRun, final: Progress, study_uid: str) -> None:
    """A node that does not have the study has nothing to send and calls that a success."""
    if final.completed + final.warning:
        return
    with services.database.transaction() as tx:
        if not routing.has_study(tx, run.tenant_id, study_uid):
            raise Broken("the node has sent nothing of this study", code="retrieve_empty")


def _summary(progress: Progress) -> dict[str, int]:
    return {"completed": progress.completed, "failed": progress.failed, "warning": progress.warning}


def destination_of(node: Node, settings: Settings) -> Destination:
    tls = secrecy(settings, node.tls_fingerprint) if node.tls else None
    return Destination(node.aet, node.host, node.port, tls)


def _stored(item: Outgoing) -> Stored:
    return Stored(
        item.sop_class_uid, item.sop_uid, item.transfer_syntax_uid, item.blob, item.size_bytes, item.prefix_bytes
    )
