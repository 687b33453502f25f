"""Organisations: their AE titles, their host names; limits of devices and who met them."""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Adds columns and tables only; what stands keeps working with them unset."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0008_tenants.sql").read_text("utf-8"))
