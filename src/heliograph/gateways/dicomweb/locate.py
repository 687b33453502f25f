"""From the UIDs of a URL to stored instances that the actor may see, remembered for a moment because a viewer asks for hundreds.

A row is remembered for one second and per actor; header and frame table belong to a blob, which never changes, and stay longer.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from heliograph.engine.blobs import Blobs
from heliograph.features.access import Actor, visible
from heliograph.kit.errors import Absent, Invalid
from heliograph.kit.time import monotonic_s
from heliograph.services import Services
from heliograph.standards.dicom import uids
from heliograph.standards.dicom.frames import FrameTable, frame_table
from heliograph.standards.dicom.header import Header, NeedMore, inflated, scan
from heliograph.standards.dicom.image import ImageSpec, spec_from_header

_REMEMBER_S: Final = 1.0
_AUDIT_EVERY_S: Final = 60.0
_MOST_ROWS: Final = 20_000
_MOST_PIXELS: Final = 4_000
_MOST_AUDITED: Final = 10_000
_AHEAD: Final = 2_000
_HEADER_MARGIN: Final = 4_096
_MOST_INFLATED: Final = 1 << 30

_COLUMNS: Final = (
    "st.id, st.study_uid, se.id, se.series_uid, i.id, i.sop_uid, i.sop_class_uid, i.transfer_syntax_uid, i.blob, i.size_bytes, "
    "i.prefix_bytes, i.header_bytes, encode(i.sha256, 'hex')"
)
_FROM: Final = (
    "study st join series se on se.study_fk = st.id and se.tenant_id = st.tenant_id "
    "join instance i on i.series_fk = se.id and i.tenant_id = se.tenant_id"
)


@dataclass(frozen=True, slots=True)
class Located:
    """The present version of one instance and where its bytes are; `sha256` in hexadecimal digits."""

    study_id: int
    study_uid: str
    series_id: int
    series_uid: str
    instance_id: int
    sop_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    blob: str
    size_bytes: int
    prefix_bytes: int
    header_bytes: int
    sha256: str


@dataclass(slots=True)
class Pixels:
    """Header and frame table of one blob. `data`: the inflated object of a deflated one, where the offsets count."""

    header: Header
    table: FrameTable
    data: bytes | None = None
    spec: ImageSpec | None = field(default=None, repr=False)

    def read(self, blobs: Blobs, blob: str, number: int) -> bytes:
        """The stored bytes of a frame, counted from 0."""
        data = self.data
        if data is not None:
            return self.table.read_frame(number, lambda offset, length: data[offset : offset + length])
        return self.table.read_frame(number, lambda offset, length: blobs.read(blob, offset, length))


def spec_of(pixels: Pixels) -> ImageSpec:
    """How the pixels are laid out and shown; read from the header once."""
    if pixels.spec is None:
        pixels.spec = spec_from_header(pixels.header)
    return pixels.spec


class Locator:
    """Finds instances for one process and writes at most one audit row a minute for each actor and study."""

    def __init__(self, services: Services, clock: Callable[[], float] = monotonic_s) -> None:
        self._services = services
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: OrderedDict[tuple[str, str, str, str, str], tuple[float, Located]] = OrderedDict()
        self._pixels: OrderedDict[str, Pixels] = OrderedDict()
        self._noted: dict[tuple[str, int], float] = {}

    def remembered(self, actor: Actor, study_uid: str, series_uid: str, sop_uid: str) -> Located | None:
        """The instance when it was looked up for this actor within the last second."""
        found = self._rows.get((actor.kind, actor.id, study_uid, series_uid, sop_uid))
        return found[1] if found is not None and found[0] > self._clock() else None

    def forget(self) -> None:
        """What was remembered may have been replaced by a request to this process."""
        with self._lock:
            self._rows.clear()

    def instance(self, actor: Actor, study_uid: str, series_uid: str, sop_uid: str) -> Located:
        """One instance, audited; raises Absent. Its neighbours are remembered too, because they will be asked for next."""
        known = self.remembered(actor, study_uid, series_uid, sop_uid)
        if known is not None:
            return known
        condition, values = visible(actor, "st")
        with self._services.database.transaction() as tx:
            row = tx.execute(
                f"select {_COLUMNS} from {_FROM} where {condition} and i.sop_uid = %s and se.series_uid = %s and st.study_uid = %s",
                (*values, sop_uid, series_uid, study_uid),
            ).fetchone()
            if row is None:
                raise Absent("no such instance", code="no_instance")
            found = Located(*row)
            near = tx.execute(
                f"select {_COLUMNS} from {_FROM} where {condition} and st.id = %s and i.series_fk = %s and i.id >= %s order by i.id limit %s",
                (*values, found.study_id, found.series_id, found.instance_id, _AHEAD),
            ).fetchall()
        self._remember(actor, [found, *(Located(*one) for one in near)])
        self.note_read(actor, found.study_id, study_uid)
        return found

    def instances(
        self, actor: Actor, study_uid: str, series_uid: str | None = None, sop_uid: str | None = None
    ) -> list[Located]:
        """Everything below a study, series or instance in the order of the examination; raises Absent when there is nothing."""
        condition, values = visible(actor, "st")
        parts, parameters = [condition, "st.study_uid = %s"], [*values, study_uid]
        for column, uid in (("se.series_uid", series_uid), ("i.sop_uid", sop_uid)):
            if uid is not None:
                parts.append(f"{column} = %s")
                parameters.append(uid)
        with self._services.database.transaction() as tx:
            rows = tx.execute(
                f"select {_COLUMNS} from {_FROM} where {' and '.join(parts)} "
                "order by se.number nulls last, se.id, i.number nulls last, i.id",
                parameters,
            ).fetchall()
        if not rows:
            raise Absent("there is nothing of these identifiers", code="no_instance")
        return [Located(*row) for row in rows]

    def _remember(self, actor: Actor, found: list[Located]) -> None:
        until = self._clock() + _REMEMBER_S
        with self._lock:
            for one in found:
                key = (actor.kind, actor.id, one.study_uid, one.series_uid, one.sop_uid)
                self._rows[key] = (until, one)
                self._rows.move_to_end(key)
            while len(self._rows) > _MOST_ROWS:
                self._rows.popitem(last=False)

    # -- headers and pixels --------------------------------------------------------------------------------------

    def header(self, found: Located) -> tuple[Header, bytes]:
        """The header of an instance and the bytes that it was read from."""
        blobs = self._services.blobs
        length = found.header_bytes + _HEADER_MARGIN
        if found.transfer_syntax_uid in uids.DEFLATED or length >= found.size_bytes:
            data = blobs.read(found.blob)
            return scan(data), data
        data = blobs.read(found.blob, 0, length)
        try:
            return scan(data, complete=False), data
        except NeedMore:
            data = blobs.read(found.blob)
            return scan(data), data

    def remembered_pixels(self, found: Located) -> Pixels | None:
        return self._pixels.get(found.blob)

    def require_whole(self, found: Located) -> None:
        """Raises Broken for an object that is known to be damaged, whatever of it is remembered."""
        self._services.blobs.require_whole(found.blob)

    def pixels(self, found: Located) -> Pixels:
        """Header and frame table; raises Absent for an object without pixels, Invalid for one whose pixels make no sense, Broken for a damaged
        one."""
        self.require_whole(found)
        known = self._pixels.get(found.blob)
        if known is not None:
            return known
        blobs = self._services.blobs
        header, data = self.header(found)
        if header.pixel_tag is None:
            raise Absent("this object has no pixels", code="no_pixels")
        if header.deflated:
            if header.total_bytes > _MOST_INFLATED:
                raise Invalid("the object is larger than this system inflates", code="too_large_to_inflate")
            whole = inflated(data, header)
            made = Pixels(header, frame_table(header, lambda at, length: whole[at : at + length], len(whole)), whole)
        else:
            made = Pixels(
                header, frame_table(header, lambda at, length: blobs.read(found.blob, at, length), found.size_bytes)
            )
        self._keep_pixels(found.blob, made)
        return made

    def _keep_pixels(self, blob: str, made: Pixels) -> None:
        """Of inflated objects, which are as large as they are, only the latest is kept."""
        with self._lock:
            if made.data is not None:
                for other in [key for key, one in self._pixels.items() if one.data is not None]:
                    del self._pixels[other]
            self._pixels[blob] = made
            while len(self._pixels) > _MOST_PIXELS:
                self._pixels.popitem(last=False)

    # -- audit ---------------------------------------------------------------------------------------------------

    def note_read(self, actor: Actor, study_id: int, study_uid: str) -> None:
        """The audit row of reading a study, at most once a minute for each actor."""
        key = (f"{actor.kind}:{actor.id}", study_id)
        at = self._clock()
        with self._lock:
            if at - self._noted.get(key, -_AUDIT_EVERY_S) < _AUDIT_EVERY_S:
                return
            if len(self._noted) > _MOST_AUDITED:
                self._noted.clear()
        subject = {"study": study_id, "study_uid": study_uid}
        self._services.note_read(actor, "study.read", subject, detail={"door": "dicomweb"})
        self._noted[key] = at
