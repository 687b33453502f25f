"""ITI-20 against Debian's rsyslog over TLS: taken whole, in order, through failures of the repository."""

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from heliograph.engine.audit import Sealer, record
from heliograph.engine.audit.sent import sent, waiting
from heliograph.engine.db import Database
from heliograph.features.archive import alarms
from heliograph.gateways.syslog.sender import NAME, SyslogSender
from heliograph.kit.settings import Settings
from heliograph.standards.ihe.audit_kinds import FAMILIES, KINDS
from tests.peers.rsyslog import Rsyslog
from tests.unit.standards.ihe.test_audit_message import check

WHO = {"kind": "user", "id": "7", "name": "Zoë <\u6797>", "address": "10.0.0.1"}
EVERY = sorted([*KINDS, *(f"{family}.changed" for family in FAMILIES)])


class House:
    """A log on a database of its own, with a repository of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url, name="syslog-tests", max_connections=4)
        self.database.open()
        self.sealer = Sealer(self.database, folder / "data")
        self.repository = Rsyslog(folder / "repository")

    def settings(self, certificate: str = "archive", ca: str = "ca") -> Settings:
        at = self.repository.folder
        return Settings(
            audit_syslog=f"localhost:{self.repository.port}", audit_syslog_ca=str(at / f"{ca}.pem"),
            audit_syslog_certificate=str(at / f"{certificate}.pem"), audit_syslog_key=str(at / f"{certificate}.key"), site_name="Hôpital",
        )  # fmt: skip

    def sender(self, settings: Settings | None = None) -> SyslogSender:
        services: Any = SimpleNamespace(database=self.database, settings=settings or self.settings())
        return SyslogSender(services)

    def write(self, *kinds: str, outcome: Any = "success") -> None:
        with self.database.transaction() as tx:
            for kind in kinds:
                record(
                    tx,
                    1,
                    kind,
                    WHO,
                    {"study_uid": "1.2.3", "to": "WS1"},
                    outcome=outcome,
                    detail={"keys": ["PatientID"]},
                )
        self.sealer.seal_once()

    def left(self) -> int:
        with self.database.transaction() as tx:
            return waiting(tx, NAME)


@pytest.fixture(scope="module")
def house(new_url: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(new_url(), tmp_path_factory.mktemp("syslog"))
    yield made
    made.repository.stop()
    made.database.close()


def row_of(message: dict[str, Any]) -> int:
    """The number of the row in the sealed log that a message was made from."""
    root = ET.fromstring(message["msg"].lstrip("\ufeff"))
    (detail,) = root.findall("ParticipantObjectIdentification/ParticipantObjectDetail[@type='heliograph.row']")[:1]
    return int(base64.b64decode(detail.attrib["value"]))


def test_rsyslog_takes_every_kind_of_message_over_tls(house: House) -> None:
    """With every required element of its event (PS3.15 A.5.3), as it came out on the other side."""
    house.write(*EVERY)
    house.write("study.read", outcome="refused")
    sender = house.sender()
    with house.repository:
        assert sender.send_once() == len(EVERY) + 1
        assert sender.send_once() == 0
        taken = house.repository.wait_for(len(EVERY) + 1)
        sender.close()
    assert len(taken) == len(EVERY) + 1
    assert {(one["facility"], one["version"], one["app"], one["msgid"]) for one in taken} == {
        ("10", "1", "heliograph", "IHE+RFC-3881")
    }
    assert [one["severity"] for one in taken] == ["5"] * len(EVERY) + ["4"]
    for one in taken:
        root = check(one["msg"].lstrip("\ufeff").encode())
        names = {agent.attrib.get("UserName") for agent in root.findall("ActiveParticipant")}
        assert WHO["name"] in names, "UTF-8 arrives as it was sent"
    assert house.left() == 0


def test_a_repository_that_was_away_gets_everything_and_somebody_is_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(house.repository.taken())
    house.write(*["study.opened"] * 450)
    sender = house.sender()
    assert sender.send_once() == 0
    with house.database.transaction() as tx:
        state = sent(tx, NAME)
        assert state.failing_since is not None
        assert not list(alarms._audit(tx)), "not at once: it may be starting"
        tx.execute("update audit_sent set failing_since = failing_since - interval '2 minutes'")
        (alarm,) = alarms._audit(tx)
        assert alarm.severity == "critical"
        assert "refused" in alarm.message.lower()
    with house.repository:
        assert sender.send_once() == 0, "it waits a moment before it tries again"
        sender._not_before = 0.0
        assert sender.send_once() == 450
        taken = house.repository.wait_for(before + 450)[before:]
        with house.database.transaction() as tx:
            assert sent(tx, NAME).failing_since is None
            assert not list(alarms._audit(tx))
        sender.close()
    numbers = [row_of(one) for one in taken]
    assert numbers == list(range(numbers[0], numbers[0] + 450)), "in their order, each once"


def test_what_a_broken_connection_may_have_swallowed_is_sent_again(house: House) -> None:
    """The connection that the sender keeps goes with the repository; its first portion on the next one is the one before."""
    sender = house.sender()
    with house.repository:
        before = len(house.repository.taken())
        house.write("query", "query")
        assert sender.send_once() == 2
        sent_before = [row_of(one) for one in house.repository.wait_for(before + 2)[before:]]
    house.write("alarm.acknowledged")
    with house.repository:
        deadline = time.monotonic() + 60
        while house.left():
            assert time.monotonic() < deadline
            sender._not_before = 0.0
            sender.send_once()
        taken = [row_of(one) for one in house.repository.wait_for(before + 5)[before:]]
        sender.close()
    last = sent_before[-1]
    assert taken == [*sent_before, *sent_before, last + 1]


@pytest.mark.parametrize(
    ("certificate", "ca", "says"),
    [("archive", "server", "its certificate is not accepted"), ("stranger", "ca", "")],
    ids=["a repository that we do not trust", "an archive that the repository does not trust"],
)
def test_nobody_is_sent_to_without_proof_on_both_sides(house: House, certificate: str, ca: str, says: str) -> None:
    house.write("study.read")
    left, before = house.left(), len(house.repository.taken())
    sender = house.sender(house.settings(certificate, ca))
    with house.repository:
        sender.send_once()
        if certificate == "stranger":  # TLS 1.3: the refusal comes after the handshake; what was swallowed is not lost
            sender._not_before = 0.0
            sender.send_once()
        sender.close()
        assert len(house.repository.taken()) == before
        with house.database.transaction() as tx:
            assert says in sent(tx, NAME).error
        again = house.sender()
        again.send_once()
        again.close()
        if ca == "server":
            assert house.repository.wait_for(before + left)


def test_without_a_repository_nothing_happens(house: House) -> None:
    assert house.sender(Settings()).send_once() == 0
