"""Studies that somebody reads are compared with what was received, soon after: a changed byte is told by the reading, not by the next whole check.

The whole check comes once in `archive.verify_period_days`; what is looked at in between is what harms. An object that was compared within a day
is not read again.
"""

from collections import OrderedDict
from datetime import timedelta

from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database, Tx
from heliograph.features.archive import verify
from heliograph.features.archive.alarms import Condition, raise_alarm
from heliograph.features.trail.search import SEEN
from heliograph.kit.settings import Settings
from heliograph.kit.time import now

_FRESH = timedelta(days=1)
_LATE = timedelta(seconds=10)  # a record may be committed after one that is younger
_MOST_WAITING = 2000
_ROUND_S = 2.0


class ReadStudies:
    """What was read and is still to be compared; a worker that starts anew begins with what is read from then on."""

    def __init__(self, database: Database, blobs: Blobs, settings: Settings) -> None:
        self._database, self._blobs = database, blobs
        self._bytes_per_s = settings.verify_bytes_per_s
        self._is_wanted = settings.verify_period_days > 0
        self._since = now()
        self._waiting: OrderedDict[int, None] = OrderedDict()
        self._known: set[str] = set()

    def look_once(self) -> None:
        """One round: which studies were read, and a bounded part of their objects."""
        if not self._is_wanted:
            return
        self._collect()
        room = int(self._bytes_per_s * _ROUND_S)
        while self._waiting and room > 0:
            study_id = next(iter(self._waiting))
            report = verify.verify_study(
                self._database, self._blobs, study_id, before=now() - _FRESH, most_bytes=room, bytes_per_s=self._bytes_per_s,
                but=self._known,
            )  # fmt: skip
            room -= report.bytes
            if not report.checked:
                self._waiting.pop(study_id, None)
            self._tell(study_id, report)

    def _collect(self) -> None:
        began = now()
        with self._database.transaction() as tx:
            read = tx.execute(
                "select distinct e.tenant_id, e.subject->>'study', e.subject->>'study_uid' from tenant t join audit_event e "
                "on e.tenant_id = t.id where e.at > %s and e.kind = any(%s) and e.outcome = 'success' limit %s",
                (self._since - _LATE, list(SEEN), _MOST_WAITING),
            ).fetchall()
            found = self._studies(tx, read)
        self._since = began
        for study_id in found:
            if len(self._waiting) < _MOST_WAITING:
                self._waiting.setdefault(study_id)

    def _studies(self, tx: Tx, read: list[tuple[int, str | None, str | None]]) -> list[int]:
        """By number where the record has one, else by UID within its organisation."""
        found = [int(number) for _, number, _ in read if number and number.isdigit()]
        by_uid = [(tenant, uid) for tenant, number, uid in read if uid and not number]
        rows = tx.execute(
            "select st.id from unnest(%s::bigint[], %s::text[]) as asked(tenant_id, study_uid) "
            "join study st on st.tenant_id = asked.tenant_id and st.study_uid = asked.study_uid",
            ([tenant for tenant, _ in by_uid], [uid for _, uid in by_uid]),
        )
        return [*found, *(row[0] for row in rows)]

    def _tell(self, study_id: int, report: verify.Report) -> None:
        new = [fault for fault in report.faults if fault["id"] not in self._known]
        if not new:
            return
        self._known.update(fault["id"] for fault in new)
        objects = "1 stored object is" if len(new) == 1 else f"{len(new)} stored objects are"
        with self._database.transaction() as tx:
            raise_alarm(
                tx,
                Condition(
                    f"verification:read:{study_id}:{len(self._known)}", "verification", "critical",
                    f"{objects} missing or not what was received.",
                    "Restore them from the backup (heliograph verify lists them), and have the disk checked.",
                ),
            )  # fmt: skip
