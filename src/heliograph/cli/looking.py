"""`where`, `doctor`, `export`: looking into an installation from the console."""

import argparse
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from heliograph.app import installation
from heliograph.app.doctor import examine
from heliograph.cli._options import Commands, acting, add_tenant, command, settings_of
from heliograph.features.routing import where

_SIGNS = {"ok": "  ok ", "info": "  .. ", "warning": "  !  ", "critical": " !!! "}


def add_to(commands: Commands) -> None:
    ask = command(
        commands, "where", "what became of a study, in plain words",
        example='heliograph where "Doe^Jane"      heliograph where 1.2.840.113619...      heliograph where A-2041',
    )  # fmt: skip
    ask.add_argument("text", help="a name, an identifier, an accession number or a UID")
    add_tenant(ask)
    ask.set_defaults(run=_where)
    doctor = command(
        commands, "doctor", "what is wrong here and how to mend it", "Exit status 1 when something needs mending."
    )
    doctor.set_defaults(run=_doctor)
    export = command(
        commands, "export", "write studies as DICOM files into a folder",
        example="heliograph export --study 1.2.840.113619.2.55.3 /mnt/stick",
    )  # fmt: skip
    export.add_argument("folder", type=Path, help="where the files go; it is made when it is not there")
    export.add_argument(
        "--study", action="append", metavar="UID", help="a Study Instance UID; may stand more than once"
    )
    export.add_argument("--patient", metavar="ID", help="all studies of a patient identifier")
    export.add_argument("--accession", metavar="NUMBER", help="the study of an accession number")
    add_tenant(export)
    export.set_defaults(run=_export)


def _where(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    zone = ZoneInfo(settings.site_timezone) if settings.site_timezone else None
    with installation(settings, existing=True) as services:
        with services.database.transaction() as tx:
            actor = acting(tx, arguments)
            found, more = where.answers(tx, actor, arguments.text)
        services.note_read(actor, "studies.searched", {}, detail={"door": "where", "results": len(found)})
    for answer in found:
        print(answer["what"])
        for event in answer["events"]:
            print(f"{_SIGNS[event['severity']]}{event['at'].astimezone(zone):%Y-%m-%d %H:%M:%S}  {event['text']}")
            if "mend" in event:
                print(f"{'':26}-> {event['mend']['text']}")
    if more:
        print("there are more; say it more exactly")
    if not found:
        print("nothing here is called that; ask the sender, or query its archive (page Nodes)")
    return 0 if found else 1


def _doctor(arguments: argparse.Namespace) -> int:
    findings = examine(settings_of(arguments))
    for finding in findings:
        print(f"{_SIGNS[finding.severity]}{finding.text}")
        if finding.mend:
            print(f"      -> {finding.mend}")
    return 1 if any(f.severity in {"warning", "critical"} for f in findings) else 0


def _export(arguments: argparse.Namespace) -> int:
    from heliograph.gateways.media.exporting import export, select

    bar = Progress(TextColumn("export"), BarColumn(), MofNCompleteColumn(), disable=not sys.stderr.isatty())
    with installation(settings_of(arguments), existing=True) as services, bar:
        with services.database.transaction() as tx:
            actor = acting(tx, arguments, "console export")
        chosen = select(
            services, actor, studies=arguments.study or [], patient=arguments.patient, accession=arguments.accession
        )
        task = bar.add_task("export")
        count = export(
            services, actor, chosen, arguments.folder, lambda done, total: bar.update(task, completed=done, total=total)
        )
    print(f"{count} objects of {len(chosen)} studies in {arguments.folder}")
    return 0 if count else 1
