"""Foreign files on their way in: written under names of ours, never under theirs (N5)."""

import shutil
from pathlib import Path

from starlette.datastructures import UploadFile


def stage(files: list[UploadFile], folder: Path) -> dict[str, str]:
    """Copies uploads into the folder; our name of each to the name its sender gave it, for the summary."""
    names = {}
    for number, file in enumerate(files):
        given = (file.filename or "file").replace("\\", "/").rsplit("/", 1)[-1][:120]
        ours = f"{number:06d}" + (".zip" if given.lower().endswith(".zip") else "")
        with (folder / ours).open("wb") as target:
            shutil.copyfileobj(file.file, target, 1 << 20)
        names[ours] = given
    return names
