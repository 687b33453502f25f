"""Identity: second factors, passkeys, states of a session, attempts to sign in, stations, people of a directory."""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds columns and tables only; what stands keeps working with them unset."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0005_identity.sql").read_text("utf-8"))
