"""The one database: PostgreSQL, embedded by default, external by URL."""

from heliograph.engine.db.embedded import EmbeddedPostgres
from heliograph.engine.db.line import Line, Statement
from heliograph.engine.db.patience import SILENT_S, Patience, PatientConnection, Silent
from heliograph.engine.db.pool import IN_THE_WAY, Database, DatabaseError, Tx

__all__ = [
    "IN_THE_WAY",
    "SILENT_S",
    "Database",
    "DatabaseError",
    "EmbeddedPostgres",
    "Line",
    "Patience",
    "PatientConnection",
    "Silent",
    "Statement",
    "Tx",
]
