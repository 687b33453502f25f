"""TLS: certificates of devices, nodes that are called with it."""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds columns and a table only; what stands keeps working with them unset."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0004_tls.sql").read_text("utf-8"))
