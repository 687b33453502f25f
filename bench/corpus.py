"""The data of a benchmark: made once, always the same."""

from dataclasses import dataclass
from pathlib import Path

from tests import phantoms


@dataclass(frozen=True, slots=True)
class Corpus:
    """500 slices of 512x512 as one study of two series, and many small studies to list."""

    folder: Path
    slices: int = 500
    studies: int = 200

    @property
    def shapes(self) -> list[phantoms.Shape]:
        return [phantoms.Shape(self.slices // 2, study=1, series=number) for number in (1, 2)]

    @property
    def study_uid(self) -> str:
        return self.shapes[0].study_uid

    @property
    def small(self) -> list[phantoms.Shape]:
        return [
            phantoms.Shape(
                3, rows=64, columns=64, seed=2, study=number, patient=f"SMALL-{number}", name=f"Small^Patient{number}"
            )
            for number in range(1, self.studies + 1)
        ]

    @property
    def large_folder(self) -> Path:
        return self.folder / "large"

    @property
    def small_folder(self) -> Path:
        return self.folder / "small"

    def shares(self, count: int) -> list[Path]:
        """The large study dealt to this many senders, as hard links."""
        files = sorted(self.large_folder.rglob("*.dcm"))
        out = [self.folder / f"share-{count}" / str(number) for number in range(count)]
        for number, place in enumerate(out):
            place.mkdir(parents=True, exist_ok=True)
            for index, file in enumerate(files[number::count]):
                link = place / f"{index:05d}.dcm"
                if not link.exists():
                    link.hardlink_to(file)
        return out

    def write(self) -> None:
        for shape in self.shapes:
            phantoms.write_series(shape, self.large_folder / str(shape.series))
        for shape in self.small:
            phantoms.write_series(shape, self.small_folder / str(shape.study))
