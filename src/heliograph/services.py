"""What every door and job is given."""

from dataclasses import dataclass

from heliograph.engine.blobs import Blobs
from heliograph.engine.db import Database
from heliograph.features.archive import Intake
from heliograph.kit.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The inner rings of one process."""

    settings: Settings
    database: Database
    blobs: Blobs
    intake: Intake

    def silent_at_most(self, seconds: float) -> None:
        """For a door, whose callers wait: how long a database that hangs may say nothing before they are told Busy."""
        self.database.silent_at_most(seconds)
        self.intake.silent_at_most(seconds)

    def close(self) -> None:
        self.intake.close()
        self.blobs.close()
        self.database.close()
