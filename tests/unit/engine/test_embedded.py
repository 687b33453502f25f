"""The embedded PostgreSQL: started on what a crash left, stopped in order, and never another's."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from heliograph.engine.db import EmbeddedPostgres, embedded, schema
from heliograph.kit.errors import Conflict

KEEPER = """
import sys, time
from pathlib import Path
from heliograph.engine.db import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]))
postgres.start()
print(postgres.url, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cluster for the whole module; making one takes the longest."""
    return Path(tmp_path_factory.mktemp("embedded"))


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(folder)
    made.start()
    yield made
    made.stop()


def pid_of(folder: Path) -> int:
    return int((EmbeddedPostgres(folder).cluster / "postmaster.pid").read_text().splitlines()[0])


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        connection.execute("create table if not exists kept (n int)")
        connection.execute("insert into kept values (1)")
        row = connection.execute("select count(*) from kept").fetchone()
        assert row is not None
        return int(row[0])


def test_what_is_committed_survives_stop_and_start(postgres: EmbeddedPostgres, folder: Path) -> None:
    before = count(postgres.url)
    postgres.stop()
    assert not postgres.is_answering()
    again = EmbeddedPostgres(folder)
    again.start()
    try:
        assert again.is_answering()
        assert count(again.url) == before + 1
    finally:
        again.stop()


def test_only_its_owner_may_look_into_the_folder_and_nobody_comes_by_network(
    postgres: EmbeddedPostgres, folder: Path
) -> None:
    assert folder.stat().st_mode & 0o077 == 0
    assert postgres.socket_folder.stat().st_mode & 0o077 == 0
    with psycopg.connect(postgres.url) as connection:
        settings = dict(
            connection.execute(
                "select name, setting from pg_settings where name in ('listen_addresses', 'data_checksums', 'fsync', 'full_page_writes', 'synchronous_commit')"
            ).fetchall()
        )
    assert settings == {
        "listen_addresses": "",
        "data_checksums": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
    }


def test_a_server_that_a_killed_supervisor_left_is_ended_at_the_next_start(folder: Path) -> None:
    keeper = subprocess.Popen([sys.executable, "-c", KEEPER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert keeper.stdout is not None
    before = count(keeper.stdout.readline().strip())
    left = pid_of(folder)
    keeper.kill()
    keeper.wait()
    assert is_alive(left), "the database server outlives its supervisor"
    made = EmbeddedPostgres(folder)
    made.start()
    try:
        assert not is_alive(left)
        assert pid_of(folder) != left
        assert count(made.url) == before + 1
    finally:
        made.stop()


def test_a_server_that_was_killed_with_its_supervisor_is_started_again(folder: Path) -> None:
    keeper = subprocess.Popen([sys.executable, "-c", KEEPER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert keeper.stdout is not None
    before = count(keeper.stdout.readline().strip())
    left = pid_of(folder)
    os.kill(left, signal.SIGKILL)
    keeper.kill()
    keeper.wait()
    made = EmbeddedPostgres(folder)
    made.start()
    try:
        assert count(made.url) == before + 1
    finally:
        made.stop()


def test_a_backend_that_outlives_its_server_is_ended_before_the_next_one_starts(folder: Path) -> None:
    """Two servers on one folder would write over each other."""
    made = EmbeddedPostgres(folder)
    made.start()
    connection = psycopg.connect(made.url)
    left = pid_of(folder)
    children = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if stands_in(folder, entry)]
    assert len(children) > 2
    for pid in set(children) - {left}:  # as a process that hangs in the disk: it notices nothing
        with contextlib.suppress(ProcessLookupError):  # an autovacuum worker may have ended by itself
            os.kill(pid, signal.SIGSTOP)
    os.kill(left, signal.SIGKILL)
    again = EmbeddedPostgres(folder)
    again.start()
    try:
        assert not any(is_alive(pid) for pid in children)
        assert count(again.url) > 0
    finally:
        again.stop()
        connection.close()
        made.stop()


def stands_in(folder: Path, process: Path) -> bool:
    with contextlib.suppress(OSError):
        return (process / "cwd").readlink().is_relative_to(folder)
    return False


def test_the_file_of_a_dead_server_that_nobody_reaped_keeps_nobody_out(folder: Path) -> None:
    """A killed server stays a zombie while its parent does not look; PostgreSQL itself takes such a process id for alive."""
    zombie = os.fork()
    if zombie == 0:
        os._exit(0)
    try:
        deadline = time.monotonic() + 60
        while is_alive(zombie):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        made = EmbeddedPostgres(folder)
        made.start()
        pid_file = made.cluster / "postmaster.pid"
        text = pid_file.read_text()
        lock_text = (made.socket_folder / ".s.PGSQL.5432.lock").read_text()
        made.stop()
        own = text.splitlines()[0]
        pid_file.write_text(text.replace(own, str(zombie), 1))
        (made.socket_folder / ".s.PGSQL.5432.lock").write_text(lock_text.replace(own, str(zombie), 1))
        again = EmbeddedPostgres(folder)
        assert not again.is_answering()
        again.start()
        try:
            assert count(again.url) > 0
        finally:
            again.stop()
    finally:
        os.waitpid(zombie, 0)


def test_a_process_that_got_the_old_number_is_left_alone(folder: Path) -> None:
    """After a restart of the machine the number in the file may be anybody's."""
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    made = EmbeddedPostgres(folder)
    made.start()
    pid_file = made.cluster / "postmaster.pid"
    text = pid_file.read_text()
    made.stop()
    try:
        pid_file.write_text(text.replace(text.splitlines()[0], str(stranger.pid), 1))
        assert not EmbeddedPostgres(folder).is_answering()
        again = EmbeddedPostgres(folder)
        with contextlib.suppress(Exception):
            again.start()
        again.stop()
        assert stranger.poll() is None, "somebody else's process was ended"
    finally:
        stranger.kill()
        stranger.wait()
        pid_file.unlink(missing_ok=True)


def test_poll_tells_that_the_server_died(postgres: EmbeddedPostgres) -> None:
    assert postgres.poll() is None
    os.kill(pid_of(postgres.folder), signal.SIGKILL)
    deadline = time.monotonic() + 60
    while postgres.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    postgres.start()
    assert count(postgres.url) > 0


def test_a_path_too_long_for_a_socket_gets_one_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    one, other = EmbeddedPostgres(deep), EmbeddedPostgres(deep / "other")
    assert len(str(one.socket_folder)) < 80
    assert one.socket_folder != other.socket_folder
    assert EmbeddedPostgres(deep).socket_folder == one.socket_folder


def test_the_schema_is_made_once_and_a_newer_one_is_refused(postgres: EmbeddedPostgres) -> None:
    assert schema.current(postgres.url) is None
    assert schema.upgrade(postgres.url) is True
    assert schema.upgrade(postgres.url) is False
    assert schema.current(postgres.url) == schema.HEAD
    with psycopg.connect(postgres.url) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(Conflict, match="9999"):
        schema.upgrade(postgres.url)


DENIED = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
STARTER = """
import sys
from pathlib import Path
from heliograph.engine.db import EmbeddedPostgres
from heliograph.kit.errors import HeliographError
try:
    EmbeddedPostgres(Path(sys.argv[1])).start()
except HeliographError as error:
    print(error.code, error.message)
"""


def as_root_without_namespaces(*command: str) -> list[str]:
    """Root of a user namespace that allows no further one: what a hardened machine or a container does to the real one."""
    return ["unshare", "-U", "-r", "sh", "-c", DENIED, "sh", *command]


@pytest.mark.parametrize("tools", ["denied", "missing"])
def test_root_that_may_have_no_user_namespace_is_told_the_ways_out(tmp_path: Path, tools: str) -> None:
    if subprocess.run(as_root_without_namespaces("true"), check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine gives no user namespace to try it in")
    environment = {**os.environ, "PATH": "/nowhere"} if tools == "missing" else dict(os.environ)
    wanted = ["env", f"PATH={environment['PATH']}", sys.executable, "-c", STARTER, str(tmp_path / "database")]
    said = subprocess.run(
        as_root_without_namespaces(*wanted), check=False, capture_output=True, text=True, timeout=120
    ).stdout
    assert said.startswith("root_without_namespace ")
    assert "as another user" in said
    assert "--database" in said
    assert not (tmp_path / "database").exists(), "nothing is left behind that belongs to root"


def test_memory_follows_the_size_of_the_database_within_the_machine(tmp_path: Path) -> None:
    base = tmp_path / "base" / "1"
    base.mkdir(parents=True)
    assert embedded._memory_mb(tmp_path) == 512
    with (base / "16384").open("wb") as file:
        file.truncate(1 << 30)
    assert embedded._memory_mb(tmp_path) == min(1280, max(512, embedded._machine_bytes() >> 22))
    with (base / "16385").open("wb") as file:
        file.truncate(1 << 40)
    assert embedded._memory_mb(tmp_path) == max(512, embedded._machine_bytes() >> 22)


def test_a_container_is_as_large_as_its_limit(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("max\n")
    whole = embedded._machine_bytes((limit, tmp_path / "not there"))
    assert whole == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit.write_text("1073741824\n")
    assert embedded._machine_bytes((limit,)) == 1 << 30
