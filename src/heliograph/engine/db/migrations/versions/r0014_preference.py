"""Choices of people and of the house for the workspace."""

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Adds an empty table."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0014_preference.sql").read_text("utf-8"))
