"""The meter of the archive: what a device takes by C-MOVE and C-GET, counted for all processes, and refused beyond its hour."""

from heliograph.engine.telemetry import LIMITED, fact
from heliograph.features.access import Actor, note
from heliograph.features.access.limits import Volume, left_of, note_hit, note_taken
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.kit.settings import Settings
from heliograph.services import Services

_INSTANCES_BETWEEN = 200
_BYTES_BETWEEN = 256 << 20


class ArchiveMeter:
    """Asks and writes now and then: what several associations of a device take at once may exceed its hour by that much."""

    def __init__(self, services: Services, actor: Actor) -> None:
        self._services, self._actor, self._site = services, actor, volume_of(services.settings)
        self._instances = self._bytes = 0
        self._refused = False
        with services.database.transaction() as tx:
            self._left = left_of(tx, actor, self._site)

    @property
    def is_used_up(self) -> bool:
        return self._refused

    def has_room(self) -> bool:
        if self._instances >= _INSTANCES_BETWEEN or self._bytes >= _BYTES_BETWEEN:
            self._settle()
        left = Volume(
            None if self._left.instances is None else self._left.instances - self._instances,
            None if self._left.bytes is None else self._left.bytes - self._bytes,
        )
        self._refused = self._refused or left.is_none
        return not self._refused

    def took(self, stored: Stored) -> None:
        self._instances += 1
        self._bytes += stored.size_bytes

    def close(self) -> None:
        self._settle()
        if not self._refused:
            return
        LIMITED.labels("volume").inc()
        fact("dimse.volume_used_up", aet=self._actor.name, address=self._actor.address)
        with self._services.database.transaction() as tx:
            note_hit(tx, self._actor.tenant_id, "volume", self._actor.name, self._actor.address)
            note(
                tx,
                self._actor,
                "retrieve.refused",
                {"aet": self._actor.name},
                outcome="refused",
                detail={"reason": "volume"},
            )

    def _settle(self) -> None:
        took = Volume(self._instances, self._bytes)
        self._instances = self._bytes = 0
        if not took.instances:
            return
        with self._services.database.transaction() as tx:
            note_taken(tx, self._actor, took)
            self._left = left_of(tx, self._actor, self._site)


def volume_of(settings: Settings) -> Volume:
    """What the settings let a device take within an hour."""
    return Volume(settings.dimse_hourly_instances, settings.dimse_hourly_bytes)
