"""P9: a file that is an object and a program (CVE-2019-11687): what leaves has no preamble that runs."""

import re
from pathlib import Path

import httpx
import pytest

from tests.faults.security import hostile
from tests.faults.security.conftest import Siege
from tests.faults.security.hostile import Identity
from tests.peers import dicomweb, part10

PREAMBLES = {
    "PE": b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0" + bytes(44) + b"\x80\0\0\0",
    "ELF": b"\x7fELF\2\1\1\0" + bytes(8) + b"\2\0>\0",
    "Mach-O": b"\xcf\xfa\xed\xfe\7\0\0\1",
    "shell": b"#!/bin/sh\ntouch /tmp/owned\nexit\n",
    "HTML": b"<script>alert(1)</script>",
    "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>",
    "ZIP": b"PK\3\4\24\0\0\0",
    "nearly TIFF": b"II*\0" + b"MZ" * 60,
}
TIFF = b"II*\0\x08\0\0\0\1\0\0\1\3\0\1\0\0\0\x10\0\0\0" + bytes(20)


@pytest.mark.parametrize("kind", [kind for kind in PREAMBLES if kind != "nearly TIFF"])
def test_what_leaves_by_every_door_begins_with_nothing(
    siege: Siege, web: httpx.Client, tmp_path: Path, kind: str
) -> None:
    who = Identity()
    told = dicomweb.stow(web, [hostile.part10(hostile.honest(who), who, preamble=PREAMBLES[kind])])
    assert told.status_code == 200, told.text
    whole = web.get(who.path, headers={"Accept": dicomweb.ANY_DICOM})
    ((headers, came),) = dicomweb.parts_of(whole)
    assert headers["content-type"].startswith("application/dicom")
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert came[:132] == bytes(128) + b"DICM"
    assert part10.split(came).dataset == hostile.honest(who)
    single = web.get(who.path, headers={"Accept": "application/dicom"})
    assert single.content[:132] == bytes(128) + b"DICM"
    ranged = web.get(who.path, headers={"Accept": "application/dicom", "Range": "bytes=0-131"})
    assert ranged.content[:132] == bytes(128) + b"DICM"
    if kind == "PE":
        siege.server.cli("export", str(tmp_path / "out"), "--study", who.study)
        (exported,) = (tmp_path / "out").rglob("*.dcm")
        assert exported.read_bytes()[:132] == bytes(128) + b"DICM"
        assert part10.split(exported.read_bytes()).dataset == hostile.honest(who)


def test_a_file_that_is_a_tiff_too_stays_one(siege: Siege, web: httpx.Client) -> None:
    """PS3.10 7.1: dual-personality files of whole slide imaging."""
    who = Identity()
    assert dicomweb.stow(web, [hostile.part10(hostile.honest(who), who, preamble=TIFF)]).status_code == 200
    (came,) = dicomweb.retrieve(web, who.path.removeprefix("/dicom-web/"))
    assert came[:128] == TIFF.ljust(128, b"\0")
    assert siege.rise() < 64 * hostile.MIB


def test_a_held_object_is_handed_out_without_its_preamble(siege: Siege, web: httpx.Client) -> None:
    """It is kept as it came; a person who looks into it takes a copy that does not run."""
    who = Identity()
    without_study = re.sub(re.escape(hostile.element(0x0020000D, "UI", who.study)), b"", hostile.honest(who))
    dicomweb.stow(web, [hostile.part10(without_study, who, preamble=PREAMBLES["PE"])])
    held = web.get("/api/quarantine").json()["items"][0]
    file = web.get(f"/api/quarantine/{held['id']}/file")
    assert file.content[:132] == bytes(128) + b"DICM"
    assert file.content.endswith(without_study)
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["x-content-type-options"] == "nosniff"
    assert siege.rise() < 64 * hostile.MIB
