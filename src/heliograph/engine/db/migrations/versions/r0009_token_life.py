"""How long a token was meant to live, so that one that is turned over twice keeps its length."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Adds a column only; tokens of before are measured by their dates."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute("alter table api_token add column life_days double precision")
