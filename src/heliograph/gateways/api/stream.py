"""The live stream: one WebSocket per window, carrying kinds and ids of what changed, never data.

One thread of the process listens to the database (the relay's notice, and a look at receiving studies every second) and feeds
every open socket.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, WebSocket, WebSocketDisconnect

from heliograph.engine import events, telemetry
from heliograph.features.access import Actor, Permission, allowed, seen_studies
from heliograph.gateways.api.uploads import forget_interrupted
from heliograph.gateways.http.auth import authenticator_of
from heliograph.kit.errors import HeliographError, NotSignedIn
from heliograph.kit.time import now
from heliograph.services import Services

router = APIRouter(tags=["stream"])
_LOOK_EVERY_S = 1.0
_MOST_WAITING = 1000
_MOST_AT_ONCE = 2000
_RECHECK_S = 2.0
_KINDS = {
    "StudyOpened": "study.arrived",
    "SeriesOpened": "study.changed",
    "SeriesSettled": "study.changed",
    "StudyArrived": "study.changed",
    "InstanceReplaced": "study.changed",
    "ObjectHeld": "quarantine.changed",
    "HeldDecided": "quarantine.changed",
    "MarksChanged": "marks.changed",
}
# What a kind of message is for; all others are for whoever may read studies.
_WANTS: dict[str, Permission] = {
    "send": "send.create", "job": "job.read", "alarm": "alarm.read", "device": "device.read", "quarantine": "quarantine.read",
    "glass": "glass.review",
}  # fmt: skip
_FEATURES = {"Send": "send.changed", "Alarm": "alarm.changed", "Device": "device.changed", "Glass": "glass.changed"}


_Message = dict[str, Any]


class Hub:
    """Everybody who listens. Who may not see a study hears nothing of it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._listeners: dict[asyncio.Queue[str], Actor] = {}
        self._looked_at: datetime = now()
        self._jobs: dict[str, Any] = {}
        self._after = -1

    @contextlib.contextmanager
    def listening(self, actor: Actor) -> Any:
        queue: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        self._listeners[queue] = actor
        try:
            yield queue
        finally:
            del self._listeners[queue]

    def renew(self, queue: "asyncio.Queue[str]", actor: Actor) -> None:
        """The same listener as it stands now: its sites or its emergencies may have changed."""
        if queue in self._listeners:
            self._listeners[queue] = actor

    async def run(self) -> None:
        while True:
            if self._listeners or self._after < 0:
                try:
                    messages, seen = await asyncio.to_thread(self._look_for, set(self._listeners.values()))
                    for tenant_id, message in messages:
                        self._send(tenant_id, message, seen)
                except Exception as error:  # noqa: BLE001 the stream must come back when the database does
                    telemetry.trouble("stream_failed", error)
            await asyncio.sleep(_LOOK_EVERY_S)

    def _send(self, tenant_id: int, message: _Message, seen: dict[Actor, frozenset[int]]) -> None:
        study = message.get("study")
        wanted = _WANTS.get(message["kind"].partition(".")[0], "study.read")
        text = json.dumps({key: value for key, value in message.items() if key != "study"}, separators=(",", ":"))
        for queue, actor in self._listeners.items():
            if actor.tenant_id != tenant_id or not allowed(actor, wanted):
                continue
            if study is None or study in seen.get(actor, frozenset()):
                if queue.full():
                    while not queue.empty():
                        queue.get_nowait()
                    queue.put_nowait('{"kind":"hello"}')  # too much was missed: the client looks at everything again
                else:
                    queue.put_nowait(text)

    def _look_for(self, actors: set[Actor]) -> tuple[list[tuple[int, _Message]], dict[Actor, frozenset[int]]]:
        """What changed, and which of its studies are there for whom."""
        messages = self._look()
        studies = {study for _, message in messages if (study := message.get("study")) is not None}
        if not studies:
            return messages, {}
        with self._services.database.transaction() as tx:
            return messages, {actor: seen_studies(tx, actor, studies) for actor in actors}

    def _look(self) -> list[tuple[int, dict[str, Any]]]:
        found: list[tuple[int, dict[str, Any]]] = []
        with self._services.database.transaction() as tx:
            if self._after < 0:
                self._after = events.last_number(tx)
            rows = tx.execute(
                "select number, tenant_id, kind, subject from outbox where number > %s order by number limit %s",
                (self._after, _MOST_AT_ONCE),
            ).fetchall()
            if len(rows) == _MOST_AT_ONCE:  # nobody listened for long: one word says more than all of it, one by one
                self._after = events.last_number(tx)
                found += [(tenant_id, {"kind": "hello"}) for tenant_id in sorted({row[1] for row in rows})]
                rows = []
            for number, tenant_id, kind, subject in rows:
                self._after = number
                found += _messages(tenant_id, kind, subject)
            receiving = tx.execute(
                "select tenant_id, id, last_received_at from study where settled_at is null and last_received_at > %s",
                (self._looked_at,),
            ).fetchall()
            for tenant_id, study_id, at in receiving:
                self._looked_at = max(self._looked_at, at)
                found.append((tenant_id, {"kind": "study.changed", "id": str(study_id), "study": study_id}))
            found += self._job_messages(tx.execute(
                "select tenant_id, id, state, done from job where state in ('queued', 'running') or finished_at > now() - interval '1 minute'"
            ).fetchall())  # fmt: skip
        return found

    def _job_messages(self, rows: list[tuple[Any, ...]]) -> list[tuple[int, dict[str, Any]]]:
        seen = {str(job_id): (tenant_id, state, done) for tenant_id, job_id, state, done in rows}
        changed = [
            (value[0], {"kind": "job.changed", "id": job_id})
            for job_id, value in seen.items()
            if self._jobs.get(job_id) != value
        ]
        self._jobs = seen
        return changed


