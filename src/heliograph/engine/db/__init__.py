"""The one database: PostgreSQL, embedded by default, external by URL."""

from heliograph.engine.db.embedded import EmbeddedPostgres
from heliograph.engine.db.pool import Database, DatabaseError, Line, Statement, Tx

__all__ = ["Database", "DatabaseError", "EmbeddedPostgres", "Line", "Statement", "Tx"]
