"""What the tests of the safety guards share: small series to send, and how to wait for what becomes of them."""

import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from pydicom import Dataset, dcmread
from websockets.sync.client import connect

from tests import phantoms
from tests.conformance.browsing import study_row, until
from tests.peers import part10
from tests.peers.association import Association
from tests.peers.heliograph import Server
from tests.phantoms import Shape

BASE = Shape(3, rows=16, columns=16, seed=900, patient="GUARD", name="Guard^Greta")


def objects(shape: Shape, **changed: Any) -> list[Dataset]:
    """The series with attributes set (None removes one)."""
    made = []
    for raw in phantoms.slices(shape):
        ds = dcmread(io.BytesIO(raw))
        for keyword, value in changed.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)
        made.append(ds)
    return made


def send(server: Server, made: list[Dataset], source: str = "CT1") -> list[int]:
    """C-STORE on one association; the statuses. The bare wire, because pynetdicom loses an answer now and then on a busy machine."""
    files = [part10.split(phantoms.file_bytes(ds)) for ds in made]
    contexts = [
        (abstract, (syntax,)) for abstract, syntax in sorted({(one.sop_class, one.transfer_syntax) for one in files})
    ]
    with Association.connect(server.dicom, contexts, calling=source) as sender:
        return [sender.store(one.sop_class, one.sop_uid, one.transfer_syntax, one.dataset).status for one in files]


def settled(server: Server, study_uid: str) -> dict[str, Any]:
    return until(lambda: (row := study_row(server, study_uid))["state"] == "settled" and row)


def manifest(server: Server, study_uid: str) -> dict[str, Any]:
    row = study_row(server, study_uid)
    return dict(server.client().get(f"/api/studies/{row['id']}/manifest").raise_for_status().json())


def stream(server: Server, headers: dict[str, str]) -> Any:
    """The live stream, as a context; who may not have it is refused at the latest when it is read."""
    return connect(f"ws{server.http[4:]}/api/stream", additional_headers=headers, open_timeout=60)


def said(socket: Any, seconds: float) -> Iterator[dict[str, Any]]:
    """What the live stream says, until it is silent at the end of some seconds."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(TimeoutError):
        while (left := deadline - time.monotonic()) > 0:
            yield json.loads(socket.recv(left))


def is_told(server: Server, act: Callable[[], object], *wanted: dict[str, Any], seconds: float = 60) -> bool:
    """Whether the live stream says all of this after an act; it stops listening when it has."""
    with stream(server, server.headers) as socket:
        list(said(socket, 2.5))  # what was before, and a look or two of the server's
        act()
        left = list(wanted)
        for message in said(socket, seconds):
            left = [one for one in left if message | one != message]
            if not left:
                return True
    return False
