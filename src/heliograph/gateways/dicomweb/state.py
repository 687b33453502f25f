"""What the DICOMweb resources of one process share."""

import re
from collections import OrderedDict
from typing import cast

from starlette.requests import HTTPConnection

from heliograph.engine.children import shared
from heliograph.features.access import Actor, visible
from heliograph.features.imaging import Documents, SeriesDocument
from heliograph.gateways.dicomweb.locate import Locator
from heliograph.gateways.dicomweb.page_cache import CachedRanges
from heliograph.kit.errors import Absent, Invalid
from heliograph.services import Services

_HOST = re.compile(r"^[A-Za-z0-9.\-_\[\]:]{1,255}$")
_PORT = re.compile(r":\d{1,5}$")
_PROXY_MARKS = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"})
_MOST_BODIES_BYTES = 64 << 20


class DicomWeb:
    """Locator, child processes, documents, and ready metadata bodies."""

    def __init__(self, services: Services, documents: Documents) -> None:
        self.services = services
        self.documents = documents
        self.locator = Locator(services)
        self.children = shared()
        self._bodies: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bodies_bytes = 0
        self._studies: dict[tuple[str, str], int] = {}
        self.cached = CachedRanges(services.blobs)

    def metadata_of(self, document: SeriesDocument, base_url: str) -> bytes:
        """The metadata body of a settled series is kept as it was sent; it belongs to one revision."""
        key = (document.etag, base_url)
        body = self._bodies.get(key)
        if body is None:
            body = document.metadata(base_url)
            self._bodies[key] = body
            self._bodies_bytes += len(body)
            while self._bodies_bytes > _MOST_BODIES_BYTES and len(self._bodies) > 1:
                self._bodies_bytes -= len(self._bodies.popitem(last=False)[1])
        return body

    def note_study(self, actor: Actor, study_uid: str) -> None:
        """Audits reading a study that is known by its UID alone."""
        study_id = self._studies.get((actor.id, study_uid))
        if study_id is None:
            condition, values = visible(actor, "st")
            with self.services.database.transaction() as tx:
                row = tx.execute(
                    f"select st.id from study st where {condition} and st.study_uid = %s", (*values, study_uid)
                ).fetchone()
            if row is None:
                raise Absent("no such study", code="no_study")
            if len(self._studies) > 10_000:
                self._studies.clear()
            study_id = self._studies[actor.id, study_uid] = row[0]
        self.locator.note_read(actor, study_id, study_uid)

    def series_id(self, actor: Actor, series_uid: str) -> int:
        """The row of a series that the caller has been shown to see."""
        with self.services.database.transaction() as tx:
            row = tx.execute(
                "select id from series where tenant_id = %s and series_uid = %s", (actor.tenant_id, series_uid)
            ).fetchone()
        if row is None:
            raise Absent("no such series", code="no_series")
        return int(row[0])

    def at_once(self, blob: str, offset: int, length: int) -> memoryview | None:
        """A range that the page cache holds, without a thread; None when it must be waited for."""
        return self.cached.find(blob, offset, length)

    def base_url(self, connection: HTTPConnection) -> str:
        """Scheme and host of the request, or of the trusted proxy in front, and /dicom-web."""
        settings = self.services.settings
        if settings.public_url:
            return settings.public_url.rstrip("/") + "/dicom-web"
        scheme, host = connection.url.scheme, connection.headers.get("host", "localhost")
        peer = connection.client.host if connection.client else ""
        if settings.trusted_proxy and peer == settings.trusted_proxy:
            scheme = connection.headers.get("x-forwarded-proto", scheme)
            host = connection.headers.get("x-forwarded-host", host)
        elif not _PORT.search(host) and not _PROXY_MARKS.intersection(connection.headers):
            # Some clients leave the port out of Host; a proxy that hides it would say that it is there.
            server = connection.scope.get("server")
            host += f":{server[1]}" if server and server[1] not in (None, 80, 443) else ""
        if not _HOST.match(host):
            raise Invalid("the Host header is no host", code="bad_host")
        return f"{'https' if scheme == 'https' else 'http'}://{host}/dicom-web"


def dicomweb_of(connection: HTTPConnection) -> DicomWeb:
    return cast("DicomWeb", connection.app.state.dicomweb)
