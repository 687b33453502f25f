"""The place of the revision `tls`."""

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Nothing yet."""
    return
