"""`verify`: is everything still as it was received."""

import argparse
import sys

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from heliograph.app import installation
from heliograph.cli._options import Commands, command, settings_of
from heliograph.features.archive import verify as verification


def add_to(commands: Commands) -> None:
    verify = command(
        commands, "verify", "read every stored object again and compare it with its digest",
        "Exit status 1 when an object is missing or changed.",
    )  # fmt: skip
    verify.add_argument("--mbytes-per-s", type=float, default=0.0, help="reading speed; as fast as it can when not given")
    verify.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    bar = Progress(TextColumn("verify"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), disable=not sys.stderr.isatty())
    with installation(settings_of(arguments)) as services, bar:
        task = bar.add_task("verify", total=verification.count(services.database))
        report = verification.verify(
            services.database, services.blobs, bytes_per_s=int(arguments.mbytes_per_s * 1e6),
            progress=lambda now, _cursor: bar.update(task, completed=now.checked),
        )  # fmt: skip
    for fault in report.faults:
        print(f"{fault['fault']}: {fault['table']} {fault['id']}")
    print(f"{report.checked} objects, {report.bytes / 1e6:.0f} MB read, {len(report.faults)} faults")
    return 1 if report.faults else 0
