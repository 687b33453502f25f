"""`verify`, `backup`, `restore`: is everything still as it was received, and is there another copy."""

import argparse
import sys
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from heliograph.app import build, installation
from heliograph.app.build import new_database
from heliograph.cli._options import Commands, command, not_negative, settings_of
from heliograph.features.archive import backup as copying
from heliograph.features.archive import verify as verification


def add_to(commands: Commands) -> None:
    verify = command(
        commands, "verify", "read every stored object again and compare it with its digest",
        "Exit status 1 when an object is missing or changed.",
    )  # fmt: skip
    verify.add_argument(
        "--mbytes-per-s", type=not_negative, default=0.0, help="reading speed; as fast as it can when not given"
    )
    verify.set_defaults(run=_verify)
    backup = command(
        commands, "backup", "copy database and objects into a folder, consistently, while the server runs or not",
        "A second backup into the same folder copies only what is new. The copy is read back and compared.",
        "heliograph backup /mnt/backup/heliograph",
    )  # fmt: skip
    backup.add_argument("folder", type=Path, help="where the copy goes")
    backup.set_defaults(run=_backup)
    restore = command(
        commands, "restore", "make a new data folder from a backup, and verify it",
        example="heliograph restore /mnt/backup/heliograph --data /srv/heliograph-new",
    )  # fmt: skip
    restore.add_argument("folder", type=Path, help="a folder that `backup` made")
    restore.set_defaults(run=_restore)


def _bar(title: str) -> Progress:
    return Progress(
        TextColumn(title + " {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        disable=not sys.stderr.isatty(),
    )


def _verify(arguments: argparse.Namespace) -> int:
    bar = _bar("verify")
    with installation(settings_of(arguments), existing=True) as services, bar:
        task = bar.add_task("", total=verification.count(services.database))
        report = verification.verify(
            services.database, services.blobs, bytes_per_s=int(arguments.mbytes_per_s * 1e6),
            progress=lambda now, _cursor: bar.update(task, completed=now.checked),
        )  # fmt: skip
    for fault in report.faults:
        print(
            f"{fault['fault']}: {fault['table']} {fault.get('sop_uid') or fault['id']} of study {fault.get('study_uid') or 'unknown'}"
        )
    print(f"{report.checked} objects, {report.bytes / 1e6:.0f} MB read, {len(report.faults)} faults")
    return 1 if report.faults else 0


def _backup(arguments: argparse.Namespace) -> None:
    settings = settings_of(arguments)
    bar = _bar("backup")
    with installation(settings, existing=True) as services, bar:
        task = bar.add_task("")
        made = copying.backup(
            settings, services.database.url, arguments.folder,
            lambda step, done, total: bar.update(task, description=step, completed=done, total=total),
        )  # fmt: skip
    print(f"{made.objects} objects, {made.bytes / 1e6:.0f} MB, compared\ndigest {made.digest}")
    _tell_damage(made)


def _restore(arguments: argparse.Namespace) -> None:
    settings = settings_of(arguments)
    facts = copying.check_backup(arguments.folder)
    bar = _bar("restore")
    with bar, copying.restoring(settings) as inside:
        task = bar.add_task("")

        def progress(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)

        with new_database(inside) as url:
            copying.restore_database(arguments.folder, url)
            copying.restore_blobs(arguments.folder, inside, progress)
            services = build(inside, url, "restore", connections=4)
            try:
                made = copying.contents(url, services.blobs, progress)
            finally:
                services.close()
    same = "the same as the backup's" if made.digest == facts["digest"] else "DIFFERENT from the backup's"
    print(f"{made.objects} objects, {made.bytes / 1e6:.0f} MB, compared\ndigest {made.digest}, {same}")
    _tell_damage(made)
    if made.digest != facts["digest"]:
        raise SystemExit(1)


def _tell_damage(made: copying.Made) -> None:
    """What is left of a damaged archive is copied or restored all the same, and the command fails so that somebody looks."""
    if made.damaged:
        print(
            f"DAMAGED: {len(made.damaged)} of {made.objects} objects do not compare; `heliograph verify` names them",
            file=sys.stderr,
        )
        raise SystemExit(1)
