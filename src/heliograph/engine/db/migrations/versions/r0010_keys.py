"""The signing key of the audit log may be followed by another: what the one before says of it."""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Adds a column to a table of a few rows."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0010_keys.sql").read_text("utf-8"))
