"""What readers draw on images."""

from pathlib import Path

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Adds empty tables."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0015_marks.sql").read_text("utf-8"))
