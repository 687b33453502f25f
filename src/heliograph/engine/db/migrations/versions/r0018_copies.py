"""Copies of frames for quick reading."""

from pathlib import Path

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Adds two empty tables and what lets a copy go with its object."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0018_copies.sql").read_text("utf-8"))
