"""What programs take by DICOMweb within an hour, and how much that may be."""

from pathlib import Path

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Adds columns and an empty table."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0013_token_volume.sql").read_text("utf-8"))
