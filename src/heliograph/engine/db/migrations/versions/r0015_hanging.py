"""Hanging: facts of series, and protocols of organisations, roles and people."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0013"


def upgrade() -> None:
    """Makes empty tables; facts of what is there are made when somebody opens it."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0015_hanging.sql").read_text("utf-8"))
