"""`secrets renew`: another key for what the database keeps sealed."""

import argparse

from heliograph.app import installation
from heliograph.cli._options import Commands, acting, command, settings_of
from heliograph.features.access.identity.renewing import renew_secrets


def add_to(commands: Commands) -> None:
    group = commands.add_parser(
        "secrets",
        help="the key of what the database keeps sealed",
        description="The key of what the database keeps sealed: the secrets of authenticator apps.",
    )
    verbs = group.add_subparsers(dest="verb", metavar="verb", required=True)
    renew = command(
        verbs, "renew", "make a new key, seal everything with it, and forget the one before",
        "Works while the server runs and nobody notices. Interrupted at any moment, nothing is lost; the same command goes on. A backup of before "
        "carries the key that it needs.",
        "heliograph secrets renew",
    )  # fmt: skip
    renew.set_defaults(run=_renew)


def _renew(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments), existing=True) as services:
        with services.database.transaction() as tx:
            actor = acting(tx, arguments)
        count = renew_secrets(services.database, services.vault, actor)
    print(f"{count} secrets sealed anew; the key before opens nothing any more")