def _messages(tenant_id: int, kind: str, subject: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    number = subject.get("study")
    study = {"id": str(number)} if number is not None else {}
    name = _KINDS.get(kind) or next((word for prefix, word in _FEATURES.items() if kind.startswith(prefix)), None)
    if name is None:
        return []
    which: dict[str, str] = {}
    if name.startswith(("study", "marks")):
        which = study
    elif name.startswith("send"):
        which = {"id": str(subject.get("send", ""))}
    about = {"study": number}
    made: list[tuple[int, _Message]] = [(tenant_id, {"kind": name} | which | about)]
    if name == "quarantine.changed" and study:
        made.append((tenant_id, {"kind": "study.changed"} | study | about))
    return made


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Runs the hub as long as the application."""
    forget_interrupted(app.state.services.settings.data)
    app.state.hub = Hub(app.state.services)
    task = asyncio.create_task(app.state.hub.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@router.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Needs a session and our own Origin; ends within seconds after the session does."""
    try:
        actor, session = await authenticator_of(socket).identify(socket)
    except HeliographError as error:
        await socket.close(4401 if isinstance(error, NotSignedIn) else 4423)
        return
    if (session is not None and not _own_origin(socket)) or not _may_listen(actor):
        await socket.close(4403)
        return
    await socket.accept()
    hub: Hub = socket.app.state.hub
    with hub.listening(actor) as queue:
        queue.put_nowait('{"kind":"hello"}')
        tasks = [
            asyncio.create_task(_write(socket, queue)),
            asyncio.create_task(_read(socket)),
            asyncio.create_task(_guard(socket, actor, hub, queue)),
        ]
        _, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close()


async def _write(socket: WebSocket, queue: "asyncio.Queue[str]") -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.send_text(await queue.get())


async def _read(socket: WebSocket) -> None:
    """Nothing is expected from the client; reading notices its going."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await socket.receive_text()


async def _guard(socket: WebSocket, actor: Actor, hub: Hub, queue: "asyncio.Queue[str]") -> None:
    while True:
        await asyncio.sleep(_RECHECK_S)
        try:
            found, _ = await authenticator_of(socket).identify(socket)
        except HeliographError:
            return
        if found.id != actor.id or not _may_listen(found):
            return
        hub.renew(queue, found)


def _may_listen(actor: Actor) -> bool:
    """Who reads studies, or reviews emergency access: each hears only what is for it."""
    return allowed(actor, "study.read") or allowed(actor, "glass.review")


def _own_origin(socket: WebSocket) -> bool:
    origin = urlsplit(socket.headers.get("origin", ""))
    public = urlsplit(socket.app.state.services.settings.public_url)
    return origin.netloc != "" and origin.netloc in {socket.headers.get("host", ""), public.netloc}
