"""Audit: rows that nobody may change, their seals, the tree, checkpoints, receipts of what arrived, the cursor of the sender."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds tables and triggers only."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0003_audit.sql").read_text("utf-8"))
