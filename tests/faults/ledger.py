"""Who promised what: senders that write down every acknowledgement, and the audit that holds the archive to it."""

import hashlib
import io
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import httpx
from pydicom import Dataset, FileMetaDataset, dcmwrite
from pydicom.filewriter import write_file_meta_info

from tests.faults.objects import Object
from tests.peers import Dicom, dicomweb, part10
from tests.peers.association import IMPLICIT, Association, Lost
from tests.peers.heliograph import Server

STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"


@dataclass
class Ledger:
    """Objects by what their sender knows of them."""

    acknowledged: dict[str, Object] = field(default_factory=dict)
    open: dict[str, Object] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    lost_wires: int = 0
    late: int = 0
    _frozen: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sending(self, one: Object) -> None:
        with self._lock:
            self.open[one.sop_uid] = one

    def answered(self, one: Object, status: int) -> None:
        """0000, or a warning that says it is stored (B000, B006, B007)."""
        with self._lock:
            if self._frozen:
                self.late += 1
            elif status == 0 or status & 0xF000 == 0xB000:
                self.acknowledged[one.sop_uid] = self.open.pop(one.sop_uid)
            else:
                self.refused[one.sop_uid] = status

    def freeze(self) -> None:
        """Called at the instant before a power cut: an answer that comes later could not have left the machine, so it promises nothing."""
        with self._lock:
            self._frozen = True

    def wire_lost(self) -> None:
        with self._lock:
            self.lost_wires += 1

    @property
    def count(self) -> int:
        return len(self.acknowledged)

    def absorb(self, other: "Ledger") -> None:
        self.acknowledged |= other.acknowledged
        self.open = {uid: one for uid, one in (self.open | other.open).items() if uid not in self.acknowledged}


class Sender(threading.Thread):
    """One association that stores object after object; the next one goes out only when the last was answered and written down."""

    def __init__(self, to: Dicom, supply: Iterator[Object], ledger: Ledger, *, reconnect: bool = True) -> None:
        super().__init__(daemon=True)
        self.to, self.supply, self.ledger, self.reconnect = to, supply, ledger, reconnect
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            first = next(self.supply, None)
            if first is None:
                return
            try:
                wanted = [(first.sop_class, (first.transfer_syntax,))]
                with Association.connect(self.to, wanted, calling="HARNESS", timeout=60) as association:
                    self._send(association, first)
                    while not self.stopping.is_set():
                        one = next(self.supply, None)
                        if one is None:
                            return
                        self._send(association, one)
            except (Lost, OSError):
                self.ledger.wire_lost()
                if not self.reconnect:
                    return
                self.stopping.wait(0.2)

    def _send(self, association: Association, one: Object) -> None:
        self.ledger.sending(one)
        answer = association.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset)
        self.ledger.answered(one, answer.status)


class RequestSender(Sender):
    """One HTTP client that stores by STOW-RS, a few objects a request; what became of each is in the answer."""

    def __init__(self, server: Server, supply: Iterator[Object], ledger: Ledger, *, per_request: int = 7) -> None:
        super().__init__(server.dicom, supply, ledger, reconnect=False)
        self.server, self.per_request = server, per_request

    def run(self) -> None:
        with self.server.client(timeout=120) as client:
            while not self.stopping.is_set():
                try:
                    self._send_row(client, list(islice(self.supply, self.per_request)))
                except httpx.TransportError:
                    self.ledger.wire_lost()
                    return

    def _send_row(self, client: httpx.Client, row: list[Object]) -> None:
        for one in row:
            self.ledger.sending(one)
        answer = dicomweb.stow(client, [file_of(one) for one in row])
        told = answer.json() if answer.headers.get("content-type", "").startswith("application/dicom+json") else {}
        stored = {item["00081155"]["Value"][0] for item in told.get("00081199", {}).get("Value", [])}
        for one in row:
            self.ledger.answered(one, 0 if one.sop_uid in stored else _NOT_STORED)


_NOT_STORED = 0xA700


