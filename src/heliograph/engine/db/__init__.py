"""The one database: PostgreSQL, embedded by default, external by URL."""

from heliograph.engine.db.embedded import EmbeddedPostgres
from heliograph.engine.db.pool import Database, DatabaseError, Line, Tx

__all__ = ["Database", "DatabaseError", "EmbeddedPostgres", "Line", "Tx"]
