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

    def close(self) -> None:
        self.intake.close()
        self.blobs.close()
        self.database.close()
