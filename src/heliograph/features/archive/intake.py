"""One object from its first byte to its durable rows; the same for every door.

`Intake` is the one place in a feature that opens a transaction itself, because the order is the promise: the blob is synced, then
its rows are committed, then the sender is answered.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from psycopg.errors import DeadlockDetected, ForeignKeyViolation, SerializationFailure, UniqueViolation

from heliograph.engine import telemetry
from heliograph.engine.audit import Receipt
from heliograph.engine.blobs import Blobs, BlobWriter, Record, Written
from heliograph.engine.blobs.segments import SegmentStore
from heliograph.engine.db import Database
from heliograph.features.access import Actor, Device, first_site, note, system_actor
from heliograph.features.archive import _repo
from heliograph.features.archive._adding import Adder
from heliograph.features.archive._tail import Tail
from heliograph.features.archive.compare import same_object
from heliograph.features.archive.ingest import Ingest, Row
from heliograph.features.archive.model import Arrival, Existing, Incoming, LostRace, Outcome, note_of
from heliograph.kit.errors import Broken, Busy, HeliographError, Invalid
from heliograph.kit.settings import Settings
from heliograph.kit.time import now
from heliograph.standards.dicom import part10
from heliograph.standards.dicom.header import Header, NeedMore, Unparseable, scan

_HEAD_BYTES = 32 << 10
_MOST_HEADER = 256 << 20
_TRIES = 6
_SEAL_S = 5.0
_MOST_STAGED = 64
_MOST_STAGED_BYTES = 64 << 20
# Another sender was faster with the same object, version or study; or a crashed database has lost a series that we remember.
_LOST_RACES = (DeadlockDetected, SerializationFailure, ForeignKeyViolation, UniqueViolation, LostRace)
_SILENT = frozenset({"database_down", "database_busy"})
_RECOVERY = system_actor("recovery")


class Intake:
    """The intake of one process: database, blob store, and the decision."""

    def __init__(self, database: Database, ingest_database: Database, blobs: Blobs, settings: Settings) -> None:
        """`ingest_database` may commit relaxed when the blob store can rebuild rows (decision 0001)."""
        self.database = database
        self._ingest_database = ingest_database
        self.blobs = blobs
        self._max_bytes = settings.max_object_bytes
        quiet = {"series_quiet_s": settings.series_quiet_s, "study_quiet_s": settings.study_quiet_s}
        self._ingest = Ingest(self._same_object, **quiet)
        self._adder = Adder(ingest_database.line(), **quiet)
        self._under_way: set[Delivery] = set()
        self._tail: Tail | None = None
        if ingest_database is not database:
            self._tail = Tail(database.url, self._index_again)
        if isinstance(blobs, SegmentStore):
            blobs.on_seal = self._before_seal

    @contextlib.contextmanager
    def arrival(
        self, actor: Actor, door: str, source: str, *, device: Device | None = None, caller_id: int | None = None, address: str = "",
        called_aet: str = "", issuer: str = "", unverified: bool = False,
    ) -> Iterator["Delivery"]:  # fmt: skip
        """A delivery whose row is durable before its first object; counted and audited at its end."""
        at, site = now(), actor.scope.home_site
        if not site:
            with self.database.transaction() as tx:
                site = first_site(tx, actor.tenant_id)
        columns = {
            "tenant_id": actor.tenant_id, "door": door, "source": source, "device_id": device.id if device else None,
            "caller_id": caller_id, "actor": actor.label, "address": address, "called_aet": called_aet, "unverified": unverified,
            "issuer": issuer, "began_at": at, "site_id": site, "department_id": actor.scope.home_department,
        }  # fmt: skip
        with self.database.transaction() as tx:
            arrival_id = _repo.insert_arrival(tx, columns)
        arrival = Arrival(
            arrival_id,
            actor.tenant_id,
            door,
            source,
            unverified,
            issuer,
            site,
            actor.scope.home_department,
        )
        delivery = Delivery(self, actor, arrival)
        self._under_way.add(delivery)
        try:
            yield delivery
        finally:
            self._under_way.discard(delivery)
            delivery.close()

    def wait_at_most(self, seconds: float) -> None:
        """How long an object waits for a connection before Busy; as `Database.wait_at_most`."""
        self._ingest_database.wait_at_most(seconds)

    def silent_at_most(self, seconds: float) -> None:
        """How long an object waits for a database that hangs before Busy; as `Database.silent_at_most`."""
        self._ingest_database.silent_at_most(seconds)

    def recover(self) -> int:
        """Indexes again what unsealed segments hold; must have ended before a door opens. The count of records looked at."""
        count = self.blobs.recover(self._index_again, self.make_commits_durable)
        self._end_cut_off()
        return count

    def _end_cut_off(self) -> None:
        """The end of arrivals whose process was killed: their counts, and the audit of what they brought."""
        with self.database.transaction() as tx:
            for one in _repo.end_cut_off(tx, now()):
                subject = {"study": one.study_id, "study_uid": one.study_uid, "arrival": one.arrival_id}
                receipt = Receipt()
                for sop_uid, sha256, received_at in _repo.brought(tx, one.study_id, one.arrival_id):
                    receipt.add(sop_uid, sha256, received_at)
                detail = {"count": one.count, "source": one.source, "by": one.actor, "cut_off": True}
                detail |= receipt.write(tx, one.arrival_id)
                note(tx, system_actor("recovery", one.tenant_id), "instances.received", subject, detail=detail)

    def make_commits_durable(self) -> None:
        """Waits until every relaxed commit so far stands in the log on disk, and none was lost by a crash of the database."""
        if self._tail is not None:
            self._tail.flush()

    def _before_seal(self) -> None:
        if self._tail is not None:
            self._tail.flush(_SEAL_S)

    def _index_again(self, record: Record) -> None:
        self._ingest.forget()  # the series it remembers may be among what was lost
        with self._ingest_database.transaction() as tx:
            self._recover_one(tx, _RECOVERY, record)

    def close(self) -> None:
        self._adder.close()
        if self._tail is not None and self._tail.close() and isinstance(self.blobs, SegmentStore):
            self.blobs.leave()
        if self._ingest_database is not self.database:
            self._ingest_database.close()

    def take(self, actor: Actor, incoming: Incoming, writer: BlobWriter) -> Outcome:
        """Syncs, then decides and commits."""
        since = self._tail.connect() if self._tail is not None else 0
        outcome = self._add_known(actor, incoming, writer) or self._decide(actor, incoming)
        self._keep_in_mind(incoming, outcome, since)
        return outcome

    def take_all(
        self, actor: Actor, incomings: Sequence[Incoming], writer: BlobWriter
    ) -> list[Outcome | HeliographError]:
        """The same for blobs that share a sync, in their order: further instances of known series share a statement too."""
        try:
            since = self._tail.connect() if self._tail is not None else 0
            writer.sync()
        except HeliographError as error:
            return [error for _ in incomings]
        answers: dict[int, Outcome | HeliographError] = {}
        rows: dict[str, tuple[int, Row]] = {}
        later: list[int] = []
        for index, incoming in enumerate(incomings):
            row = self._row_of(actor, incoming)
            if _sop_uid(incoming) in rows:  # the same UID again is decided when the first is there
                later.append(index)
            elif row is not None:
                rows[row["sop_uid"]] = index, row
            else:
                self._answer(answers, index, actor, incoming)
        try:
            added = self._adder.add_all([row for _, row in rows.values()]) if rows else []
        except Busy as error:
            added = []
            answers |= dict.fromkeys((index for index, _ in rows.values()), error)
        for (index, row), instance_id in zip(rows.values(), added, strict=False):
            if instance_id is None:
                later.append(index)
            else:
                answers[index] = _added(row, instance_id, incomings[index])
        for index in sorted(later):
            self._answer(answers, index, actor, incomings[index])
        for index, incoming in enumerate(incomings):
            outcome = answers[index]
            if isinstance(outcome, Outcome):
                self._keep_in_mind(incoming, outcome, since)
        return [answers[index] for index in range(len(incomings))]

    def _row_of(self, actor: Actor, incoming: Incoming) -> Row | None:
        try:
            return self._ingest.known_place(actor, incoming)
        except HeliographError:
            return None  # its own transaction says it again

    def _answer(
        self, answers: dict[int, Outcome | HeliographError], index: int, actor: Actor, incoming: Incoming
    ) -> None:
        """Decides one of many; a database that did not answer one of them is not waited for again by each of the rest."""
        silent = next((one for one in answers.values() if database_is_away(one)), None)
        try:
            answers[index] = silent if silent is not None else self._decide(actor, incoming)
        except HeliographError as error:
            answers[index] = error
        except Exception as error:  # noqa: BLE001 the fault of one object is its own answer
            answers[index] = _fault(error)

    def _keep_in_mind(self, incoming: Incoming, outcome: Outcome, since: int) -> None:
        if self._tail is not None and outcome.keeps_blob:
            self._tail.keep(Record(incoming.written, _note(incoming)), since)

    def _add_known(self, actor: Actor, incoming: Incoming, writer: BlobWriter) -> Outcome | None:
        """Syncs, and adds a further instance of a known series."""
        row = self._ingest.known_place(actor, incoming)  # before the sync, which then has less to wait for
        if row is not None and len(self._under_way) == 1:
            instance_id = self._adder.add_beside(row, writer.sync)
        else:
            writer.sync()
            instance_id = self._adder.add(row) if row is not None else None
        return None if row is None or instance_id is None else _added(row, instance_id, incoming)

    def _decide(self, actor: Actor, incoming: Incoming) -> Outcome:
        for attempt in range(_TRIES):
            try:
                return self._take_once(actor, incoming)
            except _LOST_RACES:
                self._ingest.forget()
                if attempt == _TRIES - 1:
                    raise
            except BaseException:
                self._ingest.forget()
                raise
        raise AssertionError("unreachable")

    def accept(self, tx: Any, actor: Actor, incoming: Incoming) -> Outcome:
        """Indexes a held object that a person released."""
        return self._ingest(tx, actor, incoming, accept=True)

    def read_header(self, written: Written, head: bytes, transfer_syntax: str | None) -> Header:
        """Scans the header; reads more of the blob while the header goes on. Raises Unparseable."""
        length = len(head)
        while True:
            whole = length >= written.size_bytes
            try:
                return scan(head, transfer_syntax=transfer_syntax, complete=whole)
            except NeedMore:
                if whole or length >= _MOST_HEADER:
                    raise Unparseable("the header does not end") from None
                length = min(max(length * 4, _HEAD_BYTES), written.size_bytes, _MOST_HEADER)
                head = self.blobs.read(written.ref, 0, length)

    def _take_once(self, actor: Actor, incoming: Incoming) -> Outcome:
        with self._ingest_database.transaction() as tx:
            outcome = self._ingest(tx, actor, incoming)
        self._ingest.remember(outcome)
        return outcome

    def _recover_one(self, tx: Any, actor: Actor, record: Record) -> None:
        try:
            kept = json.loads(record.note)
            arrival = _repo.arrival_row(tx, int(kept["a"]))
            at = datetime.fromisoformat(kept["at"])
        except (ValueError, KeyError, TypeError):
            arrival = None
        if arrival is None:
            telemetry.fact("record_without_arrival", ref=record.written.ref)
            return
        if _repo.held_has_blob(tx, arrival.tenant_id, record.written.ref, record.written.sha256):
            return
        header, trouble = None, ""
        try:
            header = self.read_header(record.written, self.blobs.read(record.written.ref, 0, _HEAD_BYTES), None)
        except Unparseable as error:
            trouble = error.message
        incoming = Incoming(record.written, header, arrival, at, kept.get("s", ""), trouble)
        self._ingest(tx, actor, incoming, recovered=True)

    def _same_object(self, existing: Existing, incoming: Incoming) -> bool:
        return same_object(self.blobs, existing, incoming)


def database_is_away(answer: object) -> bool:
    """Whether an object was not kept because the database does not answer: then it will not answer for the next one either."""
    return isinstance(answer, Busy) and answer.code in _SILENT


def _added(row: Row, instance_id: int, incoming: Incoming) -> Outcome:
    assert incoming.header is not None
    study_uid = incoming.header.text("StudyInstanceUID")
    return Outcome("new", row["study"], row["series"], instance_id, study_uid=study_uid)


def _fault(error: Exception) -> Broken:
    telemetry.trouble("ingest_failed", error)
    return Broken("the object could not be indexed")


def _sop_uid(incoming: Incoming) -> str:
    return incoming.header.text("SOPInstanceUID") if incoming.header is not None else ""


def _note(incoming: Incoming) -> bytes:
    return _note_bytes(incoming.arrival, incoming.received_at, incoming.expected_sop_uid)


def _note_bytes(arrival: Arrival, at: datetime, expected_sop_uid: str) -> bytes:
    return json.dumps(note_of(arrival, at, expected_sop_uid), separators=(",", ":")).encode()


class Delivery:
    """One arrival under way in one thread: `open` an object, write its bytes, `finish` it; or `stage` several, then `settle` them."""

    def __init__(self, intake: Intake, actor: Actor, arrival: Arrival) -> None:
        self._intake = intake
        self._actor = actor
        self.arrival = arrival
        self._writer: BlobWriter = intake.blobs.writer()
        self.counts = {"stored": 0, "identical": 0, "held": 0, "failed": 0}
        self._studies: dict[tuple[int | None, str], int] = {}
        self._receipt = Receipt()
        self._staged: list[Incoming] = []
        self._on_top = False
        self._closed = False

    @property
    def is_full(self) -> bool:
        """As much is staged as one sync and one statement should carry."""
        total = sum(incoming.written.size_bytes for incoming in self._staged)
        return len(self._staged) >= _MOST_STAGED or total >= _MOST_STAGED_BYTES

    def open(self) -> "ObjectSink":
        """Starts an object; raises Busy when there is no room."""
        if self._on_top:
            self._on_top = False
            self._writer.stage()
        self._writer.begin()
        return ObjectSink(self._intake, self._actor, self.arrival, self._writer, self._done, self._stage)

    def settle(self) -> Sequence[Outcome | HeliographError]:
        """Makes what is staged durable and indexes it, with one sync; what became of each, in the order of `stage`."""
        staged, self._staged = self._staged, []
        if not staged:
            return []
        outcomes: Sequence[Outcome | HeliographError]
        try:
            outcomes = self._intake.take_all(self._actor, staged, self._writer)
        except Exception as error:  # noqa: BLE001 what stands written stays, and nobody was told that it is safe
            outcomes = [_fault(error)] * len(staged)
        turned_down = [
            incoming.written.ref
            for incoming, outcome in zip(staged, outcomes, strict=True)
            if isinstance(outcome, Outcome) and not outcome.keeps_blob
        ]
        if self._on_top and not (turned_down and turned_down[-1] == staged[-1].written.ref):
            self._writer.keep()
        else:
            self._writer.discard()
            if self._on_top:
                turned_down.pop()
        self._on_top = False
        for ref in turned_down:
            self._give_back(ref)
        for incoming, outcome in zip(staged, outcomes, strict=True):
            if isinstance(outcome, Outcome):
                self._done(outcome, incoming)
        return outcomes

    def _stage(self, incoming: Incoming) -> None:
        self._staged.append(incoming)
        self._on_top = True

    def _give_back(self, ref: str) -> None:
        """The room of a blob that the index turned down when others stood behind it already."""
        try:
            self._intake.blobs.delete(ref)
        except (HeliographError, OSError) as error:
            telemetry.trouble("room_not_given_back", error)

    def failed(self) -> None:
        self.counts["failed"] += 1

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self.settle()  # whole objects of a sender that went away before its answer
        self._writer.close()
        with self._intake.database.transaction() as tx:
            tx.execute(
                "update arrival set ended_at = %s, stored = %s, identical = %s, held = %s, failed = %s where id = %s",
                (now(), *self.counts.values(), self.arrival.id),
            )
            received = self._receipt.write(tx, self.arrival.id)
            for (study_id, study_uid), count in self._studies.items():
                subject = {"study": study_id, "study_uid": study_uid, "arrival": self.arrival.id}
                note(
                    tx,
                    self._actor,
                    "instances.received",
                    subject,
                    detail={"count": count, "source": self.arrival.source, **received},
                )

    def _done(self, outcome: Outcome, incoming: Incoming) -> None:
        word = {"new": "stored", "newer": "stored", "identical": "identical", "held": "held"}[outcome.kind]
        self.counts[word] += 1
        telemetry.OBJECTS.labels(self.arrival.door, outcome.kind).inc()
        telemetry.BYTES_IN.labels(self.arrival.door).inc(incoming.written.size_bytes)
        if outcome.keeps_blob and outcome.kind != "identical":
            self._receipt.add(_sop_uid(incoming), incoming.written.sha256, incoming.received_at)
        key = (outcome.study_id, outcome.study_uid)
        self._studies[key] = self._studies.get(key, 0) + 1


class ObjectSink:
    """The bytes of one object on their way to a blob. Memory stays at the header's size whatever the object's."""

    def __init__(
        self, intake: Intake, actor: Actor, arrival: Arrival, writer: BlobWriter, done: Callable[[Outcome, Incoming], None],
        stage: Callable[[Incoming], None],
    ) -> None:  # fmt: skip
        self._intake, self._actor, self._arrival, self._writer = intake, actor, arrival, writer
        self._done, self._stage = done, stage
        self._head = bytearray()
        self._size = 0
        self._split = False

    def begin_data_set(self, prefix: bytes) -> None:
        """For a bare data set (C-STORE): writes the Part 10 prefix that we make; the data set follows by `write`."""
        self._split = True
        self._writer.prefix(prefix)
        self._head += prefix
        self._size += len(prefix)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Takes the next bytes as they come; raises Invalid when the object grows beyond the limit."""
        self._size += len(data)
        if self._size > self._intake._max_bytes:  # noqa: SLF001 one room
            raise Invalid("the object is larger than archive.max_object_bytes", code="object_too_large")
        if not self._split:
            self._begin_part10(data)
            return
        if len(self._head) < _HEAD_BYTES:
            self._head += data[: _HEAD_BYTES - len(self._head)]
        self._writer.write(data)

    def finish(self, *, expected_sop_uid: str = "") -> Outcome:
        """Scans, decides, makes durable; `expected_sop_uid` is what the transfer announced."""
        incoming = self._lay_down(expected_sop_uid)
        try:
            outcome = self._intake.take(self._actor, incoming, self._writer)
        except HeliographError:
            self._writer.keep()  # a commit whose answer was lost may stand: its bytes must never be written over
            raise
        except Exception as error:
            self._writer.keep()
            raise _fault(error) from error
        if outcome.keeps_blob:
            self._writer.keep()
        else:
            self._writer.discard()
        self._done(outcome, incoming)
        return outcome

    def stage(self, *, expected_sop_uid: str = "") -> None:
        """As `finish`, but what became of the object is told by `Delivery.settle`; nothing is promised before."""
        self._stage(self._lay_down(expected_sop_uid))

    def _lay_down(self, expected_sop_uid: str) -> Incoming:
        if not self._split:
            self._begin_part10(b"", last=True)
        at = now()
        written = self._writer.finish(_note_bytes(self._arrival, at, expected_sop_uid))
        header, trouble = None, ""
        try:
            header = self._intake.read_header(written, bytes(self._head), None)
        except Unparseable as error:
            trouble = error.message
        return Incoming(written, header, self._arrival, at, expected_sop_uid, trouble)

    def _begin_part10(self, data: bytes | bytearray | memoryview, *, last: bool = False) -> None:
        """Holds bytes back until it is known where the data set begins: the digest is over the data set alone (DESIGN 3)."""
        self._head += data
        if len(self._head) < _HEAD_BYTES and not last:
            return
        self._split = True
        whole = bytes(self._head)
        try:
            prefix_bytes, _ = part10.split(whole)
        except Unparseable:
            prefix_bytes = 0
        if prefix_bytes:
            self._writer.prefix(whole[:prefix_bytes])
        self._writer.write(memoryview(whole)[prefix_bytes:])
        del self._head[_HEAD_BYTES:]
