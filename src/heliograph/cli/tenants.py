"""`tenant`: organisations on one installation."""

import argparse

from heliograph.app import installation
from heliograph.cli._options import Commands, command, settings_of
from heliograph.features import access
from heliograph.features.access import Tenant, system_actor
from heliograph.kit.errors import Conflict

_ACTOR = system_actor("console")


def add_to(commands: Commands) -> None:
    tenant = commands.add_parser(
        "tenant", help="organisations on one installation",
        description="Organisations that share this installation and nothing else: each has its people, devices, studies and audit rows.",
    )  # fmt: skip
    verbs = tenant.add_subparsers(dest="verb", metavar="verb", required=True)
    add = command(
        verbs, "add", "add an organisation",
        "Adds an organisation. Devices mean it by calling one of its AE titles; its people sign in under one of its host names, or anywhere as "
        "NAME@ORGANISATION. From the second organisation on, a caller that uses an unknown title is rejected.",
        "heliograph tenant add --name clinic --display 'Clinic West' --aet CLINIC --host clinic.example.org",
    )  # fmt: skip
    add.add_argument("--name", required=True, help="short name: small letters, digits, hyphens")
    _facts(add)
    add.set_defaults(run=_add)
    command(verbs, "list", "list the organisations").set_defaults(run=_list)
    rename = command(
        verbs, "rename", "change names, AE titles or host names of an organisation",
        "AE titles and host names that are given stand in place of all before.",
        "heliograph tenant rename --name clinic --to west --aet WEST --aet CLINIC",
    )  # fmt: skip
    rename.add_argument("--name", required=True, help="its short name now")
    rename.add_argument("--to", help="its new short name")
    _facts(rename)
    rename.set_defaults(run=_rename)
    close = command(
        verbs, "close", "let nobody of an organisation in any more",
        "People, programs and devices of it are refused and its sessions end. What it has stays as it is.", "heliograph tenant close --name clinic",
    )  # fmt: skip
    close.add_argument("--name", required=True, help="its short name")
    close.set_defaults(run=_close)
    again = command(
        verbs, "open", "let an organisation that was closed in again", example="heliograph tenant open --name clinic"
    )
    again.add_argument("--name", required=True, help="its short name")
    again.set_defaults(run=_open)


def _facts(made: argparse.ArgumentParser) -> None:
    made.add_argument("--display", help="the name that people see")
    made.add_argument(
        "--aet",
        dest="titles",
        action="append",
        metavar="TITLE",
        help="an AE title of its own; may stand more than once",
    )
    made.add_argument(
        "--host", dest="hosts", action="append", metavar="HOST", help="a host name of its own; may stand more than once"
    )


def _add(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        made = access.add_tenant(
            tx, _ACTOR, arguments.name, own_aet=services.settings.aet, display_name=arguments.display or "",
            titles=arguments.titles, hosts=arguments.hosts,
        )  # fmt: skip
    print(_line(made))
    print(f"its first person: heliograph user add --tenant {made.name} --name admin --roles admin")


def _list(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        for one in access.tenants(tx, _ACTOR):
            print(_line(one))


def _rename(arguments: argparse.Namespace) -> None:
    if arguments.to is None and arguments.display is None and arguments.titles is None and arguments.hosts is None:
        raise Conflict("say what changes: --to, --display, --aet or --host", code="empty_change")
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        known = access.find_tenant(tx, _ACTOR, arguments.name)
        made = access.change_tenant(
            tx, _ACTOR, known.id, own_aet=services.settings.aet, name=arguments.to, display_name=arguments.display,
            titles=arguments.titles, hosts=arguments.hosts,
        )  # fmt: skip
    print(_line(made))


def _close(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        print(_line(access.close_tenant(tx, _ACTOR, access.find_tenant(tx, _ACTOR, arguments.name).id)))


def _open(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        print(_line(access.open_tenant(tx, _ACTOR, access.find_tenant(tx, _ACTOR, arguments.name).id)))


def _line(tenant: Tenant) -> str:
    state = "closed" if tenant.closed_at is not None else "open"
    titles = ",".join(tenant.titles) or ("(every title that is nobody's)" if tenant.is_house else "(no AE title)")
    return f"{tenant.name:20} {state:7} {titles:24} {','.join(tenant.hosts) or '-':28} {tenant.display_name}"
