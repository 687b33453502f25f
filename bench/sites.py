"""`python -m bench.sites`: what the access policy costs the study list over 2*10^4 studies of 50 sites, at the real door, by who asks."""

import argparse
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import psycopg

from bench import probe
from bench.scale import RESULTS, ROOT
from bench.scaling.drive import Drive
from bench.scaling.people import STUDIES_PER_BLOCK
from bench.scaling.questions import Asker, Kind, list_kinds
from bench.scaling.search import spread
from bench.scaling.seed import restore_indexes, seed, settle
from heliograph.app import installation
from heliograph.kit import settings as kit_settings
from heliograph.services import Services
from tests.conformance.browsing import Browser, person
from tests.peers.heliograph import Server

STUDIES: Final = 20_000
SITES: Final = 50
BAR_MS: Final = 60.0
_WARM_UP: Final = 3
# One patient in 200 is restricted; a referrer has 300 studies, a guest 20.
_SPREAD: Final = """
insert into site (tenant_id, name) select 1, 'site ' || n from generate_series(2, %(sites)s) n on conflict do nothing;
update study st set site_id = s.id from (select id, row_number() over (order by id) - 1 as place from site where tenant_id = 1) s
    where s.place = (st.id * 7919) %% %(sites)s;
insert into department (tenant_id, site_id, name) select 1, id, 'radiology' from site on conflict do nothing;
update study st set department_id = d.id from department d where d.site_id = st.site_id and st.id %% 3 = 0;
update patient set restriction = 'vip' where id %% 200 = 0;
update study st set restriction = p.restriction from patient p where p.id = st.patient_fk and p.restriction <> '';
"""


def main() -> None:
    options = argparse.ArgumentParser(prog="bench.sites", description=__doc__)
    options.add_argument("--work", type=Path, default=ROOT / "bench" / "out" / "sites")
    options.add_argument(
        "--asks", type=int, default=12, help="times that each kind of question is asked by each person"
    )
    options.add_argument("--publish", action="store_true", help="write bench/results/sites.md")
    chosen = options.parse_args()
    shutil.rmtree(chosen.work, ignore_errors=True)
    chosen.work.mkdir(parents=True)
    settings = replace(kit_settings.load({"data": chosen.work / "data"}, {}), reserve_bytes=1 << 30)
    with installation(settings, "bench-sites") as services:
        _fill(services, settings.data)
    environment = {
        "HELIOGRAPH_RESERVE_BYTES": str(settings.reserve_bytes),
        "HELIOGRAPH_VERIFY_PERIOD_DAYS": "0",
        "HELIOGRAPH_REQUESTS_PER_MINUTE": "0",
    }
    with Server(settings.data, env=environment, log=chosen.work / "server.log") as server:
        lines = [_line(name, browser, chosen.asks) for name, browser in _people(server).items()]
    machine = ", ".join(f"{key} {value}" for key, value in probe.machine().items())
    text = "\n".join([
        f"{STUDIES:,} studies of {SITES} sites; {machine}", "", "| who asks for the study list | sees | asked | p50 | p95 |", "|---|---:|---:|---:|---:|", *lines,
    ])  # fmt: skip
    print(f"\n{text}", flush=True)
    if chosen.publish:
        (RESULTS / "sites.md").write_text(f"# Access policy and the study list\n\n{text}\n", encoding="utf-8")


def _fill(services: Services, data: Path) -> None:
    Drive(services, data).run(0, 1)
    first = STUDIES_PER_BLOCK
    seed(services, first, first + STUDIES, lambda _done: None, print)
    restore_indexes(services, print)
    with services.database.autocommit() as connection:
        for statement in _SPREAD.strip().split(";\n"):
            connection.execute(statement.rstrip(";"), {"sites": SITES})
    settle(services)


def _people(server: Server) -> dict[str, Browser]:
    """Everybody whose list the policy cuts another way."""
    people = {
        "administrator, every site": person(server, "boss", "admin"),
        "radiologist of one site": person(server, "one", "radiologist"),
        "radiologist of five sites": person(server, "five", "radiologist"),
        "radiologist of one department": person(server, "department", "radiologist"),
        "referrer of 300 studies": person(server, "referrer", "referrer"),
        "guest of 20 studies": person(server, "guest", "guest"),
    }
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        _place(connection, "one", "site_ids = array(select id from site order by id limit 1)")
        _place(connection, "five", "site_ids = array(select id from site order by id limit 5)")
        _place(
            connection,
            "department",
            "site_ids = array(select id from site order by id limit 1), department_ids = array(select min(id) from department)",
        )
        for name, tie, count in (("referrer", "referrer", 300), ("guest", "guest", 20)):
            connection.execute(
                "insert into study_tie (study_fk, kind, subject, tenant_id, created_by) select st.id, %s, u.id::text, 1, 'bench' "
                "from app_user u, (select id from study order by md5(id::text) limit %s) st where u.name = %s",
                (tie, count, name),
            )
        connection.execute("analyze study_tie")
    time.sleep(2.5)  # who was identified before is remembered for two seconds
    return people


def _place(connection: psycopg.Connection[Any], name: str, columns: str) -> None:
    connection.execute(f"update app_user set everywhere = false, {columns} where name = %s", (name,))


def _line(name: str, browser: Browser, asks: int) -> str:
    seen = _asked(browser, {})["count"]
    times = [one for kind in list_kinds() for one in _timed(kind, lambda body: _asked(browser, body), asks)]
    p50, p95 = spread(times)
    mark = "" if p95 < BAR_MS else f" (bar: {BAR_MS:.0f} ms)"
    return f"| {name} | {seen:,} | {len(times):,} | {p50:.1f} ms | {p95:.1f} ms{mark} |"


def _asked(browser: Browser, body: dict[str, Any]) -> dict[str, Any]:
    answer = browser.post("/api/studies/search", json={"limit": 100, **body})
    return dict(answer.raise_for_status().json())


def _timed(kind: Kind, ask: Callable[[dict[str, Any]], Any], asks: int) -> list[float]:
    asker, times = Asker(STUDIES), []
    for number in range(asks + _WARM_UP):
        question = kind.ask(asker)
        began = time.perf_counter()
        ask(question)
        if number >= _WARM_UP:
            times.append((time.perf_counter() - began) * 1000)
    return times


if __name__ == "__main__":
    main()
