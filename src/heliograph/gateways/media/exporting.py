"""Media out: studies as Part 10 files under names of ours, preambles neutralised (P9)."""

import os
from collections.abc import Callable
from pathlib import Path

from heliograph.features import access
from heliograph.features.access import Actor, visible
from heliograph.kit.errors import Absent, Broken, Invalid
from heliograph.services import Services
from heliograph.standards.dicom import part10

_PREAMBLE = 128
_CHUNK = 4 << 20


def select(
    services: Services, actor: Actor, *, studies: list[str], patient: str | None, accession: str | None
) -> list[int]:
    """The studies that are meant; raises Invalid when nothing was said, Absent when nothing fits."""
    if not studies and not patient and not accession:
        raise Invalid("say which: --study UID, --patient ID or --accession NUMBER", code="nothing_chosen")
    condition, values = visible(actor, "st")
    with services.database.transaction() as tx:
        rows = tx.execute(
            f"select st.id from study st where {condition} and (st.study_uid = any(%s) or st.patient_id = %s or st.accession_number = %s) order by st.id",
            (*values, studies, patient, accession),
        ).fetchall()
    if not rows:
        raise Absent("no study fits", code="no_study")
    return [row[0] for row in rows]


def export(
    services: Services, actor: Actor, studies: list[int], folder: Path, progress: Callable[[int, int], object]
) -> int:
    """Writes STUDY/SERIES/NUMBER.dcm; the count of objects. Names are numbers: identifiers of patients stay out of paths."""
    access.require(actor, "study.export")
    with services.database.transaction() as tx:
        rows = tx.execute(
            "select se.study_fk, se.id, i.blob, i.size_bytes, i.prefix_bytes, i.sop_class_uid, i.sop_uid, i.transfer_syntax_uid "
            "from instance i join series se on se.id = i.series_fk where se.study_fk = any(%s) order by se.study_fk, se.number nulls last, se.id, i.number nulls last, i.id",
            (studies,),
        ).fetchall()
    for study_id in studies:
        services.note_read(actor, "study.exported", {"study": study_id}, detail={"to": "folder"})
    counters: dict[int, int] = {}
    damaged = 0
    for done, (study_id, series_id, blob, size, prefix_bytes, sop_class, sop_uid, syntax) in enumerate(rows):
        counters[series_id] = counters.get(series_id, 0) + 1
        target = folder / f"study{study_id}" / f"series{series_id}" / f"{counters[series_id]:06d}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        if blob in services.blobs.withheld:
            damaged += 1
            continue
        _write(services, target, blob, size, prefix_bytes, part10.file_meta(sop_class, sop_uid, syntax))
        progress(done + 1, len(rows))
    if damaged:
        raise Broken(f"{damaged} damaged objects were left out; everything else is there", code="object_damaged")
    return len(rows)


def _write(services: Services, target: Path, blob: str, size: int, prefix_bytes: int, made_meta: bytes) -> None:
    new = target.with_suffix(".part")
    with new.open("wb") as file:
        position = prefix_bytes
        file.write(
            part10.harmless(services.blobs.read(blob, 0, prefix_bytes)) if prefix_bytes > _PREAMBLE else made_meta
        )
        while position < size:
            data = services.blobs.read(blob, position, min(_CHUNK, size - position))
            file.write(data)
            position += len(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(target)
