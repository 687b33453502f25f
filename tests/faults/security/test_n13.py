"""N13: commands inside of names (DCMTK storescp CVE-2026-5663): no shell, and no program is started for what came from outside."""

import ast
import contextlib
from pathlib import Path

import httpx
import pytest

import heliograph
from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity
from tests.peers import processes
from tests.peers.association import EXPLICIT, Association, Lost

MARK = Path("/tmp/owned-by-a-name")
COMMANDS = [
    f"; touch {MARK}",
    f"$(touch {MARK})",
    f"`touch {MARK}`",
    f"| touch {MARK}",
    f"a && touch {MARK}",
    f"a\ntouch {MARK}\n",
    "-rf /",
    "--help",
    f"> {MARK}",
]
# Programs that are started, with words of ours alone.
STARTERS = {
    "app/serve.py": "the roles", "engine/supervise.py": "the roles", "engine/db/embedded.py": "PostgreSQL", "engine/_pipe.py": "decoders",
    "features/archive/backup.py": "pg_dump and pg_restore", "demo/_crew.py": "the sample hospital",
}  # fmt: skip
NEVER = {
    "system",
    "popen",
    "spawnl",
    "spawnlp",
    "spawnv",
    "spawnvp",
    "getoutput",
    "getstatusoutput",
    "create_subprocess_shell",
}


def test_no_shell_and_few_programs() -> None:
    root = Path(heliograph.__path__[0])
    for file in root.rglob("*.py"):
        name = file.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert "subprocess" not in names or name in STARTERS, f"{name} starts programs"
            if isinstance(node, ast.Attribute):
                assert node.attr not in NEVER, f"{name}:{node.lineno}: {node.attr}"
            if isinstance(node, ast.Call):
                shell = [word.value for word in node.keywords if word.arg == "shell"]
                assert not shell, f"{name}:{node.lineno}: shell="


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_a_name_runs_nowhere(siege: Siege, web: httpx.Client, command: str) -> None:
    before = _programs(siege)
    who = Identity()
    data = hostile.head(who, name=command, patient=command[:64]) + hostile.image() + hostile.pixels()
    assert hostile.store(siege.server.dicom, [(who, data)])[0].status == 0
    with contextlib.suppress(Lost, UnicodeError):
        Association.connect(siege.server.dicom, [(hostile.CT, (EXPLICIT,))], calling=command[:16], timeout=20).abort()
    web.post("/api/uploads", files=[("file", (command.replace("\n", "_"), hostile.part10(data, who)))])
    web.post("/api/devices", json={"aet": command[:16], "host": command, "port": 104, "allow": ["echo"]})
    web.post("/api/nodes", json={"name": command, "aet": "X", "host": command, "port": 104, "kind": "dimse"})
    web.post("/api/where", json={"text": command})
    assert web.get(f"/dicom-web/studies/{who.study}/thumbnail").status_code in {200, 404}
    assert _programs(siege) <= before | {"python", "python3", "heliograph", "postgres"}
    assert not MARK.exists()
    assert siege.rise() < 96 * MIB


def _programs(siege: Siege) -> set[str]:
    return {processes.name_of(pid).partition("3.")[0] for pid in siege.server.pids()} - {""}
