"""pynetdicom as a peer: a second opinion on every message, and a receiver that remembers what it got."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from pydicom import Dataset
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import AE, AllStoragePresentationContexts, build_role, evt
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from tests.peers import Dicom
from tests.peers.ports import free_port


class NoAssociation(AssertionError):
    """Rejected, aborted, or nobody there."""


def associate(
    to: Dicom,
    contexts: Iterable[Any],
    *,
    calling: str = "PYNET",
    handlers: Sequence[Any] = (),
    roles: Sequence[Any] = (),
) -> Any:
    entity = AE(ae_title=calling)
    entity.requested_contexts = list(contexts)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 120
    association = entity.associate(to.host, to.port, ae_title=to.aet, evt_handlers=list(handlers), ext_neg=list(roles))
    if not association.is_established:
        raise NoAssociation(f"rejected: {association.is_rejected}, aborted: {association.is_aborted}")
    return association


def echo(to: Dicom, *, calling: str = "PYNET") -> int:
    association = associate(to, [build_context(Verification)], calling=calling)
    try:
        return int(association.send_c_echo().Status)
    finally:
        association.release()


def store(to: Dicom, datasets: Sequence[Dataset], *, calling: str = "PYNET") -> list[int]:
    """The status of each C-STORE, in order."""
    pairs = {(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID) for ds in datasets}
    association = associate(
        to, [build_context(abstract, syntax) for abstract, syntax in sorted(pairs)], calling=calling
    )
    try:
        return [int(association.send_c_store(ds).Status) for ds in datasets]
    finally:
        association.release()


def find(
    of: Dicom, identifier: Dataset, *, model: Any = StudyRootQueryRetrieveInformationModelFind, calling: str = "PYNET"
) -> tuple[int, list[Dataset]]:
    """(final status, identifiers of the pending answers)."""
    association = associate(of, [build_context(model)], calling=calling)
    try:
        answers = [(int(status.Status), found) for status, found in association.send_c_find(identifier, model)]
    finally:
        association.release()
    return answers[-1][0], [found for _status, found in answers[:-1] if found is not None]


@dataclass
class Retrieved:
    """What a C-MOVE or C-GET said at its end."""

    status: int
    completed: int
    failed: int
    warning: int
    pending: int
    failed_uids: tuple[str, ...] = ()
    datasets: list[Dataset] = field(default_factory=list)


def _retrieved(answers: Iterable[tuple[Dataset, Dataset | None]], datasets: list[Dataset]) -> Retrieved:
    answers = list(answers)
    last, identifier = answers[-1]
    failed = identifier.get("FailedSOPInstanceUIDList") if identifier is not None else None
    uids = () if not failed else ((failed,) if isinstance(failed, str) else tuple(failed))

    def count(keyword: str) -> int:
        return int(last.get(keyword, 0) or 0)

    return Retrieved(
        int(last.Status),
        count("NumberOfCompletedSuboperations"),
        count("NumberOfFailedSuboperations"),
        count("NumberOfWarningSuboperations"),
        sum(1 for status, _ in answers if status.Status in (0xFF00, 0xFF01)),
        uids,
        datasets,
    )


def move(
    of: Dicom,
    destination: str,
    identifier: Dataset,
    *,
    model: Any = StudyRootQueryRetrieveInformationModelMove,
    calling: str = "PYNET",
) -> Retrieved:
    association = associate(of, [build_context(model)], calling=calling)
    try:
        return _retrieved(association.send_c_move(identifier, destination, model), [])
    finally:
        association.release()


def get(
    of: Dicom,
    identifier: Dataset,
    storage: Sequence[tuple[str, Sequence[str]]],
    *,
    model: Any = StudyRootQueryRetrieveInformationModelGet,
    calling: str = "PYNET",
) -> Retrieved:
    """storage: (SOP class, transfer syntaxes) that we accept on the same association."""
    datasets: list[Dataset] = []

    def keep(event: Any) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        datasets.append(dataset)
        return 0x0000

    contexts = [build_context(model), *(build_context(abstract, list(syntaxes)) for abstract, syntaxes in storage)]
    roles = [build_role(abstract, scp_role=True) for abstract in {abstract for abstract, _ in storage}]
    association = associate(of, contexts, calling=calling, handlers=[(evt.EVT_C_STORE, keep)], roles=roles)
    try:
        return _retrieved(association.send_c_get(identifier, model), datasets)
    finally:
        association.release()


class StoreScp:
    """Receives on loopback; `received` has data sets, `status` is what it answers (a number or a function of the event)."""

    def __init__(self, *, aet: str = "PYNETSCP", syntaxes: Sequence[str] | None = None, status: Any = 0x0000) -> None:
        self.dicom = Dicom("127.0.0.1", free_port(), aet)
        self.received: list[Dataset] = []
        self.raw: dict[str, bytes] = {}
        self.status = status
        self._lock = threading.Lock()
        self._entity = AE(ae_title=aet)
        for context in AllStoragePresentationContexts:
            self._entity.add_supported_context(context.abstract_syntax, list(syntaxes or AllTransferSyntaxes))
        self._entity.add_supported_context(Verification)
        self._server: Any = None

    def _keep(self, event: Any) -> Any:
        answer = self.status(event) if callable(self.status) else self.status
        if isinstance(answer, Dataset):  # with words of its own
            return answer
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        with self._lock:
            self.received.append(dataset)
            self.raw[str(event.request.AffectedSOPInstanceUID)] = event.request.DataSet.getvalue()
        return int(answer)

    def __enter__(self) -> Self:
        where = (self.dicom.host, self.dicom.port)
        self._server = self._entity.start_server(where, block=False, evt_handlers=[(evt.EVT_C_STORE, self._keep)])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
