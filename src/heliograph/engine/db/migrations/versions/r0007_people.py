"""People and places: closed sites, a second factor that must be set up anew, why a patient is restricted."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Adds columns and an index over few rows only."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0007_people.sql").read_text("utf-8"))
