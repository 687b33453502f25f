"""Media in: DICOMDIR disks, folders, ZIP files good and hostile, interruption, uploads."""

import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from heliograph.app import installation
from heliograph.engine.jobs import enqueue
from heliograph.features.access import system_actor
from heliograph.gateways.media import import_paths
from heliograph.kit.settings import Settings
from tests import data, phantoms
from tests.conformance.browsing import study_row, until
from tests.peers import dicomweb, part10
from tests.peers.heliograph import EMBEDDED, PROGRAM, Server
from tests.phantoms import Shape

MEDIA = ("77654033", "98892001", "98892003", "DICOMDIR")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("import") / "data") as running:
        yield running


def take(
    server: Server, *paths: Path, status: int = 0, options: tuple[str, ...] = (), cpu_s: float | None = None
) -> dict[str, Any]:
    """The summary of `heliograph import`, and how much work it may be: processor time, because a busy machine takes longer for the same."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = server.cli("import", *map(str, paths), "--json", *options, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert cpu_s is None or after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < cpu_s
    return dict(json.loads(done.stdout))


def refused(summary: dict[str, Any]) -> dict[str, str]:
    """Names that were not taken -> why."""
    return {item["name"]: item["reason"] for item in summary["refused"]}


def came_back(server: Server, files: list[Path]) -> None:
    """Every file gives the same data set, whichever way it came in."""
    client = server.client()
    for path in files:
        ds = dcmread(path, force=True, stop_before_pixels=True)
        where = f"studies/{ds.StudyInstanceUID}/series/{ds.SeriesInstanceUID}/instances/{ds.SOPInstanceUID}"
        (raw,) = dicomweb.retrieve(client, where)
        assert part10.split(raw).dataset == part10.split(path.read_bytes()).dataset, path.name


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A copy of the sample media, to be damaged."""
    root = data.named("dicomdir/DICOMDIR").path.parent
    folder = tmp_path / "disk"
    folder.mkdir()
    for name in MEDIA:
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name)
        else:
            shutil.copy(root / name, folder / name)
    return folder


def images_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "DICOMDIR")


# -- media -----------------------------------------------------------------------------------------------------


def test_a_dicomdir_disk_comes_in_whole_and_bit_for_bit(house: Server, disk: Path) -> None:
    images = images_of(disk)
    summary = take(house, disk)
    assert summary["new"] == len(images) == 31
    assert summary["contents"] == 1, "the table of contents is no object and no fault"
    assert summary["refused"] == []
    came_back(house, images)
    again = take(house, disk / "DICOMDIR")
    assert (again["identical"], again.get("new", 0)) == (31, 0), "the DICOMDIR alone means its media"


def test_files_that_the_dicomdir_names_and_the_disk_lacks_are_told(house: Server, disk: Path) -> None:
    lost = [disk / "98892003" / "MR2" / "4950", disk / "77654033" / "CR1" / "6154"]
    for path in lost:
        path.unlink()
    (disk / "98892001" / "CT2N" / "6293").rename(disk / "98892001" / "CT2N" / "6293;1")
    summary = take(house, disk, status=1)
    assert summary["missing"] == 2
    assert refused(summary) == dict.fromkeys(
        ("77654033/CR1/6154", "98892003/MR2/4950"), "named in the DICOMDIR and not on the media"
    )
    text = house.cli("import", str(disk), check=False).stdout
    assert "2 missing on the media" in text
    assert "98892003/MR2/4950" in text


def test_a_zipped_disk_is_the_same(house: Server, disk: Path, tmp_path: Path) -> None:
    def pack(name: str, leave_out: tuple[str, ...] = ()) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as made:
            for path in sorted(disk.rglob("*")):
                inside = path.relative_to(disk).as_posix()
                if inside not in leave_out:
                    made.write(path, f"DISK 1/{inside}")
        return tmp_path / name

    summary = take(house, pack("whole.zip"))
    assert summary.get("new", 0) + summary.get("identical", 0) == 31
    assert summary["refused"] == []
    summary = take(house, pack("torn.zip", ("98892003/MR2/4950",)), status=1)
    assert refused(summary) == {"98892003/MR2/4950": "named in the DICOMDIR and not on the media"}


