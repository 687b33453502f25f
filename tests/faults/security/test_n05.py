"""N5: paths in identifiers (pynetdicom qrscp CVE-2026-56445, pydicom FileSet CVE-2026-32711, DCMTK CVE-2026-50003, dcm4chee#4987)."""

import io
import socket
import zipfile
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity, element
from tests.peers import dicomweb

MARK = "owned-by-path"
NAMES = [
    f"../../{MARK}", f"/tmp/{MARK}", f"..\\..\\{MARK}", f"C:\\{MARK}", f"\\\\host\\share\\{MARK}", f"%2e%2e%2f{MARK}", f"a\0/{MARK}",
    f"~/{MARK}", f"${{HOME}}/{MARK}", f"file:///tmp/{MARK}", ".", "..", "CON", f"1.2.3/../{MARK}", "1.2." + "9" * 70,
]  # fmt: skip


def _places(server_data: Path) -> list[Path]:
    return [server_data, server_data.parent, Path("/tmp"), Path("/"), Path.home()]


def _nothing_was_written(data: Path) -> None:
    for place in _places(data):
        names = [entry.name for entry in place.iterdir()]
        assert not [name for name in names if MARK in name], place
    assert not [path for path in (data / "blobs").rglob("*") if MARK in path.name or ".." in path.name]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_as_identifier_is_no_path(siege: Siege, web: httpx.Client, name: str) -> None:
    """In every identifier of an object, by C-STORE and by STOW-RS: held, or stored under names of ours."""
    to, data = siege.server.dicom, siege.server.data
    for tag, vr in ((0x00080018, "UI"), (0x0020000D, "UI"), (0x0020000E, "UI"), (0x00100020, "LO"), (0x00080050, "SH")):
        who = Identity()
        honest = {0x00080018: who.sop, 0x0020000D: who.study, 0x0020000E: who.series, 0x00100020: who.patient}
        plain = hostile.honest(who)
        if tag in honest:
            bad = plain.replace(element(tag, vr, honest[tag]), element(tag, vr, name))
        else:
            at = plain.index(b"\x08\x00\x60\x00")
            bad = plain[:at] + element(tag, vr, name) + plain[at:]
        (told,) = hostile.store(to, [(who, bad)])
        assert told.status in ({0xC000, 0xA900} if vr == "UI" else {0}), f"{told.status:04x}"
        assert dicomweb.stow(web, [hostile.part10(bad, who)]).status_code in ({409} if vr == "UI" else {200, 202})
    _nothing_was_written(data)
    assert siege.rise() < 64 * MIB


@pytest.mark.parametrize("name", NAMES)
def test_a_path_as_address_leads_nowhere(siege: Siege, web: httpx.Client, name: str) -> None:
    for before in ("/", "/assets/", "/dicom-web/studies/", "/api/studies/", "/api/quarantine/", "/api/series/"):
        told = web.get(before + quote(name, safe=""))
        assert told.status_code in {200, 400, 404, 422}, (before, told.status_code)
        assert told.status_code != 200 or name in {".", ".."} or told.headers["content-type"].startswith("text/html"), (
            before
        )
        assert "root:" not in told.text


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/assets/../../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_a_raw_path_that_climbs_is_not_followed(siege: Siege, path: str) -> None:
    """As a client sends it that does not tidy its addresses."""
    with socket.create_connection(("127.0.0.1", siege.server.http_port), timeout=20) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        told = b""
        while piece := wire.recv(65536):
            told += piece
    assert b"root:x:" not in told
    assert told.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 200"))


def test_names_of_uploads_are_words(siege: Siege, web: httpx.Client) -> None:
    """In the form and inside of ZIP files (dcm4chee#4985); what is good among them comes in."""
    who = [Identity() for _ in NAMES]
    files = [
        ("file", (name.replace("\0", "_"), hostile.part10(hostile.honest(one), one)))
        for name, one in zip(NAMES, who, strict=True)
    ]
    told = web.post("/api/uploads", files=files)
    assert told.status_code == 200, told.text
    assert told.json()["stored"] == len(NAMES)
    out = io.BytesIO()
    more = [Identity() for _ in NAMES]
    with zipfile.ZipFile(out, "w") as archive:
        for name, one in zip(NAMES, more, strict=True):
            archive.writestr(name.replace("\0", "_"), hostile.part10(hostile.honest(one), one))
    told = web.post("/api/uploads", files=[("file", (f"../{MARK}.zip", out.getvalue()))])
    assert told.json()["stored"] == len(NAMES), told.text
    _nothing_was_written(siege.server.data)
