"""`import`: folders, ZIP files and DICOM media."""

import argparse
import json
import sys
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from heliograph.app import installation
from heliograph.cli._options import Commands, acting, add_tenant, command, settings_of
from heliograph.kit.errors import Absent


def add_to(commands: Commands) -> None:
    made = command(
        commands, "import", "take in folders, ZIP files and DICOM disks",
        "Takes in everything that is DICOM below the paths. What is not DICOM is listed, what contradicts the archive is held.\n"
        "Run it again after an interruption: what is there already is recognised.",
        "heliograph import /media/cdrom --issuer 'General Hospital'",
    )  # fmt: skip
    made.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folders, DICOM files, ZIP files")
    made.add_argument(
        "--issuer",
        help="who issued the patient identifiers; when not given, each disk, ZIP file and folder is its own issuer",
    )
    made.add_argument("--own", action="store_true", help="the identifiers are our own (site.default_issuer)")
    made.add_argument("--json", action="store_true", help="print the summary as JSON")
    add_tenant(made)
    made.set_defaults(run=_import)


def _import(arguments: argparse.Namespace) -> int:
    from heliograph.gateways.media import import_paths, media_label

    for path in arguments.paths:
        if not path.exists():
            raise Absent(f"there is no file or folder {path}", code="no_path")
    settings = settings_of(arguments)
    issuer = settings.default_issuer if arguments.own else arguments.issuer or media_label
    bar = Progress(
        TextColumn("import"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), disable=not sys.stderr.isatty()
    )
    with installation(settings) as services, bar:
        task = bar.add_task("import", total=None)
        with services.database.transaction() as tx:
            actor = acting(tx, arguments, "console import")
        summary = import_paths(
            services, actor, arguments.paths, issuer=issuer, progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    if arguments.json:
        print(json.dumps(summary.as_dict()))
    else:
        print(summary.text())
    return 0 if not summary.failed else 1