@pytest.mark.parametrize("row", [row for row in data.manifest() if row.is_directory_record], ids=str)
def test_every_form_of_dicomdir_is_known_for_what_it_is(house: Server, row: data.Sample, tmp_path: Path) -> None:
    """Big endian, implicit, reordered, without offsets, empty; under its own and under another name."""
    (tmp_path / "media").mkdir()
    shutil.copy(row.path, tmp_path / "media" / "DICOMDIR")
    shutil.copy(row.path, tmp_path / "renamed")
    summary = take(house, tmp_path / "renamed")
    assert summary == {"contents": 1, "refused": []}
    empty = row.path.name.endswith("empty.dcm")
    summary = take(house, tmp_path / "media", status=0 if empty else 1)
    assert summary["contents"] == 1
    assert (summary.get("missing", 0) > 0) is not empty, "nothing that it names is there"


@pytest.mark.parametrize(
    "content", [b"", b"no table at all", b"\0" * 128 + b"DICM" + b"\xff" * 500], ids=["empty", "text", "noise"]
)
def test_a_damaged_dicomdir_does_not_keep_the_images_out(house: Server, disk: Path, content: bytes) -> None:
    (disk / "DICOMDIR").write_bytes(content)
    summary = take(house, disk, status=0 if content else 1)
    assert summary.get("new", 0) + summary.get("identical", 0) == 31


def test_every_file_of_a_real_medium_with_many_patients_folders(house: Server) -> None:
    root = data.named("dicomdir/TINY_ALPHA/DICOMDIR").path.parent
    summary = take(house, root)
    assert summary["new"] + summary.get("held", 0) == 50
    assert "missing" not in summary
    assert set(refused(summary)) <= {"README"} | {path.name for path in root.rglob("IM*")}


# -- ZIP files -------------------------------------------------------------------------------------------------


def test_a_zip_of_real_objects(house: Server) -> None:
    row = data.named("rt/breast_plan.zip")
    summary = take(house, row.path)
    assert summary["new"] == len(row.files)
    came_back(house, row.files)


