"""Trust: sites, relationships, restrictions, emergency access, policies."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds columns and tables only; what stands keeps working with them unset."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0002_trust.sql").read_text("utf-8"))
