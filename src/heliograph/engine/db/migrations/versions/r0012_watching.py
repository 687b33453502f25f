"""What everybody did on each day, folded from the audit log, so that what is unusual is found without reading the log again."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Makes empty tables; the worker fills them from the log that is there."""
    raw = op.get_bind().connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0012_watching.sql").read_text("utf-8"))