def zipped(path: Path, entries: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return path


def one(seed: int, **more: Any) -> bytes:
    return phantoms.slices(Shape(1, rows=16, columns=16, seed=seed, patient=f"ZIP{seed}", **more))[0]


@pytest.mark.parametrize(
    "name",
    ["../../../../escaped.dcm", "/escaped.dcm", "..\\..\\escaped.dcm", "C:\\escaped.dcm", "a/../../escaped.dcm", "x" * 5000, "nul\0byte.dcm",
     "\x1b]0;title\x07\x1b[31mred.dcm", "DICOM/" * 200 + "deep.dcm", ".", "..", "con", "-rf", "na\nme.dcm"],
    ids=range(14),
)  # fmt: skip
def test_names_inside_a_zip_never_become_paths(house: Server, tmp_path: Path, name: str) -> None:
    seed = 4000 + sum(name.encode()) % 900
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    path = zipped(
        inside / "slip.zip", {name: one(seed), "letter.txt": b"nothing of ours", "bad/" + name: b"nothing of ours"}
    )
    before = sorted(os.walk(tmp_path))
    summary = take(house, path)
    assert summary["new"] == 1
    assert sorted(os.walk(tmp_path)) == before
    assert not list(house.data.rglob("*escaped*"))
    assert not Path("/escaped.dcm").exists()
    text = house.cli("import", str(path)).stdout
    assert "\x1b" not in text
    assert "\x07" not in text
    assert len(text.splitlines()) == 1 + len(summary["refused"])


def test_a_bomb_is_refused_before_it_grows_and_the_rest_is_taken(house: Server, tmp_path: Path) -> None:
    head = one(4901)
    path = zipped(tmp_path / "bomb.zip", {"bomb.dcm": head + bytes(300 << 20), "fine.dcm": one(4902)})
    assert path.stat().st_size < 1_000_000
    summary = take(house, path, status=1, cpu_s=15)
    assert summary["new"] == 1
    assert refused(summary) == {"bomb.dcm": "the entry of the ZIP file would grow beyond every image"}


def test_entries_that_share_their_bytes_are_refused(house: Server, tmp_path: Path) -> None:
    """Many names for one piece of data: kilobytes that unpack to gigabytes."""
    zipped(tmp_path / "plain.zip", {"a.dcm": one(4910) + bytes(20_000_000)})
    raw = (tmp_path / "plain.zip").read_bytes()
    start = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    record = raw[start:end]
    count = 500
    tail = (
        raw[end : end + 8]
        + count.to_bytes(2, "little") * 2
        + (len(record) * count).to_bytes(4, "little")
        + raw[end + 16 :]
    )
    (tmp_path / "shared.zip").write_bytes(raw[:start] + record * count + tail)
    with zipfile.ZipFile(tmp_path / "shared.zip") as made:
        assert len(made.infolist()) == count
    summary = take(house, tmp_path / "shared.zip", status=1, cpu_s=15)
    assert summary["failed"] == count
    assert set(refused(summary).values()) == {"the entries of the ZIP file overlap"}


def test_what_a_zip_cannot_give_is_listed_with_the_reason(house: Server, tmp_path: Path) -> None:
    path = zipped(tmp_path / "odd.zip", {
        "secret.dcm": one(4920), "strange.dcm": one(4921), "torn.dcm": one(4922), "empty.dcm": b"", "inner.zip": zipped(tmp_path / "inner.zip", {"i.dcm": one(4923)}).read_bytes(),
        "folder/": b"", "Thumbs.db": b"junk", "good.dcm": one(4924),
    })  # fmt: skip
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as made:
        offsets = {info.filename: info.header_offset for info in made.infolist()}
    for name, flag, method in (("secret.dcm", 1, None), ("strange.dcm", None, 97)):
        central = raw.index(name.encode(), raw.index(b"PK\x01\x02")) - 46
        for place in (offsets[name] + 6, central + 8):
            if flag is not None:
                raw[place] |= flag
            if method is not None:
                raw[place + 2 : place + 4] = method.to_bytes(2, "little")
    body = offsets["torn.dcm"] + 30 + len("torn.dcm")
    raw[body + 20 : body + 40] = b"\xff" * 20
    path.write_bytes(raw)
    summary = take(house, path, status=1)
    told = refused(summary)
    assert summary["new"] == 1
    assert set(told) == {"secret.dcm", "strange.dcm", "torn.dcm", "empty.dcm", "inner.zip"}
    assert "encrypted" in told["secret.dcm"]
    assert "cannot be read" in told["strange.dcm"]
    assert told["empty.dcm"] == "the file is empty"
    assert told["inner.zip"] == "not a DICOM object"


@pytest.mark.parametrize("keep", [0.2, 0.6, 0.99])
def test_a_zip_that_was_cut_off_is_said_to_be_damaged(house: Server, tmp_path: Path, keep: float) -> None:
    raw = zipped(tmp_path / "whole.zip", {f"{n}.dcm": one(4930 + n) for n in range(5)}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(raw[: int(len(raw) * keep)])
    summary = take(house, tmp_path / "cut.zip", status=1)
    assert refused(summary) == {"cut.zip": "the ZIP file is damaged"}


def test_a_dicom_file_that_begins_like_a_zip_or_is_called_one_is_a_dicom_file(house: Server, tmp_path: Path) -> None:
    (tmp_path / "polyglot").write_bytes(b"PK\x03\x04" + one(4940)[4:])
    (tmp_path / "called.zip").write_bytes(one(4941))
    assert take(house, tmp_path)["new"] == 2


def test_a_zip_with_very_many_entries_is_read_in_one_go(house: Server, tmp_path: Path) -> None:
    """Its directory is read once and not once for every entry."""
    path = zipped(tmp_path / "many.zip", {f"{n:05d}.txt": b"no image" for n in range(8000)}, zipfile.ZIP_STORED)
    summary = take(house, path, cpu_s=40)
    assert summary["not_dicom"] == 8000
    assert len(summary["refused"]) == 500


# -- folders ---------------------------------------------------------------------------------------------------


def test_what_is_not_taken_from_a_folder_is_listed(house: Server, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "outside.dcm").write_bytes(one(4950))
    phantoms.write_series(Shape(2, rows=16, columns=16, seed=4951, patient="MIXED"), folder / "deep" / "er")
    (folder / "letter.pdf").write_bytes(b"%PDF-1.7 nothing of ours")
    (folder / "nothing.dcm").touch()
    (folder / ".DS_Store").write_bytes(b"junk")
    (folder / "link.dcm").symlink_to(elsewhere / "outside.dcm")
    (folder / "links").symlink_to(elsewhere, target_is_directory=True)
    os.mkfifo(folder / "pipe")
    summary = take(house, folder, status=1)
    assert summary["new"] == 2
    assert refused(summary) == {
        "letter.pdf": "not a DICOM object",
        "nothing.dcm": "the file is empty",
        "link.dcm": "a link; links are not followed",
        "links": "a link to a folder; links are not followed",
        "pipe": "neither a file nor a folder",
    }
    (tmp_path / "asked-for").symlink_to(elsewhere / "outside.dcm")
    assert take(house, tmp_path / "asked-for")["new"] == 1, "a link that is named on the command line is meant"


def test_the_same_object_twice_is_stored_once(house: Server, tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm"):
        (tmp_path / name).write_bytes(one(4960))
    summary = take(house, tmp_path / "a.dcm", tmp_path / "b.dcm")
    assert (summary["new"], summary["identical"]) == (1, 1)


def test_who_issued_the_identifiers(house: Server, tmp_path: Path) -> None:
    rows = {}
    for n, options in enumerate(((), ("--issuer", "General"), ("--own",))):
        shape = Shape(1, rows=16, columns=16, seed=4970 + n, patient="ISSUED")
        phantoms.write_series(shape, tmp_path / f"disk{n}")
        take(house, tmp_path / f"disk{n}", options=options)
        rows[options] = study_row(house, shape.study_uid)["patient"]["issuer"]
    outside = rows.pop(())
    assert re.fullmatch(r"media:disk0-[0-9a-f]{10}", outside)
    assert rows == {("--issuer", "General"): "General", ("--own",): ""}


def test_every_sample_file_is_taken_or_listed_with_a_reason(house: Server) -> None:
    """Everything of the robustness folder, readable or not: nothing is left out in silence."""
    folder = data.named("robust/no_meta.dcm").path.parent
    files = [path for path in folder.rglob("*") if path.is_file()]
    summary = take(house, folder, status=0)
    assert sum(value for key, value in summary.items() if key != "refused") == len(files)
    assert all(item["reason"] for item in summary["refused"])
    for item in summary["refused"]:
        if item["outcome"] == "not_dicom":
            (path,) = [path for path in files if path.name == item["name"]]
            with pytest.raises((InvalidDicomError, AttributeError, KeyError, ValueError)):
                dcmread(path).SOPInstanceUID  # noqa: B018 asked for


# -- interruption ----------------------------------------------------------------------------------------------


def test_an_import_that_was_killed_goes_on_where_it_was(house: Server, tmp_path: Path) -> None:
    for seed in range(4980, 4985):  # it may be done before we have looked
        shape = Shape(600, rows=16, columns=16, seed=seed, patient=f"RESUME{seed}")
        folder = tmp_path / str(seed)
        files = phantoms.write_series(shape, folder)
        child = _importing(house, shape, folder)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        before = _stored(house, shape)
        if before < 600:
            break
    assert before < 600, "it was too quick to be killed"
    summary = take(house, folder)
    assert summary["identical"] >= before
    assert summary["identical"] + summary["new"] == 600
    assert study_row(house, shape.study_uid)["instance_count"] == 600
    came_back(house, files[::60])


def _stored(house: Server, shape: Shape) -> int:
    found = house.client().post("/api/studies/search", json={"text": shape.study_uid}).json()["items"]
    return int(found[0]["instance_count"]) if found else 0


def _importing(house: Server, shape: Shape, folder: Path) -> "subprocess.Popen[str]":
    """A program that has taken some of the folder and, as a rule, not all."""
    child = subprocess.Popen(
        [str(PROGRAM), "import", str(folder), "--data", str(house.data)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=house.environment, text=True,
    )  # fmt: skip
    until(lambda: _stored(house, shape) >= 30, every_s=0.02)
    return child


def test_ctrl_c_ends_an_import_in_order(house: Server, tmp_path: Path) -> None:
    for seed in range(4985, 4990):  # it may be done before we have looked
        shape = Shape(600, rows=16, columns=16, seed=seed, patient=f"CTRLC{seed}")
        phantoms.write_series(shape, tmp_path / str(seed))
        child = _importing(house, shape, tmp_path / str(seed))
        is_busy = _stored(house, shape) < 500
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=180)
        if is_busy:
            break
    assert child.returncode in {0, 130}
    assert "Traceback" not in said


def test_an_import_job_does_no_file_twice(tmp_path: Path) -> None:
    """What a worker did before it was cut off is remembered file by file, and counts in the summary."""
    shape = Shape(6, rows=16, columns=16, seed=4990, patient="JOB")
    files = phantoms.write_series(shape, tmp_path / "media")
    (tmp_path / "media" / "letter.txt").write_text("no image")
    actor = system_actor("test")
    settings = Settings(data=tmp_path / "data")

    class Interrupted(Exception):
        pass

    def stop_after_three(done: int, _total: int) -> None:
        if done == 3:
            raise Interrupted

    with installation(settings) as services:
        with services.database.transaction() as tx:
            job_id = enqueue(tx, 1, "import", "Import", {}, actor.label)
        arguments: dict[str, Any] = {"source": "media:test", "issuer": "media:test", "job_id": job_id}
        with pytest.raises(Interrupted):
            import_paths(services, actor, [tmp_path / "media"], progress=stop_after_three, **arguments)
        for path in files[:3]:
            path.write_bytes(b"read again, this would be no object")
        seen: list[tuple[int, int]] = []
        summary = import_paths(services, actor, [tmp_path / "media"], progress=lambda *at: seen.append(at), **arguments)
    assert (summary.outcomes["new"], summary.outcomes["not_dicom"]) == (6, 1)
    assert seen[-1] == (7, 7)


def test_an_import_needs_no_running_server(tmp_path: Path) -> None:
    shape = Shape(3, rows=16, columns=16, seed=4995, patient="ALONE")
    files = phantoms.write_series(shape, tmp_path / "media")
    server = Server(tmp_path / "data", database=EMBEDDED)  # nobody has told the folder of another one yet
    assert take(server, tmp_path / "media")["new"] == 3
    with server:
        assert take(server, tmp_path / "media")["identical"] == 3
        came_back(server, files)


# -- uploads ---------------------------------------------------------------------------------------------------


def test_an_upload_tells_what_became_of_every_file(house: Server, tmp_path: Path) -> None:
    shape = Shape(3, rows=16, columns=16, seed=5000, patient="UPLOAD")
    first, second, third = phantoms.slices(shape)
    forged = dcmread(io.BytesIO(first))
    forged.PatientName = "Other^Olga"
    zip_bytes = zipped(tmp_path / "more.zip", {"../x/third.dcm": third, "letter.txt": b"no image"}).read_bytes()

    def up(*files: tuple[str, bytes]) -> dict[str, Any]:
        return dict(
            house.client().post("/api/uploads", files=[("file", file) for file in files]).raise_for_status().json()
        )

    answer = up(
        ("first.dcm", first), ("second", second), ("more.zip", zip_bytes), ("../../evil.dcm", b"no image at all")
    )
    assert (answer["stored"], answer["identical"], answer["held"], answer["refused"]) == (3, 0, 0, 2)
    assert {item["name"]: item["outcome"] for item in answer["items"]} == {
        "letter.txt": "not_dicom",
        "evil.dcm": "not_dicom",
    }
    answer = up(("first.dcm", first), ("forged.dcm", phantoms.file_bytes(forged)))
    assert (answer["identical"], answer["held"]) == (1, 1)
    assert [(item["name"], item["outcome"]) for item in answer["items"]] == [("forged.dcm", "held")]
    assert answer["items"][0]["reason"]
    until(lambda: not list((house.data / "spool").glob("upload-*")))
    assert study_row(house, shape.study_uid)["instance_count"] == 3


def test_a_file_cut_off_is_held_and_said_to_be_cut_off(house: Server) -> None:
    raw = one(5010)
    answer = house.client().post("/api/uploads", files=[("file", ("cut.dcm", raw[:-100]))]).raise_for_status().json()
    assert answer["held"] == 1
    assert "ends before" in answer["items"][0]["reason"]
