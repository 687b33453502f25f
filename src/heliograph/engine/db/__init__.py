"""The one database: PostgreSQL, embedded by default, external by URL."""

from heliograph.engine.db.embedded import EmbeddedPostgres
from heliograph.engine.db.pool import IN_THE_WAY, Database, DatabaseError, Line, Statement, Tx

__all__ = ["IN_THE_WAY", "Database", "DatabaseError", "EmbeddedPostgres", "Line", "Statement", "Tx"]
