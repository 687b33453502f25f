"""Issue 3, acceptance 1: every DIMSE service as its owner and as everybody else, known by title, by address and by certificate."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import pytest

from heliograph.gateways.dimse.services import _SERVICES, Service
from tests.conformance.api_routes import database, send
from tests.conformance.test_access_matrix import CANARY, TWINS
from tests.faults.security.hostile import element
from tests.faults.security.secured import Secured
from tests.peers import Dicom
from tests.peers.association import EXPLICIT, Association, Lost

ECHO, STORE, FIND, MOVE, GET = (
    "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.2.1.1", "1.2.840.10008.5.1.4.1.2.1.2", "1.2.840.10008.5.1.4.1.2.1.3",
)  # fmt: skip
ALL = frozenset({ECHO, STORE, FIND, MOVE, GET})
GIVEN = frozenset({ECHO, STORE})
NOTHING: frozenset[str] = frozenset()
EVERYTHING = "echo,store,find,move,get"


class Caller(NamedTuple):
    """How somebody calls, which services it is given, and whose canary it is shown."""

    calling: str
    services: frozenset[str]
    shown: str = ""
    called: str = ""
    # The certificate that it shows: empty with TLS and none, None without TLS.
    shows: str | None = None
    why: str = ""  # how the refusal stands in the audit log


CALLERS = {
    "its owner": Caller("NORTH", ALL, CANARY.name),
    "another site": Caller("SOUTH", ALL),
    "a device that only stores": Caller("CT1", GIVEN),
    "nobody known": Caller("STRANGER", GIVEN),
    "who was removed": Caller("REMOVED", GIVEN),
    "another organisation": Caller("NORTH", GIVEN, called="EMPTY"),
    "another organisation with the same UIDs": Caller("NORTH", ALL, TWINS.name, called="TWIN"),
    "a device of another organisation": Caller("FOREIGN", GIVEN),
    "who means nobody": Caller("NORTH", NOTHING, called="NOBODY"),
    "its owner by its certificate": Caller("KEYED", ALL, CANARY.name, shows="KEYED"),
    "another site by its certificate": Caller("KEYED_SOUTH", ALL, shows="KEYED_SOUTH"),
    "its title without its certificate": Caller("KEYED", NOTHING, why="no certificate"),
    "its title with the certificate of another": Caller("KEYED", NOTHING, shows="KEYED_SOUTH", why="certificate of another"),
    "an expired certificate": Caller("ENDED", NOTHING, shows="ENDED"),
    "the title of an expired certificate": Caller("ENDED", NOTHING, why="no certificate"),
    "a revoked certificate": Caller("REVOKED", NOTHING, shows="REVOKED", why="certificate revoked"),
    "the title of a revoked certificate": Caller("REVOKED", NOTHING, why="no certificate"),
    "a certificate of a removed device": Caller("DROPPED", NOTHING, shows="DROPPED", why="unknown certificate"),
    "a certificate that nobody gave out": Caller("KEYED", NOTHING, shows="UNBOUND", why="unknown certificate"),
    "a certificate of another authority": Caller("KEYED", NOTHING, shows="ALIEN"),
    "no certificate with TLS": Caller("KEYED", NOTHING, shows=""),
    "its certificate at another organisation": Caller("KEYED", NOTHING, called="TWIN", shows="KEYED", why="unknown certificate"),
}  # fmt: skip


def test_the_dimse_services_of_this_matrix_are_all_there_are() -> None:
    assert set(_SERVICES.values()) | {Service.STORE} == {
        Service.ECHO, Service.STORE, Service.FIND, Service.MOVE, Service.GET,
    }  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with Secured(tmp_path_factory.mktemp("matrix") / "data") as server:
        for tenant, called in (("empty", "EMPTY"), ("twin", "TWIN")):
            server.cli("tenant", "add", "--name", tenant, "--aet", called)
        _device(server, "NORTH", "--tenant", "twin")
        _device(server, "FOREIGN", "--tenant", "empty")
        for aet in ("NORTH", "SOUTH", "KEYED", "KEYED_SOUTH", "ENDED", "REVOKED", "DROPPED", "REMOVED"):
            _device(server, aet)
        server.add_device("CT1", allow="echo,store")
        server.cli("device", "remove", "--aet", "REMOVED")
        site = server.client().post("/api/sites", json={"name": "south"}).json()["id"]
        with database(server) as connection:
            connection.execute("update device set site_ids = %s, site_id = %s where aet like '%%SOUTH'", ([site], site))
        _hand_out(server)
        assert send(server, CANARY, "NORTH") == [0, 0]
        assert send(server, TWINS, "NORTH", called="TWIN") == [0, 0]
        yield server


def _device(server: Secured, aet: str, *more: str) -> None:
    server.cli("device", "add", *more, "--aet", aet, "--host", "127.0.0.1", "--port", "104", "--allow", EVERYTHING)


def _hand_out(server: Secured) -> None:
    """Certificates, good and spent."""
    fingerprints = {}
    for aet in ("KEYED", "KEYED_SOUTH", "ENDED", "REVOKED", "DROPPED"):
        made = server.cli("device", "certify", "--aet", aet, "--out", str(server.papers)).stdout
        fingerprints[aet] = made.split()[1]
    server.cli("device", "revoke", "--fingerprint", fingerprints["REVOKED"])
    server.cli("device", "remove", "--aet", "DROPPED")
    server.forge("ENDED", days=-1)
    server.forge("UNBOUND")
    server.forge("ALIEN", by="another")
    with database(server) as connection:
        connection.execute(
            "update device_certificate set fingerprint = %s, not_after = now() - interval '1 day' where fingerprint = %s",
            (server.fingerprint("ENDED"), fingerprints["ENDED"].replace(":", "").lower()),
        )


def _connect(server: Secured, caller: Caller, provided: Sequence[str] = ()) -> Association:
    door = server.dicom if caller.shows is None else server.tls
    called = Dicom(door.host, door.port, caller.called or door.aet)
    wire: socket.socket = socket.create_connection((door.host, door.port), 120)
    if caller.shows is not None:
        wire = server.caller(caller.shows).wrap_socket(wire, server_hostname="localhost")
    proposed = [(one, (EXPLICIT,)) for one in sorted(ALL)]
    return Association.connect(called, proposed, calling=caller.calling, wire=wire, provided=provided)


@pytest.mark.parametrize("who", list(CALLERS))
def test_a_caller_is_given_its_services_and_shown_its_own(house: Secured, who: str) -> None:
    caller = CALLERS[who]
    with suppress(*(() if caller.services else (Lost, ssl.SSLError, ConnectionError))), _connect(house, caller) as met:
        assert {sop_class for sop_class, _ in met.contexts} == caller.services
    if caller.why:
        assert (caller.calling, caller.why) in house.refusals()
    if FIND in caller.services:
        _asks_for_everything(house, caller)


def _asks_for_everything(house: Secured, caller: Caller) -> None:
    name = caller.shown
    with _connect(house, caller, [STORE]) as association:
        for level in ("PATIENT", "STUDY", "SERIES", "IMAGE"):
            found = association.find(FIND, _asked(level), EXPLICIT)[1]
            assert len(found) == (0 if not name else 2 if level == "IMAGE" else 1), level
            assert all(name.encode() in one for one in found), level
        answer, received = association.get(GET, _wanted(), EXPLICIT)
        assert (answer.status, len(received)) == (0, 2 if name else 0)
        assert all(name.encode() in one for one in received.values())
        # Where nobody is registered nothing goes, whether the study is there or not (N8).
        assert association.move(MOVE, _wanted(), "NOWHERE", EXPLICIT).status == 0xA801


def _asked(level: str) -> bytes:
    keys = [element(0x00080052, "CS", level), element(0x00100010, "PN", ""), element(0x00100020, "LO", CANARY.patient)]
    if level != "PATIENT":
        keys.append(element(0x0020000D, "UI", CANARY.study_uid))
    if level in {"SERIES", "IMAGE"}:
        keys.append(element(0x0020000E, "UI", CANARY.series_uid))
    if level == "IMAGE":
        keys.insert(0, element(0x00080018, "UI", ""))
    return b"".join(sorted(keys))


def _wanted() -> bytes:
    return element(0x00080052, "CS", "STUDY") + element(0x0020000D, "UI", CANARY.study_uid)
