"""The catalogue behind C-FIND, C-MOVE and C-GET: the archive as one actor may see it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from heliograph.features.access import Actor, find_device, note, require
from heliograph.features.archive.search import search, stored_instances, unsupported
from heliograph.gateways.dimse.archive_meter import ArchiveMeter
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.requestor import Destination
from heliograph.gateways.dimse.secure import secrecy
from heliograph.kit.time import monotonic_s
from heliograph.services import Services
from heliograph.standards.dicom import tags
from heliograph.standards.dicom.dataset import Elements
from heliograph.standards.dicom.query import Query

_SCREEN = 128
_AT_ONCE = 2000
_SOON_S = 0.02


class ArchiveCatalogue:
    """Every call is a transaction of its own."""

    def __init__(self, services: Services, actor: Actor) -> None:
        self._services = services
        self._actor = actor

    def find(self, query: Query) -> Iterator[Elements]:
        """The first screen is handed out as soon as it is found, and then what is found soon is fetched at once, so that a slow peer does
        not keep a connection of the database; more is streamed."""
        count = 0
        try:
            with self._services.database.transaction() as tx:
                found = (one.elements for one in search(tx, self._actor, query, blobs=self._services.blobs))
                for most in (_SCREEN, _AT_ONCE):
                    some, is_whole = _soon(found, most)
                    if is_whole:
                        break
                    for elements in some:
                        count += 1
                        yield elements
                else:
                    for elements in found:
                        count += 1
                        yield elements
                    some = []
        except GeneratorExit:
            self._note_query(query, count)
            raise
        self._note_query(query, count + len(some))
        yield from some

    def unsupported(self, query: Query) -> Sequence[int]:
        return unsupported(query, self._actor)

    def instances(self, query: Query) -> Sequence[Stored]:
        require(self._actor, "study.export")
        with self._services.database.transaction() as tx:
            return [
                Stored(
                    one.sop_class_uid, one.sop_uid, one.transfer_syntax_uid, one.blob, one.size_bytes, one.prefix_bytes,
                    one.study_id,
                )
                for one in stored_instances(tx, self._actor, query)
            ]  # fmt: skip

    def destination(self, aet: str) -> Destination | None:
        with self._services.database.transaction() as tx:
            device = find_device(tx, self._actor.tenant_id, aet)
        if device is None or device.port is None or not device.host:
            return None
        tls = secrecy(self._services.settings) if device.tls else None
        return Destination(device.aet, device.host, device.port, tls)

    def read(self, stored: Stored, offset: int, length: int) -> bytes:
        return self._services.blobs.read(stored.blob, offset, length)

    def meter(self) -> ArchiveMeter:
        return ArchiveMeter(self._services, self._actor)

    def note_refused(self, to: str) -> None:
        """Somebody asked to send objects where nobody is registered (N8)."""
        with self._services.database.transaction() as tx:
            note(tx, self._actor, "retrieve.refused", {"to": to[:16]}, outcome="refused")

    def _note_query(self, query: Query, count: int) -> None:
        asked = sorted(tags.keyword_of(condition.tag) or tags.text_of(condition.tag) for condition in query.conditions)
        self._services.note_read(
            self._actor, "query", {"level": str(query.level)}, detail={"keys": asked, "count": count}
        )

    def note_given(self, given: Sequence[Stored], to: str) -> None:
        """One audit row for each study."""
        if not given:
            return
        for study_id, count in Counter(one.study_id for one in given).items():
            self._services.note_read(
                self._actor, "instances.given", {"study": study_id, "to": to}, detail={"count": count}
            )


def _soon(found: Iterator[Elements], most: int) -> tuple[list[Elements], bool]:
    """What comes within a moment, `most` at most, and whether that is all."""
    some, until = [], monotonic_s() + _SOON_S
    for elements in found:
        some.append(elements)
        if len(some) == most or monotonic_s() > until:
            return some, False
    return some, True
