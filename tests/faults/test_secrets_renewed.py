"""The key of sealed secrets renewed while people work, killed in the middle, and carried by a backup: nobody's second factor is lost."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyotp
import pytest

from heliograph.engine.secrets import Vault
from heliograph.kit.errors import Broken
from heliograph.kit.time import now
from tests.conformance.browsing import Browser
from tests.peers import processes
from tests.peers.heliograph import PROGRAM, Server

PASSWORD = "a password of eighteen"
PATIENCE_S = 60.0


@dataclass
class House:
    server: Server
    secret: str

    @property
    def keys(self) -> list[bytes]:
        return (self.server.data / "keys" / "secrets.key").read_bytes().split()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...]:
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            found: tuple[Any, ...] | None = connection.execute(sql, values).fetchone()
        assert found is not None
        return found

    def sealed(self) -> bytes:
        return bytes(self.row("select totp_sealed from app_user where name = 'tess'")[0])

    def lets_in(self, server: Server | None = None) -> bool:
        """Whether the person comes in with the code that the app shows now; each code counts once, so the counter is set back."""
        server = server or self.server
        with psycopg.connect(server.database_url, autocommit=True) as connection:
            connection.execute("update app_user set totp_counter = 0 where name = 'tess'")
        with Browser(server) as window:
            first = window.post("/api/session", json={"name": "tess", "password": PASSWORD})
            assert first.status_code == 202, first.text
            code = pyotp.TOTP(self.secret).at(now())
            step = {"second": first.json()["second"]["step"], "way": "totp", "value": code}
            return window.post("/api/session/second", json=step).status_code == 200


def enrolled(window: Browser) -> str:
    begun = window.post("/api/account/totp").json()
    code = pyotp.TOTP(begun["secret"]).at(now())
    answer = window.post("/api/account/totp/confirm", json={"step": begun["step"], "code": code})
    assert answer.status_code == 200, answer.text
    return str(begun["secret"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with Server(tmp_path_factory.mktemp("sealed") / "data") as server:
        made = server.client().post("/api/users", json={"name": "tess", "roles": ["admin"]}).json()
        with Browser(server) as window:
            assert window.sign_in_by_link(made["link"]).status_code == 200
            assert window.post("/api/session/password", json={"new": PASSWORD}).status_code == 200
            yield House(server, enrolled(window))


@contextlib.contextmanager
def renewing(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    """`heliograph secrets renew`, killed at the end of the block."""
    command = [str(PROGRAM), "secrets", "renew", "--data", str(server.data)]
    running = subprocess.Popen(command, env=server.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
        running.wait(PATIENCE_S)


def until(said: Callable[[], bool], running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not said():
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_killed_before_anything_is_sealed_anew_and_after_everything_is(house: House) -> None:
    """Each time where it takes longest: at a row that somebody else holds, and while a transaction of before has not ended."""
    before, first = house.sealed(), house.keys
    assert len(first) == 1
    with psycopg.connect(house.server.database_url) as other, renewing(house.server) as running:
        other.execute("select 1 from app_user where name = 'tess' for update")
        stuck = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%%totp_sealed%%'"
        until(lambda: len(house.keys) == 2 and house.row(stuck) != (0,), running)
    assert running.returncode == -signal.SIGKILL
    assert house.sealed() == before
    assert house.keys[1:] == first, "the key that opens it is kept"
    assert house.lets_in()
    with psycopg.connect(house.server.database_url) as other:
        other.execute("select 1")
        with renewing(house.server) as running:
            until(lambda: house.sealed() != before and len(house.keys) == 3, running)
    assert running.returncode == -signal.SIGKILL
    assert house.keys[2:] == first
    assert house.lets_in()


def test_in_the_end_one_key_opens_everything_and_no_other_anything(house: House, tmp_path: Path) -> None:
    """A server that works meanwhile, and a person in the middle of setting up an app, notice nothing."""
    before, former = house.sealed(), house.keys
    made = house.server.client().post("/api/users", json={"name": "theo", "roles": ["viewer"]}).json()
    with Browser(house.server) as window:
        assert window.sign_in_by_link(made["link"]).status_code == 200
        begun = window.post("/api/account/totp").json()
        said = house.server.cli("secrets", "renew").stdout
        assert said.endswith("the key before opens nothing any more\n")
        code = pyotp.TOTP(begun["secret"]).at(now())
        body = {"step": begun["step"], "code": code}
        assert window.post("/api/account/totp/confirm", json=body).status_code == 200
    assert len(house.keys) == 1
    assert house.keys[0] not in former
    assert house.lets_in()
    (user_id,) = house.row("select id from app_user where name = 'tess'")
    vault = Vault(house.server.data)
    assert vault.unseal(house.sealed(), f"totp {user_id}") == house.secret
    with pytest.raises(Broken):
        vault.unseal(before, f"totp {user_id}")
    (rows,) = house.row("select count(*) from audit_event where kind = 'secrets.renewed'")
    assert rows == 1
    assert (house.server.data / "keys" / "secrets.key").stat().st_mode & 0o777 == 0o600


def test_a_restored_installation_knows_its_people_its_devices_and_its_log(house: House, tmp_path: Path) -> None:
    """The backup carries the keys: of sealed secrets, of the authority, and of the audit log."""
    authority = house.server.cli("ca", "export").stdout
    house.server.cli("backup", str(tmp_path / "copy"))
    copied = {path.name for path in (tmp_path / "copy" / "keys").iterdir()}
    assert {"secrets.key", "ca.key", "ca.pem", "audit.pem"} <= copied, copied
    assert not [path for path in (tmp_path / "copy" / "keys").iterdir() if "key" in path.name and path.stat().st_mode & 0o077]  # fmt: skip
    house.server.cli("secrets", "renew")
    house.server.cli("backup", str(tmp_path / "copy"))
    kept = (tmp_path / "copy" / "keys" / "secrets.key").read_bytes().split()
    assert kept[0] == house.keys[0]
    assert len(kept) == 2, "what an interrupted backup would leave opens too"
    if house.server.external_database is not None:
        return  # an empty database to restore into is an administrator's to make
    new = tmp_path / "new"
    done = subprocess.run(
        [str(PROGRAM), "restore", str(tmp_path / "copy"), "--data", str(new)], check=False, capture_output=True, text=True,
        env=house.server.environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with Server(new) as restored:
        assert house.lets_in(restored)
        assert restored.cli("ca", "export").stdout == authority
        verified = restored.cli("audit", "verify", check=False)
        assert verified.returncode == 0, verified.stdout + verified.stderr
    assert not processes.family(restored.mark, restored.data, None)
