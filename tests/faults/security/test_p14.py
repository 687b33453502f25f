"""P14: characters that are not seen, and bytes that no character set has: one patient must not look like another."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.standards.dicom import charset
from tests.faults.security import hostile
from tests.faults.security.conftest import MIB, Siege
from tests.faults.security.hostile import Identity, element
from tests.peers import dicomweb, part10

ROOT = Path(__file__).resolve().parents[3]
TERMS = [
    "",
    "ISO_IR 100",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "ISO_IR 13",
    "\\ISO 2022 IR 87",
    "\\ISO 2022 IR 149",
    "ISO 2022 IR 6\\ISO 2022 IR 58",
    "NO SUCH SET",
    "ISO_IR 192\\ISO 2022 IR 87",
    "\\\\\\",
]
NAMES = {
    "right to left override": ("Doe^\u202eenaJ", "‹U+202E›"),
    "zero width space": ("D\u200boe^Jane", "‹U+200B›"),
    "zero width joiner between Latin letters": ("D\u200doe^Jane", "‹U+200D›"),
    "byte order mark": ("\ufeffDoe^Jane", "‹U+FEFF›"),
    "isolate": ("Doe\u2066^Jane\u2069", "‹U+2066›"),
    "soft hyphen": ("Do\u00ade^Jane", "‹U+00AD›"),
    "a filler of Hangul": ("Doe\u3164^Jane", "‹U+3164›"),
    "a tag character": ("Doe\U000e0041^Jane", "‹U+E0041›"),
    "an escape": ("Doe\x1b[31m^Jane", "‹U+001B›"),
    "a NUL": ("Doe\x00^Jane", "‹U+0000›"),
    "a variation selector": ("Doe\ufe0f^Jane", "‹U+FE0F›"),
}
HONEST = ["Doe^Jane", "Müller^Jürgen", "علی\u200cرضا^محمد", "山田^太郎", "O'Neil^Ann-Marie", "שרה^כהן", "क्\u200dष^राम"]


def _shown(names: list[str]) -> list[str]:
    """By the client's own function, run by Node as it stands in the source."""
    node = Path(sys.executable).with_name("node")
    script = (
        f"const {{ formatPersonName }} = await import({json.dumps((ROOT / 'web/src/kit/format/person.ts').as_uri())});"
        "const names = JSON.parse(process.argv[1]); console.log(JSON.stringify(names.map((name) => formatPersonName(name))))"
    )
    done = subprocess.run(
        [str(node), "--input-type=module", "--no-warnings", "--eval", script, json.dumps(names)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return list(json.loads(done.stdout))


def test_what_is_not_seen_is_shown() -> None:
    shown = dict(zip(NAMES, _shown([name for name, _ in NAMES.values()]), strict=True))
    for what, (_, mark) in NAMES.items():
        assert mark in shown[what], (what, shown[what])
        assert shown[what].isprintable()
        assert shown[what] != "Doe, Jane"


def test_honest_names_are_shown_as_they_are() -> None:
    assert not [name for name in _shown(HONEST) if "‹U+" in name]


@pytest.mark.parametrize("term", TERMS)
def test_bytes_of_no_character_set_are_kept_and_served(siege: Siege, web: httpx.Client, term: str) -> None:
    for raw in (
        b"\x1b$B\x1b$B\x1b",
        b"\x81\x30\x81",
        b"\xff\xfe\x00",
        b"Doe\x00\x1b(J^\x8e",
        b"\x1b-F\xcd\x1b$)C\xa1",
        b"\xf0\x9f\x98",
        b"A\x0e\x0fB",
        b"\xe2\x80\xae",
    ):
        who = Identity()
        data = hostile.head(who)
        at = data.index(b"\x08\x00\x16\x00")
        data = (
            data[:at]
            + element(0x00080005, "CS", term)
            + data[at:].replace(element(0x00100010, "PN", "Hostile^Object"), element(0x00100010, "PN", raw))
        )
        data += hostile.image() + hostile.pixels()
        assert hostile.store(siege.server.dicom, [(who, data)])[0].status == 0
        (came,) = dicomweb.retrieve(web, who.path.removeprefix("/dicom-web/"))
        assert part10.split(came).dataset == data
        told = web.get(who.path + "/metadata")
        assert told.status_code == 200
        assert web.get(f"/dicom-web/studies?StudyInstanceUID={who.study}").status_code == 200
    assert siege.rise() < 64 * MIB


@settings(max_examples=300)
@given(st.sampled_from(TERMS), st.binary(max_size=60))
def test_whatever_the_bytes_decoding_ends_in_text(term: str, raw: bytes) -> None:
    text, _ = charset.decode(raw, charset.character_sets(term.encode()), "PN")
    assert len(text) <= 4 * len(raw) + 4
    text.encode("utf-8")
