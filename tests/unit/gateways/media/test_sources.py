"""Which files are one outside source, and by what it is known again (safety guard 3)."""

import shutil
import zipfile
from pathlib import Path

import pytest

from heliograph.gateways.media import media
from tests import data, phantoms
from tests.phantoms import Shape

SHAPE = Shape(3, rows=8, columns=8, seed=4242)


def digests(*paths: Path) -> list[str]:
    return [medium.digest for medium in media(list(paths))]


def sample_disk(folder: Path) -> Path:
    root = data.named("dicomdir/DICOMDIR").path.parent
    for name in ("77654033", "98892001", "98892003"):
        shutil.copytree(root / name, folder / name)
    shutil.copy(root / "DICOMDIR", folder / "DICOMDIR")
    return folder


def test_the_same_files_are_the_same_source_wherever_they_lie(tmp_path: Path) -> None:
    phantoms.write_series(SHAPE, tmp_path / "a" / "CDROM")
    shutil.copytree(tmp_path / "a" / "CDROM", tmp_path / "b" / "CDROM")
    assert digests(tmp_path / "a" / "CDROM") == digests(tmp_path / "b" / "CDROM")


@pytest.mark.parametrize("change", ["content", "size", "name", "more"])
def test_other_files_are_another_source(tmp_path: Path, change: str) -> None:
    first, *_ = phantoms.write_series(SHAPE, tmp_path / "a")
    before = digests(tmp_path / "a")
    raw = first.read_bytes()
    if change == "content":
        first.write_bytes(raw.replace(SHAPE.sop_uid(1).encode(), SHAPE.sop_uid(9).encode()))
    elif change == "size":
        first.write_bytes(raw + b"\0\0")
    elif change == "name":
        first.rename(first.with_name("other.dcm"))
    else:
        first.with_name("more.dcm").write_bytes(raw)
    assert digests(tmp_path / "a") != before


def test_a_disk_is_known_by_its_dicomdir(tmp_path: Path) -> None:
    disk = sample_disk(tmp_path / "disk")
    (whole,) = media([disk])
    assert len(whole.found) == 32
    next(path for path in disk.rglob("*") if path.is_file() and path.name != "DICOMDIR").unlink()
    (tmp_path / "disk" / "README").write_text("put on later")
    (again,) = media([disk / "DICOMDIR"])
    assert (again.digest, again.name) == (whole.digest, "disk")


def test_a_dicomdir_that_names_nothing_does_not_make_two_disks_one(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        phantoms.write_series(Shape(2, rows=8, columns=8, seed=seed), tmp_path / name)
        (tmp_path / name / "DICOMDIR").write_bytes(b"")
    assert len(set(digests(tmp_path / "a", tmp_path / "b"))) == 2


def test_disks_in_folders_and_in_zip_files_are_sources_of_their_own(tmp_path: Path) -> None:
    disk = sample_disk(tmp_path / "all" / "CDROM1")
    phantoms.write_series(SHAPE, tmp_path / "all" / "loose")
    with zipfile.ZipFile(tmp_path / "all" / "two.zip", "w") as file:
        for path in disk.rglob("*"):
            file.write(path, f"CDROM2/{path.relative_to(disk)}")
        file.writestr("letter.txt", "beside the disk")
    named = {medium.name: (medium.digest, len(medium.found)) for medium in media([tmp_path / "all"])}
    assert {name: count for name, (_, count) in named.items()} == {"CDROM1": 32, "all": 3, "CDROM2": 32, "two": 1}
    assert named["CDROM1"][0] == named["CDROM2"][0], "the same disk, once as a folder and once in a ZIP file"


def test_each_path_that_is_given_is_a_source_and_files_of_one_folder_are_one(tmp_path: Path) -> None:
    one, two, three = phantoms.write_series(SHAPE, tmp_path / "a")
    phantoms.write_series(Shape(1, rows=8, columns=8, seed=77), tmp_path / "b")
    assert [(medium.name, len(medium.found)) for medium in media([one, two, tmp_path / "b"])] == [("a", 2), ("b", 1)]
    assert [medium.name for medium in media([three, tmp_path / "a"])] == ["a"]


def test_a_name_never_carries_control_characters_and_the_label_is_bounded(tmp_path: Path) -> None:
    folder = tmp_path / ("x\x1b[2J" + "y" * 100)
    phantoms.write_series(SHAPE, folder)
    (medium,) = media([folder])
    assert medium.label.isprintable()
    assert len(medium.label) <= 64