def file_of(one: Object) -> bytes:
    """The object as a Part 10 file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = one.sop_class, one.sop_uid
    meta.TransferSyntaxUID, meta.ImplementationClassUID = one.transfer_syntax, "1.2.826.0.1.3680043.9.7433.8"
    out = io.BytesIO()
    write_file_meta_info(out, meta)
    return bytes(128) + b"DICM" + out.getvalue() + one.dataset


class Senders:
    """A few senders at once, as a context: they run inside, and are silent after it."""

    def __init__(
        self,
        to: Dicom,
        supplies: Iterable[Iterator[Object]],
        *,
        reconnect: bool = False,
        by_http: tuple[Server, Iterable[Iterator[Object]]] | None = None,
    ) -> None:
        """`by_http` names who stores by STOW-RS beside the associations."""
        self.ledger = Ledger()
        self.threads = [Sender(to, supply, self.ledger, reconnect=reconnect) for supply in supplies]
        if by_http is not None:
            self.threads += [RequestSender(by_http[0], supply, self.ledger) for supply in by_http[1]]

    def __enter__(self) -> "Senders":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self.threads:
            thread.stopping.set()
        for thread in self.threads:
            thread.join(150)
            assert not thread.is_alive(), "a sender hangs: the server neither answers nor closes"

    def wait_for(self, count: int, *, wait_s: float = 150) -> None:
        """Until this many objects are acknowledged."""
        self.wait_until(lambda: self.ledger.count >= count, f"{count} acknowledgements", wait_s=wait_s)

    def wait_until(self, done: Callable[[], bool], what: str, *, wait_s: float = 150) -> None:
        deadline = time.monotonic() + wait_s
        while not done():
            assert time.monotonic() < deadline, f"no {what} within {wait_s:.0f} s; {self.ledger.count} objects went in"
            assert any(thread.is_alive() for thread in self.threads), f"all senders ended before {what}"
            time.sleep(0.01)


@dataclass
class Audit:
    """What the archive gives back, against what it promised."""

    missing: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)
    compared: int = 0

    @property
    def is_clean(self) -> bool:
        return not (self.missing or self.altered or self.ghosts or self.miscounted)

    def __str__(self) -> str:
        parts = {"missing": self.missing, "altered": self.altered, "ghosts": self.ghosts, "miscounted": self.miscounted}
        told = ", ".join(f"{len(uids)} {name} ({uids[:3]})" for name, uids in parts.items() if uids)
        return f"{self.compared} compared: {told or 'all as promised'}"


def _studies(ledger: Ledger) -> dict[str, list[Object]]:
    by_study: dict[str, list[Object]] = defaultdict(list)
    for one in (*ledger.acknowledged.values(), *ledger.open.values()):
        by_study[one.study_uid].append(one)
    return by_study


def _by_wado(client: httpx.Client, study_uid: str) -> dict[str, str]:
    """SOP Instance UID -> digest of the data set, for every instance of the study."""
    response = client.get(f"/dicom-web/studies/{study_uid}", headers={"Accept": dicomweb.ANY_DICOM})
    if response.status_code in {204, 404}:
        return {}
    response.raise_for_status()
    parts = [part10.split(payload) for _headers, payload in dicomweb.parts_of(response)]
    return {one.sop_uid: one.digest for one in parts}


def _by_get(association: Association, study_uid: str) -> dict[str, str]:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyInstanceUID = study_uid
    out = io.BytesIO()
    dcmwrite(out, identifier, implicit_vr=True, little_endian=True)
    answer, received = association.get(STUDY_ROOT_GET, out.getvalue())
    assert answer.status == 0, f"C-GET ended with {answer.status:04x} {answer.comment}"
    return {uid: hashlib.sha256(dataset).hexdigest() for uid, dataset in received.items()}


def _indexed(client: httpx.Client, study_uid: str) -> set[str]:
    """What the index says is in the study."""
    response = client.get(f"/dicom-web/studies/{study_uid}/instances", headers={"Accept": "application/dicom+json"})
    if response.status_code in {204, 404}:
        return set()
    response.raise_for_status()
    return {row["00080018"]["Value"][0] for row in response.json()}


def introduce(server: Server) -> None:
    """Makes the harness known while all is well: a bearer token for the web doors, a device for C-GET."""
    assert server.token
    server.add_device("HARNESS")


def audit(server: Server, ledger: Ledger) -> Audit:
    """Every acknowledged object comes back bit for bit; nothing else is there but whole objects that were really sent; counts agree.

    Studies are fetched by WADO-RS and by C-GET in turn; HARNESS must be a registered device.
    """
    report = Audit()
    contexts = dict.fromkeys(one.context for one in (*ledger.acknowledged.values(), *ledger.open.values()))
    if not contexts:
        return report
    wanted = [(STUDY_ROOT_GET, (IMPLICIT,)), *((sop_class, (syntax,)) for sop_class, syntax in contexts)]
    with (
        server.client(timeout=300) as client,
        Association.connect(
            server.dicom, wanted, provided=[sop_class for sop_class, _ in contexts], timeout=300
        ) as association,
    ):
        for number, (study_uid, sent) in enumerate(_studies(ledger).items()):
            stored = _by_wado(client, study_uid) if number % 2 == 0 else _by_get(association, study_uid)
            _compare(report, ledger, sent, stored)
            report.miscounted += _miscounted(client, study_uid, set(stored)) if stored else []
    return report


def _compare(report: Audit, ledger: Ledger, sent: list[Object], stored: dict[str, str]) -> None:
    digests = {one.sop_uid: one.digest for one in sent}
    report.compared += len(sent)
    report.missing += [uid for uid in digests if uid in ledger.acknowledged and uid not in stored]
    report.altered += [uid for uid in digests if uid in stored and stored[uid] != digests[uid]]
    report.ghosts += [uid for uid in stored if uid not in digests]


def _miscounted(client: httpx.Client, study_uid: str, stored: set[str]) -> list[str]:
    """The study's counter, the rows of the index and the blobs must be one and the same number."""
    wanted = {"StudyInstanceUID": study_uid, "includefield": "NumberOfStudyRelatedInstances"}
    rows = (
        client.get("/dicom-web/studies", params=wanted, headers={"Accept": "application/dicom+json"})
        .raise_for_status()
        .json()
    )
    told = int(rows[0]["00201208"]["Value"][0]) if rows else -1
    return (
        []
        if told == len(stored) and _indexed(client, study_uid) == stored
        else [f"{study_uid}: told {told}, has {len(stored)}"]
    )


def send_again(to: Dicom, ledger: Ledger, *, at_most: int | None = None) -> Ledger:
    """What was not acknowledged goes out once more, and must be taken now."""
    left = list(islice(ledger.open.values(), at_most))
    again = Ledger()
    if not left:
        return again
    wanted = [(sop_class, (syntax,)) for sop_class, syntax in dict.fromkeys(one.context for one in left)]
    with Association.connect(to, wanted, calling="HARNESS") as association:
        for one in left:
            again.sending(one)
            again.answered(one, association.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status)
    assert not again.refused, f"an object that was never acknowledged is refused now: {again.refused}"
    return again
