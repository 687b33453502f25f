"""Safety guards 9 and 11: times stay what they were, and units are said only when the object says them."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydicom import dcmread

from tests import phantoms
from tests.conformance.browsing import person, study_row
from tests.conformance.guarding import BASE, manifest, objects, send, settled
from tests.peers import dicomweb
from tests.peers.heliograph import Server

# -- guard 9: time ---------------------------------------------------------------------------------------------


def _instants(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text below a key that names a moment of ours."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, str) and (key.endswith("_at") or key in {"at", "since"}):
                yield f"{path}.{key}", inner
            else:
                yield from _instants(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _instants(inner, path + "[]")


def test_guard_9_our_own_instants_are_utc_everywhere(archive: Server) -> None:
    shape = replace(BASE, seed=980, patient="G9")
    send(archive, objects(shape))
    send(archive, objects(shape, SeriesDescription="FORGED")[:1], "CT2")
    send(archive, objects(replace(BASE, slices=1, seed=981, patient="G9U")), "STRANGER")
    row = settled(archive, shape.study_uid)
    client = archive.client()
    with person(archive, "guard-9", "viewer") as window:
        assert window.get("/api/session").status_code == 200
    answers = {
        "search": client.post("/api/studies/search", json={}), "where": client.post("/api/where", json={"text": shape.study_uid}),
        "manifest": client.get(f"/api/studies/{row['id']}/manifest"), "held": client.get(f"/api/studies/{row['id']}/held"),
        **{path: client.get(f"/api/{path}") for path in (
            "changes", "devices", "devices/wants-in", "quarantine", "jobs", "alarms", "users", "tokens", "sends",
        )},
    }  # fmt: skip
    seen = {}
    for what, answer in answers.items():
        for path, text in _instants(answer.raise_for_status().json()):
            seen[what + path] = text
    wrong = {
        path: text
        for path, text in seen.items()
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", text)
    }
    assert wrong == {}
    assert {path.split(".")[0].split("[")[0] for path in seen} >= {
        "search",
        "where",
        "manifest",
        "held",
        "changes",
        "devices",
        "quarantine",
        "users",
    }


@pytest.mark.parametrize(
    ("date", "clock", "birth", "zone"),
    [
        ("20260301", "101500.25", "19600102", "+0100"),
        ("20260301", "101500.123456", "1960", "-0330"),
        ("20260301", "10", "196001", ""),
        ("2026.03.01", "10:15:00", "1960.01.02", ""),
        ("20260301", "235960", "00000000", ""),
        ("20261332", "250000", "19601399", ""),
    ],
    ids=lambda value: str(value) or "none",
)
def test_guard_9_dates_times_and_birth_dates_stay_as_they_were_sent(
    archive: Server, date: str, clock: str, birth: str, zone: str
) -> None:
    seed = 985 + ["101500.25", "101500.123456", "10", "10:15:00", "235960", "250000"].index(clock)
    shape = replace(BASE, slices=1, seed=seed, patient=f"G9-{seed}")
    (made,) = objects(shape)
    plain = {"StudyDate": "20260301", "StudyTime": "101500.25", "PatientBirthDate": "19600102"}
    raw = phantoms.file_bytes(made)
    for keyword, value in {"StudyDate": date, "StudyTime": clock, "PatientBirthDate": birth}.items():
        raw = _with_value(raw, keyword, plain[keyword], value)
    if zone:
        made = dcmread(io.BytesIO(raw))
        made.TimezoneOffsetFromUTC = zone
        raw = phantoms.file_bytes(made)
    answer = dicomweb.stow(archive.client(), [raw])
    assert answer.status_code == 200, answer.text
    row = study_row(archive, shape.study_uid)
    assert (row["study_date"], row["study_time"], row["patient"]["birth_date"], row["timezone_offset"]) == (
        date,
        clock,
        birth,
        zone,
    )
    (told,) = archive.client().get(f"/dicom-web/studies/{shape.study_uid}/metadata").raise_for_status().json()
    assert [told[tag]["Value"][0] for tag in ("00080020", "00080030", "00100030")] == [date, clock, birth]


def _with_value(raw: bytes, keyword: str, old: str, new: str) -> bytes:
    """The file with one date or time written by hand, because a library would refuse or mend the odd forms."""
    tag, vr = {"StudyDate": (b"\x08\x00\x20\x00", b"DA"), "StudyTime": (b"\x08\x00\x30\x00", b"TM"),
               "PatientBirthDate": (b"\x10\x00\x30\x00", b"DA")}[keyword]  # fmt: skip

    def element(text: str) -> bytes:
        value = text.encode() + b" " * (len(text) % 2)
        return tag + vr + len(value).to_bytes(2, "little") + value

    assert element(old) in raw
    return raw.replace(element(old), element(new), 1)


# -- guard 11: units -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"), [("HU", ["HU"]), ("US", ["US"]), ("mgml", ["mgml"]), ("", None), (None, "absent")]
)
def test_guard_11_the_server_says_hu_only_when_the_object_does(
    archive: Server, sent: str | None, expected: Any
) -> None:
    """Modality CT alone is no unit: Rescale Type leaves as it came, absent stays absent."""
    seed = 1000 + [None, "HU", "US", "mgml", ""].index(sent)
    shape = replace(BASE, slices=2, seed=seed, patient=f"G11-{seed}")
    assert send(archive, objects(shape, RescaleType=sent)) == [0, 0]
    client = archive.client()
    below = f"/dicom-web/studies/{shape.study_uid}/series/{shape.series_uid}"
    (series,) = manifest(archive, shape.study_uid)["series"]
    document = client.get(series["document_url"]).raise_for_status().json()
    told = client.get(f"{below}/metadata").raise_for_status().json()
    told += [{**document["shared"], **one["attributes"]} for one in document["instances"]]
    told += client.get(f"{below}/instances/{shape.sop_uid(1)}/metadata").raise_for_status().json()
    assert len(told) == 5
    for one in told:
        assert one.get("00281054", {}).get("Value", None if "00281054" in one else "absent") == expected
    (raw,) = dicomweb.retrieve(
        client, f"studies/{shape.study_uid}/series/{shape.series_uid}/instances/{shape.sop_uid(1)}"
    )
    assert dcmread(io.BytesIO(raw)).get("RescaleType") == sent or (
        sent == "" and not dcmread(io.BytesIO(raw)).RescaleType
    )
