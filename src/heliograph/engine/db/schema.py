"""Bringing the database to the schema of this program, and refusing a newer one."""

from pathlib import Path

import psycopg

from heliograph.kit.errors import Busy, Conflict, Invalid

_REVISIONS = Path(__file__).parent / "migrations" / "versions"
HEAD = max(path.name[1:5] for path in _REVISIONS.glob("r[0-9][0-9][0-9][0-9]_*.py"))
_LOCK = 0x48454C49


def current(url: str) -> str | None:
    """The revision the database stands at, None when it is empty. Raises Busy when the server lets nobody in."""
    try:
        connected = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.ProgrammingError:  # its text repeats the URL with its password
        raise Invalid("database must be `embedded` or postgresql://USER@HOST/NAME", code="bad_setting") from None
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[0][:200]
        raise Busy(
            f"the database cannot be reached ({said}); check --database and that the server runs", code="database_down"
        ) from error
    with connected as connection:
        if connection.execute("select to_regclass('public.alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("select version_num from alembic_version").fetchone()
        return row[0] if row else None


def upgrade(url: str) -> bool:
    """Runs the revisions that are missing under an advisory lock; True when something changed.

    Raises Conflict when the database is newer than the program.
    """
    revision = current(url)
    if revision == HEAD:
        return False
    if revision is not None and revision > HEAD:
        raise Conflict(
            f"the database stands at revision {revision}, this program knows {HEAD}; install the newer program",
            code="database_newer",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with psycopg.connect(url, autocommit=True) as guard:
        guard.execute("select pg_advisory_lock(%s)", (_LOCK,))
        config.attributes["url"] = url
        command.upgrade(config, "head")
    return True
