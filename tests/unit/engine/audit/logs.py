"""A small log on a database of its own, sealed through the real sealer; and what somebody who owns the database can do to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from heliograph.engine.audit import Receipt, Sealer, export, record
from heliograph.engine.audit.verifier import Report, json_lines, verify_log
from heliograph.engine.audit.witness import witnessed
from heliograph.engine.db import Database
from heliograph.kit.time import now

WHO = {"kind": "user", "id": "7", "name": "jané", "address": "10.0.0.1"}


class Log:
    """A database with the present schema, a sealer on it, and the export of both."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self.data = url, data
        self.database = Database(url, name="audit-tests", max_connections=4)
        self.database.open()
        self.sealer = Sealer(self.database, data)

    def write(self, count: int, *, kind: str = "study.read") -> None:
        with self.database.transaction() as tx:
            for number in range(count):
                record(
                    tx, 1, kind, WHO, {"study": number, "study_uid": f"1.2.{number}"}, detail={"door": "api", "n": 1.5}
                )

    def receive(self, count: int, arrival: int = 1) -> list[tuple[str, bytes, Any]]:
        """An arrival of so many objects, as the intake records it."""
        objects = [(f"1.2.3.{arrival}.{n}", bytes([n % 256]) * 32, now()) for n in range(count)]
        receipt = Receipt()
        for one in objects:
            receipt.add(*one)
        with self.database.transaction() as tx:
            detail = {"count": count, **receipt.write(tx, arrival)}
            record(tx, 1, "instances.received", WHO, {"study": 1, "arrival": arrival}, detail=detail)
        return objects

    def checkpoint(self) -> int:
        return self.sealer.seal_once(checkpoint=True)

    def lines(self) -> list[dict[str, Any]]:
        with psycopg.connect(self.url) as tx:
            tx.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            return list(export.lines(tx))

    def verify(self, **options: Any) -> Report:
        return verify_log(self.lines(), **options)

    def witness(self) -> list[tuple[str, Any]]:
        return [("file", list(witnessed(self.data / "audit" / "checkpoints")))]

    def tamper(self, *statements: str, also: Callable[[psycopg.Connection[Any]], None] | None = None) -> None:
        """What the owner of the database does who has taken the triggers away."""
        with psycopg.connect(self.url) as connection:
            tables = [
                row[0]
                for row in connection.execute(
                    "select tgrelid::regclass::text from pg_trigger where tgname = 'append_only'"
                )
            ]
            for table in tables:
                connection.execute(f"alter table {table} disable trigger append_only")
            for statement in statements:
                connection.execute(statement)
            if also is not None:
                also(connection)
            for table in tables:
                connection.execute(f"alter table {table} enable trigger append_only")

    def close(self) -> None:
        self.database.close()


__all__ = ["WHO", "Log", "json_lines"]
