"""The live stream after a long time in which nobody listened."""

from collections.abc import Callable
from pathlib import Path

from heliograph.engine.audit.journal import Journal
from heliograph.engine.blobs import open_blobs
from heliograph.engine.db import Database
from heliograph.features.archive import Intake
from heliograph.gateways.api.stream import Hub
from heliograph.kit.settings import Settings
from heliograph.services import Services


def test_a_long_backlog_is_one_word(new_url: Callable[[], str], tmp_path: Path) -> None:
    """The first window of the morning looks at everything once, and is not told of the whole night."""
    database, blobs, settings = (
        Database(new_url(), name="test-hub"),
        open_blobs("file", tmp_path),
        Settings(data=tmp_path),
    )
    database.open()
    services = Services(
        settings, database, blobs, Intake(database, database, blobs, settings), Journal(settings.data / "journal")
    )

    def happen(count: int) -> None:
        with database.transaction() as tx:
            tx.execute(
                "insert into outbox (tenant_id, kind, subject, at, number) select 1, 'StudyArrived', jsonb_build_object('study', n), now(), "
                "nextval('change_number') from generate_series(1, %s) n",
                (count,),
            )

    hub = Hub(services)
    assert hub._look() == []
    happen(3)
    assert hub._look() == [(1, {"kind": "study.changed", "id": str(n), "study": n}) for n in (1, 2, 3)]
    happen(5000)
    assert hub._look() == [(1, {"kind": "hello"})]
    assert hub._look() == []
    happen(1)
    assert hub._look() == [(1, {"kind": "study.changed", "id": "1", "study": 1})]
    services.close()
