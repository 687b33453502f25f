"""`node`: other archives and workstations that we echo, query, fetch from and send to."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from heliograph.app import installation
from heliograph.app.build import lock
from heliograph.cli._options import Commands, acting, add_tenant, command, settings_of
from heliograph.engine import jobs
from heliograph.engine.db import Tx
from heliograph.features import access, routing
from heliograph.features.access import Actor
from heliograph.features.archive import search
from heliograph.kit.errors import Absent
from heliograph.kit.settings import Settings
from heliograph.services import Services

_LOOK_EVERY_S = 0.2
_NAME = "the node, by the name that `node list` shows"
_ENDED = {"done", "failed", "cancelled", "waiting"}
_KEYS = {
    "patient_name": "PatientName", "patient_id": "PatientID", "accession": "AccessionNumber", "date": "StudyDate",
    "modality": "ModalitiesInStudy", "study": "StudyInstanceUID",
}  # fmt: skip
_COLUMNS = (
    "StudyDate",
    "PatientID",
    "PatientName",
    "ModalitiesInStudy",
    "AccessionNumber",
    "StudyDescription",
    "StudyInstanceUID",
)


def add_to(commands: Commands) -> None:
    node = commands.add_parser(
        "node", help="other archives and workstations that we query and send to", description="Remote nodes."
    )
    verbs = node.add_subparsers(dest="verb", metavar="verb", required=True)
    _add_keeping(verbs)
    _add_asking(verbs)
    _add_moving(verbs)


def _add_keeping(verbs: Commands) -> None:
    add = command(
        verbs, "add", "add a node, or change it when the name is there",
        example="heliograph node add --name oldpacs --aet OLDPACS --host 10.0.0.9 --port 104",
    )  # fmt: skip
    add.add_argument("--name", required=True, help="what people call it")
    add.add_argument("--aet", dest="node_aet", required=True, help="its application entity title")
    add.add_argument("--host", required=True, help="its address or name in the network")
    add.add_argument("--port", type=int, default=104, help="where it listens [104]")
    add.add_argument(
        "--tls", action="store_true", help="call it with TLS; its certificate must be of a trusted authority"
    )
    add.add_argument(
        "--fingerprint", default="", metavar="SHA256", help="call it with TLS, and accept this certificate alone"
    )
    add_tenant(add)
    add.set_defaults(run=_add)
    listing = command(verbs, "list", "list the nodes")
    add_tenant(listing)
    listing.set_defaults(run=_list)
    remove = command(
        verbs, "remove", "forget a node that nothing was sent to", example="heliograph node remove --name oldpacs"
    )
    remove.add_argument("--name", required=True, help=_NAME)
    add_tenant(remove)
    remove.set_defaults(run=_remove)
    echo = command(verbs, "echo", "ask a node whether it answers", example="heliograph node echo --name oldpacs")
    echo.add_argument("--name", required=True, help=_NAME)
    add_tenant(echo)
    echo.set_defaults(run=_echo)


def _add_asking(verbs: Commands) -> None:
    query = command(
        verbs, "query", "list studies that a node holds",
        "The node decides how it matches; * stands for any characters in names and identifiers, 20260101-20260131 for a range of dates.",
        "heliograph node query --name oldpacs --patient-name 'DOE*'",
    )  # fmt: skip
    query.add_argument("--name", required=True, help=_NAME)
    for key, keyword in _KEYS.items():
        query.add_argument(f"--{key.replace('_', '-')}", metavar="VALUE", help=keyword)
    query.add_argument("--limit", type=int, default=200, help="how many studies at most [200]")
    query.add_argument("--json", action="store_true", help="print all attributes as JSON")
    add_tenant(query)
    query.set_defaults(run=_query)


def _add_moving(verbs: Commands) -> None:
    retrieve = command(
        verbs, "retrieve", "fetch a study from a node",
        "C-MOVE to this archive; C-GET when the node does not know us, or when the server is stopped and nothing could receive.",
        "heliograph node retrieve --name oldpacs --study 1.2.840.113619.2.55.3",
    )  # fmt: skip
    retrieve.add_argument("--name", required=True, help=_NAME)
    retrieve.add_argument("--study", required=True, metavar="UID", help="its Study Instance UID")
    add_tenant(retrieve)
    retrieve.set_defaults(run=_retrieve)
    send = command(
        verbs, "send", "send a study, or one of its series, to a node",
        "A node that cannot be reached is tried again by the server, for days.",
        "heliograph node send --name workstation --study 1.2.840.113619.2.55.3",
    )  # fmt: skip
    send.add_argument("--name", required=True, help=_NAME)
    send.add_argument("--study", required=True, metavar="UID", help="its Study Instance UID")
    send.add_argument("--series", metavar="UID", help="this series alone")
    add_tenant(send)
    send.set_defaults(run=_send)


# -- keeping ---------------------------------------------------------------------------------------------------


def _add(arguments: argparse.Namespace) -> None:
    values: dict[str, Any] = {"aet": arguments.node_aet, "host": arguments.host, "port": arguments.port}
    values["tls"] = arguments.tls or bool(arguments.fingerprint)
    values["tls_fingerprint"] = arguments.fingerprint
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        known = next((one for one in routing.nodes(tx, actor) if one["name"] == arguments.name.strip()), None)
        if known is None:
            made = routing.add_node(tx, actor, arguments.name, **values)
        else:
            made = routing.update_node(tx, actor, known["id"], values)
    print(f"{made['name']} {'added' if known is None else 'changed'}: {_address(made)}")


def _list(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        for node in routing.nodes(tx, acting(tx, arguments)):
            print(f"{node['name']:24} {_address(node)}")


def _remove(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        routing.remove_node(tx, actor, _node(tx, actor, arguments.name)["id"])


def _node(tx: Tx, actor: Actor, name: str) -> dict[str, Any]:
    for node in routing.nodes(tx, actor):
        if node["name"] == name.strip():
            return node
    raise Absent("no node has this name; `heliograph node list` shows them", code="no_node")


def _address(node: dict[str, Any]) -> str:
    return f"{node['aet']} at {node['host']}:{node['port']}"


# -- asking ----------------------------------------------------------------------------------------------------


def _echo(arguments: argparse.Namespace) -> None:
    from heliograph.gateways.dimse.peers import DicomPeers

    settings = settings_of(arguments)
    with installation(settings) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        node, title = _node(tx, actor, arguments.name), access.title_of(tx, actor.tenant_id, settings.aet)
    took_ms = DicomPeers(settings).echo(node, title)
    print(f"{node['name']} answers in {took_ms:.0f} ms")


def _query(arguments: argparse.Namespace) -> int:
    from heliograph.gateways.dimse.peers import DicomPeers

    settings = settings_of(arguments)
    keys = {keyword: value for name, keyword in _KEYS.items() if (value := getattr(arguments, name))}
    with installation(settings) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        node, title = _node(tx, actor, arguments.name), access.title_of(tx, actor.tenant_id, settings.aet)
        access.note(tx, actor, "node.queried", {"node": node["id"]}, detail={"keys": sorted(keys)})
    items, is_truncated = DicomPeers(settings).query(node, title, keys, max(1, arguments.limit))
    if arguments.json:
        print(json.dumps({"items": items, "truncated": is_truncated}))
    else:
        for item in items:
            print("  ".join(_shown(item.get(keyword, "")) or "-" for keyword in _COLUMNS))
    if is_truncated:
        print(f"these are the first {len(items)}; the node has more (--limit, or a narrower question)", file=sys.stderr)
    elif not items:
        print("the node has nothing that fits", file=sys.stderr)
    return 0 if items else 1


def _shown(text: str) -> str:
    """Foreign text on a terminal: control characters would steer it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


