"""How long a person or a workstation waits for an answer, asked at the real doors of the real server."""

import io
import statistics
import struct
import time
from collections.abc import Callable
from typing import Any, Final

import httpx
from pydicom import Dataset, dcmwrite

from bench.scaling.questions import Asker, Kind, find_kinds, list_kinds, qido_kinds
from bench.targets import CALLER
from tests.peers.association import IMPLICIT, Association, command
from tests.peers.heliograph import Server

FIND: Final = "1.2.840.10008.5.1.4.1.2.1.1"
"""Patient Root, which has all four levels."""
SCREEN: Final = 100
"""A workstation's first screen: the time of a C-FIND ends with this match, then it is cancelled."""
_WARM_UP: Final = 3
_PENDING: Final = frozenset({0xFF00, 0xFF01})

Times = dict[str, dict[str, list[float]]]


def search_times(server: Server, studies: int, asks: int, say: Callable[[str], None]) -> Times:
    """Milliseconds of each ask, by group and kind."""
    server.add_device(CALLER)
    found: Times = {}
    with server.client() as client, Association.connect(server.dicom, [(FIND, (IMPLICIT,))], calling=CALLER) as peer:
        doors: list[tuple[list[Kind], Callable[[dict[str, Any]], Callable[[], int]]]] = [
            (list_kinds(), lambda body: lambda: _listed(client, body)),
            (find_kinds(), lambda keys: _found(peer, keys)),
            (qido_kinds(), lambda parameters: lambda: _qido(client, parameters)),
        ]
        for kinds, door in doors:
            for kind in kinds:
                found.setdefault(kind.group, {})[kind.name] = _timed(kind, door, Asker(studies), asks)
            say(f"  {kinds[-1].group}: asked")
    return found


def _timed(kind: Kind, door: Callable[[dict[str, Any]], Callable[[], int]], asker: Asker, asks: int) -> list[float]:
    times = []
    for number in range(asks + _WARM_UP):
        question = kind.ask(asker)
        ask = door(question)
        began = time.perf_counter()
        matches = ask()
        took = (time.perf_counter() - began) * 1000
        if kind.must and not matches:
            raise AssertionError(f"{kind.group}, {kind.name}: nothing found for {sorted(question)}")
        if number >= _WARM_UP:
            times.append(took)
    return times


def _listed(client: httpx.Client, body: dict[str, Any]) -> int:
    """The study list as the web client asks for it."""
    answer = client.post("/api/studies/search", json={"limit": 100, **body})
    return len(answer.raise_for_status().json()["items"])


def _qido(client: httpx.Client, parameters: dict[str, Any]) -> int:
    asked = {key: value for key, value in parameters.items() if key != "path"}
    answer = client.get(
        f"/dicom-web/{parameters['path']}", params=asked, headers={"Accept": "application/dicom+json"}
    ).raise_for_status()
    return len(answer.json()) if answer.content else 0


# -- C-FIND ----------------------------------------------------------------------------------------------------


def _found(peer: Association, keys: dict[str, Any]) -> Callable[[], int]:
    """To the hundredth match; the rest of the answer is cancelled and taken before the next question."""
    _drain(peer)
    data = _identifier(keys)
    return lambda: _first_screen(peer, data)


_OPEN: Final[dict[int, int]] = {}


def _first_screen(peer: Association, data: bytes) -> int:
    context, message = peer.contexts[FIND, IMPLICIT], peer.next_message()
    words = command([
        (0x00000002, FIND.encode() + b"\0"), (0x00000100, struct.pack("<H", 0x0020)), (0x00000110, struct.pack("<H", message)),
        (0x00000700, struct.pack("<H", 0)), (0x00000800, struct.pack("<H", 1)),
    ])  # fmt: skip
    peer.send_raw(peer.fragments(context, words, is_command=True) + peer.fragments(context, data, is_command=False))
    matches = 0
    while (answer := peer.read_answer()).status in _PENDING:
        peer.read_message(is_command=False)
        matches += 1
        if matches == SCREEN:
            _OPEN[id(peer)] = message
            return matches
    if answer.status != 0:
        raise AssertionError(f"C-FIND ended with {answer.status:04x}")
    return matches


def _drain(peer: Association) -> None:
    message = _OPEN.pop(id(peer), None)
    if message is None:
        return
    words = command([
        (0x00000100, struct.pack("<H", 0x0FFF)), (0x00000120, struct.pack("<H", message)), (0x00000800, struct.pack("<H", 0x0101)),
    ])  # fmt: skip
    peer.send_raw(peer.fragments(peer.contexts[FIND, IMPLICIT], words, is_command=True))
    while peer.read_answer().status in _PENDING:
        peer.read_message(is_command=False)


def _identifier(keys: dict[str, Any]) -> bytes:
    ds = Dataset()
    for keyword, value in keys.items():
        setattr(ds, keyword, value)
    if any(not str(value).isascii() for value in keys.values()):
        ds.SpecificCharacterSet = "ISO_IR 192"
    out = io.BytesIO()
    dcmwrite(out, ds, implicit_vr=True, little_endian=True)
    return out.getvalue()


# -- tables ----------------------------------------------------------------------------------------------------


def spread(times: list[float]) -> tuple[float, float]:
    """(p50, p95)."""
    return statistics.median(times), statistics.quantiles(times, n=20)[18]


def summary(times: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """What is kept of a measurement: per group all asks together, and each kind."""
    found: dict[str, Any] = {}
    for group, kinds in times.items():
        every = [one for asked in kinds.values() for one in asked]
        found[group] = {
            "asks": len(every), "p50_ms": spread(every)[0], "p95_ms": spread(every)[1], "over_50_ms": sum(one > 50 for one in every),
            "kinds": {name: dict(zip(("p50_ms", "p95_ms"), spread(asked), strict=True)) for name, asked in kinds.items()},
        }  # fmt: skip
    return found
