"""What programs take by DICOMweb within an hour: counted in memory, written down now and then, and refused beyond their hour (N8).

A frame must cost no more for it: the count is two additions, the question whether there is room two comparisons. What several processes
hand out within the same two seconds may exceed an hour by that much; a process that is killed forgets as much.
"""

import asyncio
import threading
import time
from collections import OrderedDict
from math import inf

from starlette.requests import HTTPConnection
from starlette.responses import Response

from heliograph.engine.telemetry import fact, trouble
from heliograph.features.access import Actor
from heliograph.features.access.limits import Hits, Left, Volume, note_token_taken, token_left
from heliograph.gateways.http.reads import Reads
from heliograph.kit.errors import Busy, HeliographError
from heliograph.kit.settings import Settings
from heliograph.kit.time import monotonic_s
from heliograph.services import Services

_GATHER_S = 2.0
_OLD_S = 60.0
_ASK_AGAIN_S = 5.0
_MOST = 4096


class Tally:
    """Of one program in this process: what it took since it was last written down, and how much it may still take."""

    __slots__ = (
        "_lock",
        "_volumes",
        "actor",
        "asked_at",
        "bytes",
        "instances",
        "opens_in_s",
        "room_bytes",
        "room_instances",
    )

    def __init__(self, volumes: "Volumes", actor: Actor) -> None:
        self._volumes, self.actor = volumes, actor
        self._lock = threading.Lock()
        self.instances = self.bytes = 0
        self.room_instances = self.room_bytes = inf
        self.asked_at, self.opens_in_s = -inf, 0.0

    @property
    def is_used_up(self) -> bool:
        return self.room_instances <= 0 or self.room_bytes <= 0

    def has_room_for(self, instances: int, size: int) -> bool:
        return self.room_instances >= instances and self.room_bytes >= size

    def took(self, size: int, instances: int = 1) -> None:
        """An object, or a frame or picture of one, goes out."""
        with self._lock:
            self.instances += instances
            self.bytes += size
            self.room_instances -= instances
            self.room_bytes -= size
        self._volumes.write_soon()

    def taken(self) -> Volume:
        """What is to be written down; it counts as written from now on."""
        with self._lock:
            took = Volume(self.instances, self.bytes)
            self.instances = self.bytes = 0
        return took

    def give_back(self, took: Volume) -> None:
        """It could not be written down."""
        with self._lock:
            self.instances += took.instances or 0
            self.bytes += took.bytes or 0

    def learn(self, left: Left) -> None:
        """What the database says, less what is not written down yet."""
        with self._lock:
            self.room_instances = inf if left.volume.instances is None else left.volume.instances - self.instances
            self.room_bytes = inf if left.volume.bytes is None else left.volume.bytes - self.bytes
            self.asked_at, self.opens_in_s = monotonic_s(), left.opens_in_s


class Volumes:
    """The tallies of one process."""

    def __init__(self, services: Services, reads: Reads) -> None:
        self._services, self._reads = services, reads
        self._site = volume_of(services.settings)
        self._hits = Hits(services.database)
        self._lock = threading.Lock()
        self._tallies: OrderedDict[str, Tally] = OrderedDict()
        self._writer: threading.Thread | None = None

    def tally_of(self, actor: Actor) -> Tally | None:
        """None for whom nothing is counted: people, and devices, which have their own."""
        if actor.kind != "token":
            return None
        with self._lock:
            tally = self._tallies.get(actor.id)
            if tally is None:
                tally = self._tallies[actor.id] = Tally(self, actor)
                if len(self._tallies) > _MOST:
                    self._forget_idle()
            tally.actor = actor
            return tally

    async def admit(self, actor: Actor) -> Tally | None:
        """Before anything goes out. Raises Busy (429) beyond the hour."""
        tally = self.tally_of(actor)
        if tally is None:
            return None
        age_s = monotonic_s() - tally.asked_at
        if age_s > _OLD_S or (tally.is_used_up and age_s > _ASK_AGAIN_S):
            await asyncio.to_thread(self._write, [tally])
        if tally.is_used_up:
            await self.refuse(tally)
        return tally

    async def refuse(self, tally: Tally) -> None:
        """Raises Busy; who came to the limit is counted each time, and on record once a minute."""
        actor = tally.actor
        self._hits.tell("volume", actor.name, actor.address, tenant_id=actor.tenant_id)
        subject = {"door": "dicomweb", "token": actor.id}
        await asyncio.to_thread(
            self._reads.note, actor, "retrieve.refused", subject, detail={"reason": "volume"}, outcome="refused"
        )
        raise Busy(
            "this is more than the program may take in an hour", code="volume_used_up", retry_after_s=max(tally.opens_in_s, 1.0)
        )  # fmt: skip

    def write_soon(self) -> None:
        if self._writer is None:
            with self._lock:
                if self._writer is None:
                    self._writer = threading.Thread(target=self._gather, name="volumes", daemon=True)
                    self._writer.start()

    def _forget_idle(self) -> None:
        for key in [key for key, one in self._tallies.items() if not one.instances and one.asked_at < monotonic_s() - _OLD_S]:  # fmt: skip
            del self._tallies[key]

    def _gather(self) -> None:
        time.sleep(_GATHER_S)
        with self._lock:
            self._writer = None
            due = [one for one in self._tallies.values() if one.instances or one.bytes]
        self._write(due)

    def _write(self, tallies: list[Tally]) -> None:
        """Writes down what was taken, and learns what is left."""
        for tally in tallies:
            took = tally.taken()
            try:
                with self._services.database.transaction() as tx:
                    note_token_taken(tx, tally.actor, took)
                    left = token_left(tx, tally.actor, self._site)
            except HeliographError as error:
                tally.give_back(took)
                trouble("volume_not_noted", error)
                continue
            was_used_up = tally.is_used_up
            tally.learn(left)
            if tally.is_used_up and not was_used_up:
                fact("dicomweb.volume_used_up", token=tally.actor.id, address=tally.actor.address)


def volume_of(settings: Settings) -> Volume:
    """What the settings let a program take within an hour."""
    return Volume(settings.web_hourly_instances, settings.web_hourly_bytes)


async def count(request: HTTPConnection, actor: Actor, size: int, instances: int = 1) -> None:
    """Counts an answer before it goes out. Raises Busy (429) when it is more than is left: nothing is sent that ends in its middle."""
    volumes: Volumes = request.app.state.volumes
    tally = await volumes.admit(actor)
    if tally is not None and size:
        if not tally.has_room_for(instances, size):
            await volumes.refuse(tally)
        tally.took(size, instances)


def sent_bytes(answer: Response) -> int:
    """Of an answer that knows its length; one that tells that nothing has changed has none."""
    return int(answer.headers.get("content-length", "0")) if answer.status_code in {200, 206} else 0
