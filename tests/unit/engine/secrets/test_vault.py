"""Secrets that the database keeps sealed: what opens them, what does not, and that no file of the database holds one."""

import base64
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.engine.db import Database, EmbeddedPostgres, schema
from heliograph.engine.secrets import Vault
from heliograph.features import access
from heliograph.features.access import Session, SignInRules, Window, system_actor
from heliograph.features.access.identity import second_factor
from heliograph.kit.errors import Broken
from heliograph.kit.time import now

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    return Vault(tmp_path_factory.mktemp("vault"))


def is_closed(vault: Vault, sealed: bytes, about: str = "a") -> bool:
    with pytest.raises(Broken) as told:
        vault.unseal(sealed, about)
    return told.value.code == "secret_unreadable"


@given(st.text(max_size=300), st.text(max_size=50))
def test_what_is_sealed_opens_and_is_not_to_be_seen(shared: Vault, secret: str, about: str) -> None:
    sealed = shared.seal(secret, about)
    assert shared.unseal(sealed, about) == secret
    assert shared.seal(secret, about) != sealed, "the same secret twice is not to be told"
    assert len(secret) < 8 or secret.encode() not in sealed


@given(st.data())
def test_one_bit_of_it_changed_and_it_does_not_open(shared: Vault, data: st.DataObject) -> None:
    sealed = bytearray(shared.seal(SECRET, "a"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert is_closed(shared, bytes(sealed))
    assert is_closed(shared, bytes(sealed[: data.draw(st.integers(0, len(sealed)))]))


def test_it_is_bound_to_what_it_is_about_and_to_the_installation(shared: Vault, tmp_path: Path) -> None:
    sealed = shared.seal(SECRET, "totp jane")
    assert is_closed(shared, sealed, "totp mallory")
    other = Vault(tmp_path)
    assert is_closed(other, sealed, "totp jane"), "there is no key yet"
    other.seal("x", "y")
    assert is_closed(other, sealed, "totp jane")


def test_the_key_is_for_this_user_alone_and_damage_is_told(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    sealed = vault.seal(SECRET, "a")
    file = tmp_path / "keys" / "secrets.key"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    kept = file.read_bytes()
    for damaged in (b"", b"\n", kept[:20], b"rubbish\n", kept + b"!"):
        file.write_bytes(damaged)
        assert is_closed(vault, sealed)
        with pytest.raises(Broken):
            vault.seal("x", "a")
    file.write_bytes(kept)
    assert vault.unseal(sealed, "a") == SECRET


def test_a_new_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    before = vault.seal(SECRET, "a")
    vault.renew()
    after = vault.seal(SECRET, "a")
    assert [vault.unseal(one, "a") for one in (before, after)] == [SECRET] * 2
    assert (vault.is_current(before), vault.is_current(after)) == (False, True)


def test_many_first_starts_at_once_make_one_key(tmp_path: Path) -> None:
    sealed: list[bytes] = []
    gate = threading.Barrier(6)

    def begin() -> None:
        gate.wait()
        sealed.append(Vault(tmp_path).seal(SECRET, "a"))

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Vault(tmp_path).unseal(one, "a") for one in sealed] == [SECRET] * 6


# -- in the database -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Database]]:
    """A database of our own, whose files are looked into."""
    folder = tmp_path_factory.mktemp("kept")
    postgres = EmbeddedPostgres(folder / "database")
    postgres.start()
    schema.upgrade(postgres.url)
    database = Database(postgres.url, name="vault")
    database.open()
    yield folder, database
    database.close()
    postgres.stop()


def files_with(folder: Path, word: str, database: Database, *, but: str = "nothing") -> list[str]:
    """After everything that is in memory was written."""
    with database.autocommit() as connection:
        connection.execute("checkpoint")
    return [
        path.relative_to(folder).as_posix()
        for path in (folder / "database").rglob("*")
        if but not in path.parts and word.encode() in content_of(path)
    ]


def content_of(path: Path) -> bytes:
    """Empty for what is no file, or not any more: the database server goes on working."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError:
        return b""


def person(database: Database, name: str) -> tuple[UUID, Session]:
    with database.transaction() as tx:
        user_id = access.add_user(tx, system_actor("test"), name, ["radiologist"])
        came = access.sign_in_by_link(
            tx, access.issue_link(tx, system_actor("test"), name), Window("10.0.0.1"), SignInRules()
        )
    assert isinstance(came, Session)
    return user_id, came


def test_no_file_of_the_database_holds_the_secret_of_an_app(kept: tuple[Path, Database]) -> None:
    folder, database = kept
    vault = Vault(folder)
    user_id, session = person(database, "new-app")
    with database.transaction() as tx:
        step, secret, _uri = second_factor.begin_totp(tx, vault, session, "Test hospital")
    begun = files_with(folder, secret, database)
    with database.transaction() as tx:
        codes = second_factor.confirm_totp(tx, vault, session, step, pyotp.TOTP(secret).at(now()))
    with database.transaction() as tx:
        tx.execute("update app_user set totp_counter = 0 where id = %s", (user_id,))
        assert second_factor.use_totp(tx, vault, user_id, pyotp.TOTP(secret).at(now()))
    assert files_with(folder, "new-app", database), "what is looked for would be found: the name stands in the clear"
    assert (begun, files_with(folder, secret, database)) == ([], [])
    for code in codes:
        assert files_with(folder, code, database) == []
    # In another shape either.
    raw = base64.b32decode(secret)
    assert not [path for path in (folder / "database").rglob("*") if raw in content_of(path)]


def test_what_stood_open_before_is_sealed_and_wiped_at_the_next_start(kept: tuple[Path, Database]) -> None:
    folder, database = kept
    vault = Vault(folder)
    user_id, _ = person(database, "old-app")
    with database.transaction() as tx:
        tx.execute("update app_user set totp_secret = %s, totp_counter = 0 where id = %s", (SECRET, user_id))
    assert files_with(folder, SECRET, database, but="pg_wal")
    assert access.seal_stored(database, vault) == 1
    assert files_with(folder, SECRET, database, but="pg_wal") == []
    with database.transaction() as tx:
        row = tx.execute("select totp_secret, totp_sealed from app_user where id = %s", (user_id,)).fetchone()
        assert row is not None
        assert row[0] is None
        assert vault.unseal(bytes(row[1]), f"totp {user_id}") == SECRET
        assert second_factor.use_totp(tx, vault, user_id, pyotp.TOTP(SECRET).at(now()))
    assert access.seal_stored(database, vault) == 0


def test_a_new_key_seals_everything_anew_and_a_row_in_another_does_not_open(
    kept: tuple[Path, Database], row_of: Callable[[Database, UUID], bytes]
) -> None:
    folder, database = kept
    vault = Vault(folder)
    jane, _ = person(database, "jane")
    mallory, _ = person(database, "mallory")
    with database.transaction() as tx:
        tx.execute("update app_user set totp_secret = %s where id = %s", (SECRET, jane))
    assert access.seal_stored(database, vault) >= 1
    vault.renew()
    assert access.seal_stored(database, vault) >= 1
    assert vault.is_current(row_of(database, jane))
    with database.transaction() as tx:
        tx.execute("update app_user set totp_sealed = %s where id = %s", (row_of(database, jane), mallory))
        with pytest.raises(Broken):
            second_factor.use_totp(tx, vault, mallory, pyotp.TOTP(SECRET).at(now()))


@pytest.fixture
def row_of() -> Callable[[Database, UUID], bytes]:
    def read(database: Database, user_id: UUID) -> bytes:
        with database.transaction() as tx:
            row = tx.execute("select totp_sealed from app_user where id = %s", (user_id,)).fetchone()
        assert row is not None
        return bytes(row[0])

    return read
