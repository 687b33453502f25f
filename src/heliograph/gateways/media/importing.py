"""Sending found files through the archive's intake, with progress, a summary, and resume."""

import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from heliograph.engine.jobs import JobRun
from heliograph.features.access import Actor, system_actor
from heliograph.features.archive import REASONS, Delivery
from heliograph.gateways.media.contents import missing_files
from heliograph.gateways.media.sources import Medium, media
from heliograph.gateways.media.walking import Found, forget_archive
from heliograph.kit.errors import Busy, HeliographError
from heliograph.services import Services
from heliograph.standards.dicom.header import Unparseable, scan

IMPORT_JOB = "import"
_CHUNK = 1 << 20
_PROBE = 4096
_MOST_LISTED = 500
_TOLD = frozenset({"held", "failed", "not_dicom", "skipped", "missing"})
Progress = Callable[[int, int], object]
Naming = str | Callable[[Medium], str]


def media_label(medium: Medium) -> str:
    """Outside media is its own issuer and its own source (safety guard 3): its identifiers never meet those of the house or of other media."""
    return medium.label


@dataclass(slots=True)
class Summary:
    """What came of an import. `refused` names files, never patients."""

    outcomes: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, str]] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """What should have come and did not."""
        return self.outcomes["failed"] + self.outcomes["missing"]

    @property
    def not_taken(self) -> int:
        """Neither in the archive nor held."""
        return sum(self.outcomes[word] for word in ("failed", "not_dicom", "skipped", "missing"))

    def add(self, name: str, outcome: str, reason: str = "") -> None:
        self.outcomes[outcome] += 1
        if outcome in _TOLD and len(self.refused) < _MOST_LISTED:
            self.refused.append({"name": name, "outcome": outcome, "reason": reason})

    def as_dict(self) -> dict[str, Any]:
        return {**self.outcomes, "refused": self.refused}

    def text(self) -> str:
        """For the terminal."""
        words = {
            "new": "stored",
            "newer": "newer versions",
            "identical": "already here",
            "held": "held back",
            "not_dicom": "not DICOM",
            "skipped": "left out",
            "failed": "failed",
            "missing": "missing on the media",
        }
        counts = (
            ", ".join(f"{self.outcomes[key]} {word}" for key, word in words.items() if self.outcomes[key])
            or "nothing found"
        )
        lines = [
            counts,
            *(f"  {item['outcome']:9} {_shown(item['name'])}: {item['reason']}" for item in self.refused[:50]),
        ]
        more = sum(self.outcomes[word] for word in _TOLD) - len(self.refused[:50])
        if more > 0:
            lines.append(f"  ... and {more} more")
        return "\n".join(lines)


def import_paths(
    services: Services, actor: Actor, paths: list[Path], *, source: Naming = media_label, issuer: Naming = media_label, progress: Progress,
    job_id: UUID | None = None, door: str = "import",
) -> Summary:  # fmt: skip
    """Imports all that is found, each outside source as its own; with a job, files that it did before its last interruption are skipped."""
    sources = media(paths)
    total = sum(len(medium.found) for medium in sources)
    summary = Summary()
    known = _done_before(services, job_id)
    done = 0
    try:
        for medium in sources:
            named = [name if isinstance(name, str) else name(medium) for name in (source, issuer)]
            with services.intake.arrival(actor, door, named[0], issuer=named[1]) as delivery:
                for item in medium.found:
                    key = (str(item.path), str(item.entry) if item.entry is not None else "")
                    if key not in known:
                        outcome, reason = _take(delivery, item)
                        summary.add(item.name, outcome, reason)
                        if job_id is not None:
                            _remember(services, job_id, key, outcome, reason)
                    else:
                        summary.add(item.name, *known[key])
                    done += 1
                    progress(done, total)
        everything = [item for medium in sources for item in medium.found]
        for contents in (item for item in everything if item.is_contents and not item.trouble):
            for name in _missing(contents, everything):
                summary.add(name, "missing", "named in the DICOMDIR and not on the media")
    finally:
        forget_archive()
    return summary


def import_job(services: Services, run: JobRun) -> None:
    """The queued form; arguments: paths, source, issuer, delete_after (an upload's staging folder)."""
    actor = system_actor(run.requested_by, run.tenant_id)
    paths = [Path(path) for path in run.arguments["paths"]]
    summary = import_paths(
        services, actor, paths, source=run.arguments["source"], issuer=run.arguments["issuer"], job_id=run.id,
        progress=run.progress,
    )  # fmt: skip
    run.summary = summary.as_dict()


def _missing(contents: Found, found: list[Found]) -> list[str]:
    try:
        return missing_files(contents, found)
    except (HeliographError, OSError, zipfile.BadZipFile, zlib.error, EOFError):
        return []  # a table of contents that cannot be read names nothing; the files themselves were looked at


def _take(delivery: Delivery, item: Found) -> tuple[str, str]:
    if item.trouble:
        return ("skipped" if item.trouble.startswith("a link") else "failed"), item.trouble
    if item.is_contents:
        return "contents", ""
    try:
        with item.open() as file:
            first = file.read(_PROBE)
            if _is_contents(first):
                return "contents", ""
            if not _may_be_dicom(first, item):
                return "not_dicom", "not a DICOM object"
            sink = delivery.open()
            sink.write(first)
            while chunk := file.read(_CHUNK):
                sink.write(chunk)
        outcome = sink.finish()
    except Busy:
        raise
    except HeliographError as error:
        delivery.failed()
        return "failed", error.message
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        delivery.failed()
        return "failed", f"the file cannot be read ({type(error).__name__})"
    return outcome.kind, REASONS.get(outcome.reason, "")


def _is_contents(first: bytes) -> bool:
    """A DICOMDIR under another name (Media Storage Directory Storage, PS3.4 I): a table of contents and no object."""
    return first[128:132] == b"DICM" and b"1.2.840.10008.1.3.10" in first[132:700]


def _shown(text: str) -> str:
    """Foreign names on a terminal: control characters would steer it."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _may_be_dicom(first: bytes, item: Found) -> bool:
    """A file that is plainly something else is listed and left out."""
    if first[128:132] == b"DICM":
        return True
    try:
        scan(first, complete=item.size_bytes <= len(first))
    except Unparseable:
        return False
    except Exception:  # noqa: BLE001 more bytes are needed to judge it: the intake does
        return True
    return True


def _done_before(services: Services, job_id: UUID | None) -> dict[tuple[str, str], tuple[str, str]]:
    if job_id is None:
        return {}
    with services.database.transaction() as tx:
        rows = tx.execute("select path, entry, outcome, reason from import_file where job_id = %s", (job_id,))
        return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def _remember(services: Services, job_id: UUID, key: tuple[str, str], outcome: str, reason: str) -> None:
    with services.database.transaction() as tx:
        tx.execute(
            "insert into import_file (job_id, path, entry, outcome, reason) values (%s,%s,%s,%s,%s) on conflict do nothing",
            (job_id, *key, outcome, reason),
        )
