"""`user import`: a list of people from a spreadsheet."""

import argparse
import csv
import sys
from pathlib import Path

from heliograph.app import installation
from heliograph.app.greet import sign_in_url
from heliograph.cli._options import Commands, acting, add_tenant, command, settings_of
from heliograph.features import access
from heliograph.features.access.identity.importing import LINK_DAYS, Result, import_people
from heliograph.features.trail.sheets import cell
from heliograph.kit.errors import Absent


def add_import(verbs: Commands) -> None:
    made = command(
        verbs, "import", "add and change people by a CSV file, all or nobody",
        "Adds and changes people by a CSV file with the columns name, display_name, roles, sites, departments, clearances, disabled. "
        "Prints the one-time links of who is new as CSV. With a fault in any line nothing is done. The same file again changes nothing.",
        "heliograph user import staff.csv --dry-run",
    )  # fmt: skip
    made.add_argument("file", type=Path, metavar="FILE", help="CSV in UTF-8 or Windows-1252, with ; or , between")
    made.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_tenant(made)
    made.set_defaults(run=_import)


def _import(arguments: argparse.Namespace) -> int:
    try:
        data = arguments.file.read_bytes()
    except OSError as error:
        raise Absent(f"{arguments.file} cannot be read ({error.strerror})", code="no_path") from None
    with installation(settings_of(arguments)) as services:
        with services.database.transaction() as tx:
            actor = acting(tx, arguments)
            result = import_people(tx, actor, data, dry_run=arguments.dry_run)
            host = access.host_of(tx, actor.tenant_id)
        if result.problems:
            return _tell(result)
        out = csv.writer(sys.stdout)
        out.writerow(["name", "outcome", "link"])
        for item in result.items:
            link = sign_in_url(services.settings, item.link, host) if item.link else ""
            out.writerow([cell(item.name), item.outcome, link])
    counts = ", ".join(
        f"{sum(item.outcome == word for item in result.items)} {word}" for word in ("new", "changed", "same")
    )
    print(
        f"{counts}{'; nothing was done' if arguments.dry_run else f'; links open for {LINK_DAYS:g} days'}",
        file=sys.stderr,
    )
    return 0


def _tell(result: Result) -> int:
    for problem in result.problems:
        where = f"line {problem.line}" + (f", {problem.column}" if problem.column else "")
        print(f"{where}: {problem.message}", file=sys.stderr)
    print("nothing was done", file=sys.stderr)
    return 1
