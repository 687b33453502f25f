"""Alembic's entry: hand-written revisions, one transaction each, on the URL that `schema.upgrade` passes."""

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

url = make_url(context.config.attributes["url"]).set(drivername="postgresql+psycopg")
with create_engine(url).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
