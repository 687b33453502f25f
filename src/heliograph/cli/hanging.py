"""`hanging`: how studies would hang."""

import argparse

from heliograph.app import installation
from heliograph.cli._options import Commands, acting, add_tenant, command, settings_of
from heliograph.features.reading import hanging


def add_to(commands: Commands) -> None:
    root = commands.add_parser("hanging", help="hanging protocols: try them on stored studies")
    acts = root.add_subparsers(dest="act", metavar="act", required=True)
    lint = command(
        acts, "lint", "what every hanging protocol would do with the studies that came last",
        "Which never hang, where several fit as well, which viewports stay empty, which series hang nowhere. Reads derived facts of series, "
        "nothing of patients. Exit status 1 when a study would hang by none.",
        "heliograph hanging lint --studies 200",
    )  # fmt: skip
    lint.add_argument("--studies", type=int, default=1000, metavar="N", help="how many, 1000 at most")
    add_tenant(lint)
    lint.set_defaults(run=_lint)


def _lint(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments), existing=True) as services, services.database.transaction() as tx:
        found = hanging.lint(tx, acting(tx, arguments), studies=max(1, arguments.studies))
    print(f"{found['studies']} studies; of {found['without_facts']} nothing is known yet")
    print(f"{'protocol':28} {'layer':8} {'fits':>6} {'hangs':>6} {'empty':>6} {'left out':>8}  as good; found nothing")
    for one in found["protocols"]:
        said = [f"{item['protocol']} ({item['count']})" for item in one["as_good"]]
        nothing = [f"{item['selector']} ({item['count']})" for item in one["often_empty"]]
        print(
            f"{one['protocol']:28} {one['layer']:8} {one['fits']:6} {one['wins']:6} {one['panes_empty']:6} {one['series_left_out']:8}  "
            f"{', '.join(said) or '-'}; {', '.join(nothing) or '-'}"
        )
    for one in found["unmatched"]:
        print(f"hangs by none: {one['what']} ({one['count']})")
    if found["unmatched"]:
        raise SystemExit(1)
