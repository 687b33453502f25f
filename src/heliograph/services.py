"""What every door and job is given."""

from dataclasses import dataclass
from typing import Any

from heliograph.engine import telemetry
from heliograph.engine.audit import Outcome
from heliograph.engine.audit.journal import Journal
from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database, DatabaseError
from heliograph.engine.secrets import Vault
from heliograph.features.access import Actor, note
from heliograph.features.archive import Intake
from heliograph.kit.errors import Busy
from heliograph.kit.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The inner rings of one process."""

    settings: Settings
    database: Database
    blobs: Blobs
    intake: Intake
    journal: Journal

    @property
    def vault(self) -> Vault:
        """What seals secrets for the database."""
        return Vault(self.settings.data)

    def note_read(
        self, actor: Actor, kind: str, subject: dict[str, Any], *, outcome: Outcome = "success", detail: dict[str, Any] | None = None
    ) -> None:  # fmt: skip
        """The audit row of a read that has no transaction of its own to be undone, durable before the answer goes out. While the database
        cannot write, the emergency journal takes it; when that cannot either, Busy: no record, no access."""
        try:
            with self.database.transaction() as tx:
                note(tx, actor, kind, subject, outcome=outcome, detail=detail)
        except (DatabaseError, Busy) as error:
            telemetry.trouble("audit_not_written", error)
            self.journal.write(actor.tenant_id, kind, actor.as_record(), subject, outcome, detail or {})

    def silent_at_most(self, seconds: float) -> None:
        """For a door, whose callers wait: how long a database that hangs may say nothing before they are told Busy."""
        self.database.silent_at_most(seconds)
        self.intake.silent_at_most(seconds)

    def close(self) -> None:
        self.intake.close()
        self.blobs.close()
        self.database.close()