# -- moving ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Seen:
    """How far a job or a send is."""

    state: str
    done: int
    total: int | None
    error: str | None


def _retrieve(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    is_served = _is_served(settings)
    with installation(settings) as services:
        with services.database.transaction() as tx:
            actor = acting(tx, arguments)
            job_id = routing.request_retrieve(tx, actor, _node(tx, actor, arguments.name)["id"], arguments.study)

        def look() -> _Seen:
            with services.database.transaction() as tx:
                found = next(job for job in jobs.listing(tx, actor.tenant_id, limit=500) if job["id"] == str(job_id))
            return _Seen(found["state"], found["done"], found["total"], found["error"])

        def stop() -> None:
            with services.database.transaction() as tx:
                jobs.cancel(tx, actor.tenant_id, job_id)

        work = None if is_served else lambda: _fetch_here(services, job_id)
        seen = _follow("retrieve", look, stop, work)
    return _told(seen, "came")


def _send(arguments: argparse.Namespace) -> int:
    from heliograph.gateways.media.exporting import select

    settings = settings_of(arguments)
    is_served = _is_served(settings)
    with installation(settings) as services:
        with services.database.transaction() as tx:
            actor = acting(tx, arguments)
        study_id = select(services, actor, studies=[arguments.study], patient=None, accession=None)[0]
        with services.database.transaction() as tx:
            series_id = _series(tx, actor, study_id, arguments.series) if arguments.series else None
            node = _node(tx, actor, arguments.name)
            send_id = routing.request_send(tx, actor, study_id, node["id"], series_id=series_id)

        def look() -> _Seen:
            with services.database.transaction() as tx:
                found = next(send for send in routing.sends(tx, actor, limit=500) if send["id"] == str(send_id))
            return _Seen(found["state"], found["done"] + found["failed"], found["total"], found["error"])

        def stop() -> None:
            with services.database.transaction() as tx:
                routing.cancel_send(tx, actor, send_id)

        work = None if is_served else lambda: _send_here(services, send_id)
        seen = _follow("send", look, stop, work)
    return _told(seen, "went")


def _series(tx: Tx, actor: Actor, study_id: int, series_uid: str) -> int:
    for series in search.series_of_study(tx, actor, study_id):
        if series["series_uid"] == series_uid:
            return int(series["id"])
    raise Absent("the study has no such series", code="no_series")


def _is_served(settings: Settings) -> bool:
    """True while a server holds the installation: its worker does what is queued. Else this command does it itself."""
    held = lock(settings)
    if held is None:
        return True
    held.close()
    return False


def _fetch_here(services: Services, job_id: UUID) -> None:
    from heliograph.engine.jobs.worker import run_tracked
    from heliograph.gateways.dimse.jobs import works

    run_tracked(services.database, {work.kind: work for work in works(services)}, job_id)


def _send_here(services: Services, send_id: UUID) -> None:
    from heliograph.gateways.dimse.jobs import SendRun

    SendRun(services, send_id).run()


def _follow(title: str, look: Callable[[], _Seen], stop: Callable[[], None], work: Callable[[], None] | None) -> _Seen:
    """Shows the progress until it ends; Ctrl+C cancels what was asked for, whoever does it."""
    bar = Progress(TextColumn(title), BarColumn(), MofNCompleteColumn(), disable=not sys.stderr.isatty())
    with ThreadPoolExecutor(1) as pool, bar:
        task = bar.add_task(title, total=None)
        running = pool.submit(work) if work is not None else None
        try:
            while True:
                is_over = running is not None and running.done()
                seen = look()
                bar.update(task, completed=seen.done, total=seen.total)
                if is_over or seen.state in _ENDED:
                    break
                time.sleep(_LOOK_EVERY_S)
        except KeyboardInterrupt:
            stop()
            raise
        if running is not None:
            running.result()
            seen = look()
    return seen


def _told(seen: _Seen, verb: str) -> int:
    print(f"{seen.done} of {seen.total if seen.total is not None else seen.done} objects {verb}")
    if seen.state == "done":
        return 0
    later = "; the server tries again by itself" if seen.state == "waiting" else ""
    print(f"heliograph: {seen.state}: {seen.error or 'no reason was given'}{later}", file=sys.stderr)
    return 1
