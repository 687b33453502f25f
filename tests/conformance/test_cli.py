"""The commands, each beside a running server and on a stopped one."""

import argparse
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import pytest
from pydicom import dcmread

from heliograph.cli import parser
from tests import phantoms
from tests.conformance.browsing import until
from tests.peers import Dicom, dcmtk, part10, processes, pynet
from tests.peers.heliograph import PROGRAM, Server
from tests.peers.ports import free_port
from tests.peers.programs import program
from tests.phantoms import Shape

HERE = Shape(4, rows=16, columns=16, seed=601, patient="CLI1", name="Console^Carla")
AWAY = Shape(5, rows=16, columns=16, seed=602, patient="CLI2", name="Away^Anna")
MORE = Shape(3, rows=16, columns=16, seed=603, patient="CLI3", name="Away^Bert")


class OldArchive:
    """DCMTK's own archive: knows nothing of us but address and title."""

    def __init__(self, folder: Path, friend: Dicom) -> None:
        self.folder = folder
        self.dicom = Dicom("127.0.0.1", free_port(), "OLDPACS")
        self._friend = friend
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        store = self.folder / "store"
        store.mkdir(parents=True)
        config = self.folder / "dcmqrscp.cfg"
        friend = self._friend
        config.write_text(
            f"NetworkTCPPort = {self.dicom.port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
            f"HostTable BEGIN\nus = ({friend.aet}, {friend.host}, {friend.port})\nHostTable END\n"
            f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nOLDPACS {store} RW (200, 1024mb) ANY\nAETable END\n"
        )
        self._process = subprocess.Popen(
            [program("dcmqrscp"), "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(lambda: dcmtk.echoscu(self.dicom).code == 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        processes.kill_all(processes.family("", None, self._process.pid))
        self._process.wait(60)


@pytest.fixture(scope="module", params=["running", "stopped"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An archive with one study; its server runs, or has been stopped."""
    folder = tmp_path_factory.mktemp(f"cli-{request.param}")
    with Server(folder / "data") as server:
        server.add_device("DCMTK")
        phantoms.write_series(HERE, folder / "here")
        assert dcmtk.storescu(server.dicom, folder / "here").code == 0
        if request.param == "stopped":
            server.stop()
        yield server


@pytest.fixture(scope="module")
def old(house: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldArchive]:
    folder = tmp_path_factory.mktemp("old")
    with OldArchive(folder / "archive", house.dicom) as archive:
        for shape in (AWAY, MORE):
            phantoms.write_series(shape, folder / str(shape.seed))
            assert dcmtk.storescu(archive.dicom, folder / str(shape.seed)).code == 0
        said = cli(
            house,
            "node",
            "add",
            "--name",
            "old",
            "--aet",
            "OLDPACS",
            "--host",
            "127.0.0.1",
            "--port",
            str(archive.dicom.port),
        )
        assert said.stdout == f"old added: OLDPACS at 127.0.0.1:{archive.dicom.port}\n"
        yield archive


def cli(server: Server, *words: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """`heliograph WORDS --data DIR`; its exit status must be the expected one."""
    done = subprocess.run(
        [str(PROGRAM), *words, "--data", str(server.data)],
        check=False,
        capture_output=True,
        text=True,
        env=server.environment,
        timeout=240,
    )
    assert done.returncode == status, (
        f"heliograph {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    )
    return done


def is_stopped(server: Server) -> bool:
    return server.process is None


# -- help ------------------------------------------------------------------------------------------------------


def _commands() -> dict[str, argparse.ArgumentParser]:
    found: dict[str, argparse.ArgumentParser] = {}
    for name, made in _choices(parser()).items():
        found |= {f"{name} {verb}": one for verb, one in _choices(made).items()} or {name: made}
    return found


def _choices(made: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    return next(
        (dict(action.choices or {}) for action in made._actions if isinstance(action, argparse._SubParsersAction)), {}
    )


def test_every_command_of_the_issue_is_there() -> None:
    first = {name.split()[0] for name in _commands()}
    assert first >= {
        "serve",
        "import",
        "export",
        "device",
        "user",
        "token",
        "where",
        "doctor",
        "verify",
        "backup",
        "restore",
        "version",
        "node",
    }


@pytest.mark.parametrize("name", _commands())
def test_help_teaches(name: str) -> None:
    command = _commands()[name]
    assert (command.description or "").endswith("."), "no sentence says what it does"
    silent = [action.dest for action in command._actions if not action.help]
    assert not silent, "these options do not say what they mean"
    assert name == "version" or "--data" in command.format_help()


def test_wrong_usage_ends_with_2_and_a_reason_with_1(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run([str(PROGRAM), *words], check=False, capture_output=True, text=True, timeout=180)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    assert run("nothing-like-this")[0] == 2
    assert run("token", "--data", str(tmp_path))[0] == 2
    status, said = run("restore", str(tmp_path / "no-backup"), "--data", str(tmp_path / "new"))
    assert status == 1
    assert said.startswith("heliograph: ")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("serve", "--http", "203.0.113.9:18481"), "203.0.113.9"),
        (("serve", "--http", "no-such-host.invalid:18481"), "no-such-host.invalid"),
        (("serve", "--database", "mysql://u:hidden-password@h/n"), "database must be"),
        (("serve", "--blobs", "ftp://x"), "blobs must be"),
        (("serve", "--config", "/no/such.toml"), "/no/such.toml"),
        (("where", "anybody"), "there is no installation in"),
        (("verify",), "there is no installation in"),
        (("doctor",), "there is no installation in"),
        (("export", "--patient", "X", "out"), "there is no installation in"),
        (("backup", "out"), "there is no installation in"),
        (("import", "/no/such/path"), "/no/such/path"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(words: tuple[str, ...], named: str, tmp_path: Path) -> None:
    data = tmp_path / "none"
    done = subprocess.run(
        [str(PROGRAM), *words, "--data", str(data)],
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
        cwd=tmp_path,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert named in said
    assert "Traceback" not in said
    assert "hidden-password" not in said
    assert not (data / "database").exists(), "nobody asked for a new installation"


@pytest.mark.parametrize("door", ["--http", "--dicom"])
def test_a_taken_port_is_told_before_anything_starts(door: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        doors = {"--http": "127.0.0.1:0", "--dicom": "127.0.0.1:0", door: f"127.0.0.1:{port}"}
        words = [
            str(PROGRAM),
            "serve",
            "--data",
            str(tmp_path / "data"),
            *(word for pair in doors.items() for word in pair),
        ]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {port} for {door[2:]} is taken" in done.stderr
    assert not (tmp_path / "data" / "database").exists()


@pytest.mark.parametrize("folder", ["/proc/nowhere", "/etc/hostname", "/etc/hostname/below"])
def test_a_data_folder_that_cannot_be_written_is_named(folder: str) -> None:
    done = subprocess.run(
        [str(PROGRAM), "serve", "--data", folder], check=False, capture_output=True, text=True, timeout=180
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert folder in done.stderr


@pytest.mark.parametrize(
    "words",
    [("token", "--name", "x", "--scope", "all", "--days", "-5"), ("user", "link", "--name", "admin", "--minutes", "0")],
)
def test_a_secret_that_ended_before_it_began_is_not_made(house: Server, words: tuple[str, ...]) -> None:
    done = house.cli(*words, check=False)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("words", [("backup", "/proc/nowhere"), ("export", "--patient", "LOAD", "/proc/nowhere")])
def test_a_folder_that_cannot_be_written_is_named(house: Server, words: tuple[str, ...]) -> None:
    done = house.cli(*words, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("heliograph: ")
    assert "Traceback" not in done.stderr


# -- who may come in -------------------------------------------------------------------------------------------


def test_token_prints_the_token_and_nothing_else(house: Server) -> None:
    said = cli(house, "token", "--name", "sync", "--scope", "study.read,changes.read")
    assert re.fullmatch(r"hg_[A-Za-z0-9_-]{40,}\n", said.stdout)
    assert said.stderr == ""
    if not is_stopped(house):
        answer = httpx.get(
            f"{house.http}/api/changes",
            headers={"Authorization": f"Bearer {said.stdout.strip()}"},
            trust_env=False,
            timeout=120,
        )
        assert answer.status_code == 200


def test_token_with_an_unknown_scope_is_refused_and_nothing_stands_on_stdout(house: Server) -> None:
    said = cli(house, "token", "--name", "sync", "--scope", "everything", status=1)
    assert said.stdout == ""
    assert "study.read" in said.stderr, "the scopes that there are, are told"


def test_user_add_and_link_print_a_one_time_address(house: Server) -> None:
    added = cli(house, "user", "add", "--name", "carla", "--roles", "radiologist", "--display", "Carla C")
    link = cli(house, "user", "link", "--name", "carla").stdout.strip()
    for address in (added.stdout.strip(), link):
        assert re.fullmatch(rf"{re.escape(house.http)}/signin#link=[A-Za-z0-9_-]{{20,}}", address)
    if is_stopped(house):
        return
    assert "carla" in cli(house, "user", "list").stdout
    assert "no such user" in cli(house, "user", "link", "--name", "nobody", status=1).stderr
    code = {"link": link.partition("link=")[2]}
    with httpx.Client(base_url=house.http, trust_env=False, timeout=120) as browser:
        assert browser.post("/api/session/link", json=code).json()["user"]["roles"] == ["radiologist"]
        assert browser.post("/api/session/link", json=code).status_code == 401


def test_device_add_changes_list_and_remove(house: Server) -> None:
    said = cli(house, "device", "add", "--aet", "CT7", "--host", "10.1.2.3", "--port", "104", "--allow", "echo,store")
    assert said.stdout == "CT7 added: may echo, store\n"
    said = cli(
        house, "device", "add", "--aet", "CT7", "--host", "10.1.2.4", "--port", "105", "--allow", "echo", "--pin"
    )
    assert said.stdout == "CT7 changed: may echo\n"
    listed = next(line for line in cli(house, "device", "list").stdout.splitlines() if line.startswith("CT7 "))
    assert listed.split()[1:3] == ["10.1.2.4:105", "echo"]
    cli(house, "device", "remove", "--aet", "CT7")
    if is_stopped(house):
        return
    assert "CT7" not in cli(house, "device", "list").stdout
    assert "no such device" in cli(house, "device", "remove", "--aet", "CT7", status=1).stderr
    assert "allow must be of" in cli(house, "device", "add", "--aet", "CT8", "--allow", "everything", status=1).stderr


# -- looking ---------------------------------------------------------------------------------------------------


def test_where_tells_the_life_of_a_study(house: Server) -> None:
    said = cli(house, "where", HERE.patient).stdout
    assert "4 objects" in said
    if is_stopped(house):
        return
    assert cli(house, "where", "console carla").stdout == said
    assert "nothing here is called that" in cli(house, "where", "Nobody^Atall", status=1).stdout


def test_export_gives_every_object_back_bit_for_bit(house: Server, tmp_path: Path) -> None:
    said = cli(house, "export", "--study", HERE.study_uid, str(tmp_path / "out"))
    assert said.stdout.startswith("4 objects of 1 studies")
    files = sorted((tmp_path / "out").rglob("*.dcm"))
    expected = {HERE.sop_uid(n): part10.split(one).dataset for n, one in enumerate(phantoms.slices(HERE), 1)}
    assert {
        part10.split(path.read_bytes()).sop_uid: part10.split(path.read_bytes()).dataset for path in files
    } == expected
    assert not any(HERE.patient in str(path.relative_to(tmp_path)) for path in files), (
        "identifiers of patients stay out of paths"
    )
    assert "no study fits" in cli(house, "export", "--study", "1.2.3", str(tmp_path / "none"), status=1).stderr


def test_verify_and_doctor(house: Server) -> None:
    assert re.search(r"\d+ objects, .* 0 faults", cli(house, "verify").stdout)
    done = subprocess.run(
        [str(PROGRAM), "doctor", "--data", str(house.data)],
        check=False,
        capture_output=True,
        text=True,
        env=house.environment,
        timeout=180,
    )
    assert done.returncode in {0, 1}
    assert done.stdout.strip()
    assert "Traceback" not in done.stderr


def test_backup_restores_to_the_same_archive(house: Server, tmp_path: Path) -> None:
    made = cli(house, "backup", str(tmp_path / "copy")).stdout
    new = tmp_path / "new"
    done = subprocess.run(
        [str(PROGRAM), "restore", str(tmp_path / "copy"), "--data", str(new)], check=False, capture_output=True, text=True,
        env=house.environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.findall(r"digest (\w+)", made) == re.findall(r"digest (\w+)", done.stdout)
    assert "the same as the backup's" in done.stdout
    assert (new / "keys" / "audit.pem").read_bytes() == (house.data / "keys" / "audit.pem").read_bytes()
    assert (new / "keys" / "audit.change").exists(), "at its first start it makes a signing key of its own"


def test_version_names_program_and_schema(house: Server) -> None:
    assert re.fullmatch(r"heliograph \d\S* \(schema \d{4}\)\n", cli(house, "version").stdout)


# -- nodes -----------------------------------------------------------------------------------------------------


def test_node_echo_says_how_long_or_why_not(house: Server, old: OldArchive) -> None:
    assert re.fullmatch(r"old answers in \d+ ms\n", cli(house, "node", "echo", "--name", "old").stdout)
    cli(house, "node", "add", "--name", "gone", "--aet", "GONE", "--host", "127.0.0.1", "--port", "9")
    assert "refuses the connection" in cli(house, "node", "echo", "--name", "gone", status=1).stderr
    assert "heliograph node list" in cli(house, "node", "echo", "--name", "never-heard", status=1).stderr


def test_node_list_change_and_remove(house: Server, old: OldArchive) -> None:
    cli(house, "node", "add", "--name", "brief", "--aet", "BRIEF", "--host", "10.0.0.1", "--port", "11112")
    changed = cli(
        house, "node", "add", "--name", "brief", "--aet", "BRIEF2", "--host", "10.0.0.2", "--port", "11113"
    ).stdout
    assert changed == "brief changed: BRIEF2 at 10.0.0.2:11113\n"
    assert re.search(r"^brief +BRIEF2 at 10.0.0.2:11113$", cli(house, "node", "list").stdout, re.MULTILINE)
    cli(house, "node", "remove", "--name", "brief")
    assert "brief" not in cli(house, "node", "list").stdout


def test_node_query_lists_studies_and_says_when_there_are_more(house: Server, old: OldArchive) -> None:
    said = cli(house, "node", "query", "--name", "old", "--patient-name", "Away*")
    assert {AWAY.study_uid, MORE.study_uid} <= set(said.stdout.split())
    assert said.stderr == ""
    only = cli(house, "node", "query", "--name", "old", "--patient-id", MORE.patient, "--json")
    found = json.loads(only.stdout)
    assert [one["StudyInstanceUID"] for one in found["items"]] == [MORE.study_uid]
    assert found["truncated"] is False
    assert (
        "has nothing that fits"
        in cli(house, "node", "query", "--name", "old", "--patient-id", "NOBODY", status=1).stderr
    )


def test_guard_12_a_capped_list_of_a_node_says_so(house: Server, old: OldArchive) -> None:
    said = cli(house, "node", "query", "--name", "old", "--patient-name", "Away*", "--limit", "1")
    assert len(said.stdout.splitlines()) == 1
    assert "the node has more" in said.stderr
    assert (
        json.loads(cli(house, "node", "query", "--name", "old", "--limit", "1", "--json").stdout)["truncated"] is True
    )


def test_node_retrieve_brings_a_study_bit_for_bit(house: Server, old: OldArchive, tmp_path: Path) -> None:
    said = cli(house, "node", "retrieve", "--name", "old", "--study", AWAY.study_uid)
    assert said.stdout == "5 of 5 objects came\n"
    cli(house, "export", "--study", AWAY.study_uid, str(tmp_path / "out"))
    got = {str(dcmread(path).SOPInstanceUID): dcmread(path).PixelData for path in (tmp_path / "out").rglob("*.dcm")}
    assert got == {AWAY.sop_uid(n): dcmread_bytes(one) for n, one in enumerate(phantoms.slices(AWAY), 1)}


def dcmread_bytes(raw: bytes) -> bytes:
    import io

    return bytes(dcmread(io.BytesIO(raw)).PixelData)


def test_node_retrieve_of_what_is_not_there_fails_with_the_reason(house: Server, old: OldArchive) -> None:
    said = cli(house, "node", "retrieve", "--name", "gone-too", "--study", "1.2.3", status=1)
    assert "no node has this name" in said.stderr
    cli(house, "node", "add", "--name", "deaf", "--aet", "DEAF", "--host", "127.0.0.1", "--port", "9")
    # A running server's worker waits and tries again; the console does not wait for that.
    if is_stopped(house):
        said = cli(house, "node", "retrieve", "--name", "deaf", "--study", "1.2.3", status=1)
        assert "refuses the connection" in said.stderr


def test_node_send_brings_a_study_bit_for_bit(house: Server) -> None:
    expected = {HERE.sop_uid(n): part10.split(one).dataset for n, one in enumerate(phantoms.slices(HERE), 1)}
    with pynet.StoreScp(aet="TAKER") as receiver:
        cli(
            house,
            "node",
            "add",
            "--name",
            "taker",
            "--aet",
            "TAKER",
            "--host",
            "127.0.0.1",
            "--port",
            str(receiver.dicom.port),
        )
        assert (
            cli(house, "node", "send", "--name", "taker", "--study", HERE.study_uid).stdout == "4 of 4 objects went\n"
        )
        assert receiver.raw == expected
        receiver.raw.clear()
        cli(house, "node", "send", "--name", "taker", "--study", HERE.study_uid, "--series", HERE.series_uid)
        assert receiver.raw == expected
        assert (
            "no such series"
            in cli(
                house, "node", "send", "--name", "taker", "--study", HERE.study_uid, "--series", "1.2", status=1
            ).stderr
        )
        assert "no study fits" in cli(house, "node", "send", "--name", "taker", "--study", "1.2", status=1).stderr
    assert "its history needs the node" in cli(house, "node", "remove", "--name", "taker", status=1).stderr


def test_node_send_to_a_node_that_is_down_waits_and_says_so(house: Server) -> None:
    cli(house, "node", "add", "--name", "down", "--aet", "DOWN", "--host", "127.0.0.1", "--port", "9")
    said = cli(house, "node", "send", "--name", "down", "--study", HERE.study_uid, status=1)
    assert said.stdout == "0 of 4 objects went\n"
    assert re.search(r"waiting: .*refuses the connection.*the server tries again", said.stderr)


def test_two_commands_at_once_on_a_stopped_installation(house: Server) -> None:
    """The second waits for the first or says that it must; neither harms the other."""
    command = [str(PROGRAM), "token", "--name", "pair", "--scope", "all", "--data", str(house.data)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=house.environment)
        for _ in range(2)
    ]
    for child in running:
        out, said = child.communicate(timeout=180)
        assert "Traceback" not in said
        assert (child.returncode, out[:3]) == (0, "hg_") or (child.returncode == 1 and "try again" in said)
