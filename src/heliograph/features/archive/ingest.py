"""The one room behind every door: what becomes of an object, and its rows.

The caller has the object in the blob store and an open transaction; it commits only after the blob is synced.
"""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from heliograph.engine.db import Tx
from heliograph.engine.events import announce
from heliograph.features.access import Actor, require
from heliograph.features.archive import _repo
from heliograph.features.archive._rows import (
    identity_of,
    identity_trouble,
    instance_columns,
    series_columns,
    study_columns,
)
from heliograph.features.archive.model import (
    REASONS,
    Decision,
    Existing,
    Identity,
    Incoming,
    LostRace,
    Outcome,
    admit_again,
)
from heliograph.features.patients import Difference, attach, differences, is_placeholder
from heliograph.kit.ids import new_id
from heliograph.standards.dicom.header import Header

Row = dict[str, Any]
Compare = Callable[[Existing, Incoming], bool]
_KNOWN_SERIES = 4096


class Ingest:
    """`ingest` with its settings and this process's memory of series it has just written to."""

    def __init__(self, compare: Compare, *, series_quiet_s: float, study_quiet_s: float) -> None:
        """`compare` tells whether two different byte strings are the same object in other encodings."""
        self._compare = compare
        self._series_quiet = timedelta(seconds=series_quiet_s)
        self._study_quiet = timedelta(seconds=study_quiet_s)
        self._known: OrderedDict[tuple[Any, ...], tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def known_place(self, actor: Actor, incoming: Incoming) -> Row | None:
        """The row of a further instance of a series that this process has written to; None when it takes a look into the index."""
        header = incoming.header
        if header is None or not self._known:
            return None
        require(actor, "study.store")
        identity = identity_of(header, incoming.arrival)
        with self._lock:
            known = self._known.get(_series_key(incoming, identity))
        if known is None or _doubt(incoming, header, identity, accept=False) is not None:
            return None
        return _row(incoming, header, identity, *known)

    def __call__(
        self, tx: Tx, actor: Actor, incoming: Incoming, *, accept: bool = False, recovered: bool = False
    ) -> Outcome:
        """Indexes, recognises, versions or holds one object (PS3.4 B.2). `accept` skips the doubts that a person has decided;
        `recovered` objects come in any order, and the time of their arrival says which is newer. LostRace asks for a rollback."""
        require(actor, "study.store")
        header = incoming.header
        if header is None:
            return self._hold(tx, incoming, None, Decision("held", "unparseable"), incoming.trouble)
        identity = identity_of(header, incoming.arrival)
        doubt = _doubt(incoming, header, identity, accept=accept)
        if doubt is not None:
            return self._hold(tx, incoming, identity, doubt[0], doubt[1])
        existing = _repo.existing_instance(tx, incoming.arrival.tenant_id, identity.sop_uid)
        if existing is not None:
            return self._again(tx, incoming, header, identity, existing, accept=accept, recovered=recovered)
        placed = self._place(tx, incoming, header, identity, accept=accept)
        if isinstance(placed, Decision):
            return self._hold(tx, incoming, identity, placed)
        outcome = self._add(tx, incoming, header, identity, *placed)
        if outcome is None:  # the study that was made for it would stay empty if the other one stands elsewhere
            raise LostRace("the same object is just arriving from somewhere else; send it again")
        return dataclasses.replace(outcome, series_key=_series_key(incoming, identity))

    def forget(self) -> None:
        """Drops the memory of series; after a rollback what it says may not be so."""
        with self._lock:
            self._known.clear()

    def remember(self, outcome: Outcome) -> None:
        """To be called after the commit: before it, other transactions cannot see the series yet."""
        if outcome.series_key is None or outcome.study_id is None or outcome.series_id is None:
            return
        with self._lock:
            self._known[outcome.series_key] = (outcome.study_id, outcome.series_id)
            if len(self._known) > _KNOWN_SERIES:
                self._known.popitem(last=False)

    def _place(
        self, tx: Tx, incoming: Incoming, header: Header, identity: Identity, *, accept: bool
    ) -> tuple[int, int] | Decision:
        """Finds or makes patient, study and series; a Decision when they contradict the object."""
        arrival = incoming.arrival
        at = incoming.received_at
        # The series first: each statement sees a newer state, and a series that is seen has its study.
        series = _repo.series_row(tx, arrival.tenant_id, identity.series_uid)
        study = _repo.study_row(tx, arrival.tenant_id, identity.study_uid)
        if series is not None and (study is None or series[1] != study[0]):
            return Decision("held", "series_in_other_study")
        if study is None:
            patient_id, stored, is_new = attach(tx, arrival.tenant_id, identity.person, identity.study_uid)
            found = [] if is_new or accept else differences(stored, identity.person)
            if found:
                return Decision("held", "patient_differs", tuple(found))
            columns = study_columns(header, identity, arrival)
            study_id = _repo.insert_study(tx, arrival.tenant_id, patient_id, columns, at, at + self._study_quiet)
            if study_id is not None:
                _repo.adopt_held(tx, arrival.tenant_id, identity.study_uid, study_id)
                announce(tx, arrival.tenant_id, "StudyOpened", {"study": study_id, "study_uid": identity.study_uid})
            else:
                study = _repo.study_row(tx, arrival.tenant_id, identity.study_uid)
        if study is not None:
            found = [] if accept else _other_patient(study[2], identity)
            if found:
                return Decision("held", "study_of_other_patient", tuple(found))
            study_id = study[0]
        assert study_id is not None
        return self._place_series(tx, incoming, header, identity, study_id)

    def _place_series(
        self, tx: Tx, incoming: Incoming, header: Header, identity: Identity, study_id: int
    ) -> tuple[int, int]:
        arrival, at = incoming.arrival, incoming.received_at
        columns = series_columns(header, identity)
        series = _repo.series_row(tx, arrival.tenant_id, identity.series_uid)
        series_id = None
        if series is None:
            series_id = _repo.insert_series(tx, arrival.tenant_id, study_id, columns, at, at + self._series_quiet)
            if series_id is None:
                series = _repo.series_row(tx, arrival.tenant_id, identity.series_uid)
            else:
                subject = {"study": study_id, "series": series_id, "series_uid": identity.series_uid}
                announce(tx, arrival.tenant_id, "SeriesOpened", subject)
        if series is not None:
            if series[1] != study_id:  # it was not there a moment ago
                raise LostRace("the same series is just arriving in another study; send it again")
            series_id = series[0]
        assert series_id is not None
        _repo.widen_study(
            tx, study_id, new_series=series is None, modality=columns["modality"], sop_class_uid=identity.sop_class_uid,
            unverified=arrival.unverified,
        )  # fmt: skip
        return study_id, series_id

    def _add(
        self, tx: Tx, incoming: Incoming, header: Header, identity: Identity, study_id: int, series_id: int
    ) -> Outcome | None:
        """None when the SOP Instance UID is taken."""
        row = _row(incoming, header, identity, study_id, series_id) | {
            "study_quiet": self._study_quiet.total_seconds(), "series_quiet": self._series_quiet.total_seconds(),
        }  # fmt: skip
        added = tx.execute(_repo.ADD_INSTANCE, row).fetchone()
        if added is None:
            return None
        return Outcome("new", study_id, series_id, added[0], study_uid=identity.study_uid)

    def _again(
        self, tx: Tx, incoming: Incoming, header: Header, identity: Identity, existing: Existing, *, accept: bool,
        recovered: bool,
    ) -> Outcome:  # fmt: skip
        arrival = incoming.arrival
        same = self._is_same(tx, incoming, header, existing)
        decision = admit_again(identity, arrival.source, existing, same_content=same)
        in_place = (identity.study_uid, identity.series_uid) == (existing.study_uid, existing.series_uid)
        if decision.kind == "identical":
            return Outcome(
                "identical", existing.study_id, existing.series_id, existing.id, study_uid=existing.study_uid,
                keeps_blob=existing.blob == incoming.written.ref,
            )  # fmt: skip
        if decision.kind == "held" and not (accept and in_place):
            return self._hold(tx, incoming, identity, decision)
        study = _repo.study_row(tx, arrival.tenant_id, existing.study_uid)
        found = _other_patient(study[2], identity) if study is not None and not accept else []
        if found:  # the newer content shows somebody else (safety guard 3)
            return self._hold(tx, incoming, identity, Decision("held", "study_of_other_patient", tuple(found)))
        columns = instance_columns(header)
        if recovered and incoming.received_at < existing.received_at:
            _repo.insert_older(tx, existing, incoming, columns, identity)
            return Outcome("newer", existing.study_id, existing.series_id, existing.id, study_uid=existing.study_uid)
        _repo.replace_instance(tx, existing, incoming, columns, identity)
        subject = {
            "study": existing.study_id,
            "series": existing.series_id,
            "instance": existing.id,
            "sop_uid": identity.sop_uid,
        }
        announce(tx, arrival.tenant_id, "InstanceReplaced", subject)
        return Outcome("newer", existing.study_id, existing.series_id, existing.id, study_uid=existing.study_uid)

    def _is_same(self, tx: Tx, incoming: Incoming, header: Header, existing: Existing) -> bool:
        """The content that is current, or was once. The digest is over the data set alone: the same bytes under another transfer
        syntax are a correction, not the same object."""
        digest, syntax = incoming.written.sha256, header.transfer_syntax
        if existing.sha256 == digest:
            return existing.transfer_syntax_uid == syntax
        return _repo.has_version(tx, existing.id, digest, syntax) or self._compare(existing, incoming)

    def _hold(
        self, tx: Tx, incoming: Incoming, identity: Identity | None, decision: Decision, detail: str = ""
    ) -> Outcome:
        tenant_id = incoming.arrival.tenant_id
        uid = identity.study_uid if identity else ""
        before = _repo.open_held(tx, tenant_id, incoming.written.sha256, decision.reason)
        if before is not None:
            return Outcome(
                "held", before[1], held_id=before[0], reason=decision.reason, study_uid=uid, keeps_blob=False
            )
        study = _repo.study_row(tx, tenant_id, uid) if uid else None
        if uid and study is None:
            _repo.wait_for_study(tx, tenant_id, uid)  # who makes it now, and looks for held objects, must find this one
            study = _repo.study_row(tx, tenant_id, uid)
        held_id = new_id()
        text = REASONS[decision.reason] + (f": {detail}" if detail else "")
        _repo.insert_held(tx, held_id, incoming, identity, decision, text, study[0] if study else None)
        announce(
            tx,
            tenant_id,
            "ObjectHeld",
            {"held": str(held_id), "reason": decision.reason, "study": study[0] if study else None},
        )
        return Outcome("held", study[0] if study else None, held_id=held_id, reason=decision.reason, study_uid=uid)


def _row(incoming: Incoming, header: Header, identity: Identity, study_id: int, series_id: int) -> Row:
    written = incoming.written
    return instance_columns(header) | {
        "tenant": incoming.arrival.tenant_id, "series": series_id, "series_uid": identity.series_uid, "study": study_id,
        "sop_uid": identity.sop_uid, "sop_class_uid": identity.sop_class_uid, "size": written.size_bytes,
        "sha256": f"\\x{written.sha256.hex()}", "blob": written.ref, "arrival": incoming.arrival.id,
        "at": incoming.received_at.isoformat(),
    }  # fmt: skip


def _doubt(incoming: Incoming, header: Header, identity: Identity, *, accept: bool) -> tuple[Decision, str] | None:
    trouble = identity_trouble(identity)
    if trouble is not None:
        return Decision("held", trouble[0]), trouble[1]
    if accept:
        return None
    if incoming.expected_sop_uid and incoming.expected_sop_uid != identity.sop_uid:
        return Decision("held", "command_differs"), ""
    ends = (
        header.pixel_offset + header.pixel_length
        if header.pixel_offset is not None and header.pixel_length is not None
        else 0
    )
    # A deflated data set's offsets count inflated bytes and say nothing about the stored size.
    if header.truncated or (ends > incoming.written.size_bytes and not header.deflated):
        return Decision("held", "truncated"), ""
    return None


def _other_patient(stored: Any, identity: Identity) -> list[Difference]:
    """What speaks against putting an object into a study of this patient (trap 26).

    A missing or placeholder identifier in one of them is no contradiction when the demographics agree; a differing issuer is none either.
    """
    person = identity.person
    found = differences(stored, person)
    if (
        stored.patient_id != person.patient_id
        and not is_placeholder(stored.patient_id)
        and not is_placeholder(person.patient_id)
    ):
        found.append(Difference("PatientID", stored.patient_id, person.patient_id))
    return found


def _series_key(incoming: Incoming, identity: Identity) -> tuple[Any, ...]:
    return (
        incoming.arrival.tenant_id,
        identity.study_uid,
        identity.series_uid,
        identity.sop_class_uid,
        identity.person,
        incoming.arrival.unverified,
    )
