"""Secrets of authenticator apps are kept sealed; who issued a token."""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds columns only; the start that follows fills them (`access.seal_stored`)."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0006_sealed.sql").read_text("utf-8"))
