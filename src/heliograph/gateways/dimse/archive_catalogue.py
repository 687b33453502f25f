"""The catalogue behind C-FIND, C-MOVE and C-GET: the archive as one actor may see it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from heliograph.features.access import Actor, find_device, note, require
from heliograph.features.archive.search import search, stored_instances
from heliograph.gateways.dimse.catalogue import Stored
from heliograph.gateways.dimse.requestor import Destination
from heliograph.services import Services
from heliograph.standards.dicom.dataset import Elements
from heliograph.standards.dicom.query import Query


class ArchiveCatalogue:
    """Every call is a transaction of its own."""

    def __init__(self, services: Services, actor: Actor) -> None:
        self._services = services
        self._actor = actor

    def find(self, query: Query) -> Iterator[Elements]:
        with self._services.database.transaction() as tx:
            for match in search(tx, self._actor, query, blobs=self._services.blobs):
                yield match.elements

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
        return Destination(device.aet, device.host, device.port)

    def read(self, stored: Stored, offset: int, length: int) -> bytes:
        return self._services.blobs.read(stored.blob, offset, length)

    def note_given(self, given: Sequence[Stored], to: str) -> None:
        """One audit row for each study."""
        if not given:
            return
        with self._services.database.transaction() as tx:
            for study_id, count in Counter(one.study_id for one in given).items():
                note(tx, self._actor, "instances.given", {"study": study_id, "to": to}, detail={"count": count})
