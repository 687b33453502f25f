"""The spine: tenants, access, patients, archive, events, audit, routing, jobs."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates every table of the first release, then Procrastinate's own."""
    from procrastinate.schema import SchemaManager

    bind = op.get_bind()
    raw = bind.connection.driver_connection
    assert raw is not None
    raw.execute((Path(__file__).parent / "r0001_spine.sql").read_text("utf-8"))
    raw.execute(SchemaManager.get_schema())
