"""N6: ZIP entries that climb out, name drives, are links, come twice (dcm4chee#4985): entries are read by number and never extracted."""

import ast
import io
import stat
import zipfile
from pathlib import Path

import httpx

import heliograph
from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity


def _link(to: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link.dcm")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    info.comment = to.encode()
    return info


def test_links_and_twins_and_climbers(siege: Siege, web: httpx.Client) -> None:
    one, twin, climber = Identity(), Identity(), Identity()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(_link("/etc/passwd"), "/etc/passwd")
        archive.writestr("a.dcm", hostile.part10(hostile.honest(one), one))
        archive.writestr("a.dcm", hostile.part10(hostile.honest(twin), twin))
        archive.writestr("../../../../tmp/slip.dcm", hostile.part10(hostile.honest(climber), climber))
        archive.writestr("/etc/cron.d/slip", "* * * * * root true")
        archive.writestr("C:\\Windows\\slip.dcm", b"x" * 200)
    told = web.post("/api/uploads", files=[("file", ("slip.zip", out.getvalue()))])
    assert told.status_code == 200
    assert told.json()["stored"] == 3, told.text
    for who in (one, twin, climber):
        assert web.get(who.path + "/metadata").status_code == 200
    assert not Path("/tmp/slip.dcm").exists()
    assert not Path("/etc/cron.d/slip").exists()
    assert not list(siege.server.data.rglob("*slip*"))
    assert "root:" not in told.text
    assert siege.rise() < 64 * MIB


def test_nothing_in_the_program_extracts() -> None:
    for file in Path(heliograph.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"extract", "extractall", "unpack_archive"}, f"{file}:{node.lineno}"
