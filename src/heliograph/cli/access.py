"""`user`, `token`, `device`: who may come in."""

import argparse
import sys

from heliograph.app import installation
from heliograph.app.greet import sign_in_url
from heliograph.cli._options import Commands, acting, add_tenant, command, objects, positive, settings_of, size_bytes
from heliograph.cli.certificates import add_to_devices
from heliograph.cli.people import add_import
from heliograph.engine.db import Tx
from heliograph.features import access
from heliograph.features.access.limits import Volume
from heliograph.kit.errors import Absent, Invalid

_MOST_CALLERS = 500


def add_to(commands: Commands) -> None:
    _add_user(commands)
    token = command(
        commands, "token", "print a bearer token for a program, and nothing else",
        example="curl -H \"Authorization: Bearer $(heliograph token --name sync --scope study.read)\" http://127.0.0.1:8080/dicom-web/studies",
    )  # fmt: skip
    token.add_argument("--name", required=True, help="what the program is called in lists and in the audit record")
    token.add_argument(
        "--scope", required=True, help="`all`, or permissions with commas between (study.read,study.store)"
    )
    token.add_argument("--sites", default="", help="names of the sites that it is held to, with commas between [all]")
    token.add_argument(
        "--hourly-instances",
        type=objects,
        help="objects it may take by DICOMweb in an hour [web.hourly_instances]; 0 any number",
    )
    token.add_argument(
        "--hourly-bytes",
        type=size_bytes,
        help="bytes it may take by DICOMweb in an hour [web.hourly_bytes]; 0 any number",
    )
    token.add_argument("--days", type=positive, help="days after which it ends [access.token_days]")
    add_tenant(token)
    token.set_defaults(run=_token)
    _add_device(commands)


def _add_user(commands: Commands) -> None:
    user = commands.add_parser("user", help="people who sign in", description="People who sign in.")
    verbs = user.add_subparsers(dest="verb", metavar="verb", required=True)
    link = command(verbs, "link", "print a one-time sign-in address", example="heliograph user link --name admin")
    link.add_argument("--name", required=True, help="the name the person signs in with")
    link.add_argument("--minutes", type=positive, default=60.0, help="how long it may wait to be used [60]")
    add_tenant(link)
    link.set_defaults(run=_link)
    add = command(verbs, "add", "add a person", example="heliograph user add --name jdoe --roles radiologist")
    add.add_argument("--name", required=True, help="the name the person will sign in with")
    add.add_argument("--display", default="", help="the name that others see")
    add.add_argument("--roles", default="viewer", help="with commas between: admin, radiologist, technologist, viewer")
    add_tenant(add)
    add.set_defaults(run=_add)
    people = command(verbs, "list", "list the people")
    add_tenant(people)
    people.set_defaults(run=_users)
    add_import(verbs)


def _add_device(commands: Commands) -> None:
    device = commands.add_parser(
        "device", help="modalities, archives and workstations that speak DICOM", description="Registered DICOM devices."
    )
    verbs = device.add_subparsers(dest="verb", metavar="verb", required=True)
    add = command(
        verbs, "add", "register a device, or change it when the AE title is there",
        example="heliograph device add --aet CT1 --host 10.0.0.5 --port 104 --allow echo,store,find,move,get",
    )  # fmt: skip
    add.add_argument("--aet", dest="device_aet", required=True, help="its application entity title")
    add.add_argument("--host", default="", help="its address; empty for any")
    add.add_argument("--port", type=int, help="where it listens, when it receives")
    add.add_argument("--allow", default="echo,store", help="what it may do: echo,store,find,move,get")
    add.add_argument("--issuer", default="", help="issuer of patient identifiers when it names none")
    add.add_argument("--pin", action="store_true", help="accept it from its host alone")
    add_tenant(add)
    add.set_defaults(run=_device_add)
    add.add_argument("--tls", action="store_true", help="call it with TLS when something is sent to it")
    add.add_argument(
        "--hourly-instances", type=objects, help="objects it may take in an hour [dimse.hourly_instances]; 0 any number"
    )
    add.add_argument(
        "--hourly-bytes", type=size_bytes, help="bytes it may take in an hour [dimse.hourly_bytes]; 0 any number"
    )
    add_to_devices(verbs)
    known = command(verbs, "list", "list devices and who wants in")
    add_tenant(known)
    known.set_defaults(run=_devices)
    remove = command(verbs, "remove", "forget a device", example="heliograph device remove --aet CT1")
    remove.add_argument("--aet", dest="device_aet", required=True, help="its application entity title")
    add_tenant(remove)
    remove.set_defaults(run=_device_remove)


def _token(arguments: argparse.Namespace) -> None:
    scopes = [scope.strip() for scope in arguments.scope.split(",") if scope.strip()]
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        life = access.TokenLife(services.settings.token_days, services.settings.token_most_days)
        actor = acting(tx, arguments)
        sites = _site_ids(tx, actor, arguments.sites)
        most = Volume(arguments.hourly_instances, arguments.hourly_bytes)
        print(
            access.issue_token(
                tx, actor, arguments.name, scopes, days=arguments.days, site_ids=sites, life=life, most=most
            )
        )


def _site_ids(tx: Tx, actor: access.Actor, names: str) -> list[int]:
    wanted = {name.strip() for name in names.split(",") if name.strip()}
    found = [site["id"] for site in access.sites(tx, actor) if site["name"] in wanted]
    if len(found) != len(wanted):
        raise Absent("there is no site of one of these names", code="no_site")
    return found


def _link(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        code = access.issue_link(tx, actor, arguments.name, minutes=arguments.minutes)
        print(sign_in_url(services.settings, code, access.host_of(tx, actor.tenant_id)))


def _add(arguments: argparse.Namespace) -> None:
    roles = [role.strip() for role in arguments.roles.split(",") if role.strip()]
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        access.add_user(tx, actor, arguments.name, roles, display_name=arguments.display)
        code = access.issue_link(tx, actor, arguments.name)
        print(sign_in_url(services.settings, code, access.host_of(tx, actor.tenant_id)))


def _users(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        for user in access.users(tx, acting(tx, arguments)):
            state = "disabled" if user["disabled_at"] else "active"
            print(f"{user['name']:20} {','.join(user['roles']):24} {state}")


def _device_add(arguments: argparse.Namespace) -> None:
    allow = [word.strip() for word in arguments.allow.split(",") if word.strip()]
    values = {
        "host": arguments.host, "port": arguments.port, "allow": allow, "default_issuer": arguments.issuer, "pinned": arguments.pin,
        "tls": arguments.tls, "hourly_instances": arguments.hourly_instances, "hourly_bytes": arguments.hourly_bytes,
    }  # fmt: skip
    if arguments.pin and not arguments.host:
        raise Invalid("--pin needs --host", code="pin_without_host")
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        known = access.find_device(tx, actor.tenant_id, arguments.device_aet)
        if known is None:
            made = access.add_device(tx, actor, arguments.device_aet, **values)
        else:
            made = access.update_device(tx, actor, known.id, values)
    print(f"{made.aet} {'added' if known is None else 'changed'}: may {', '.join(made.allow)}")


def _devices(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        for device in access.devices(tx, actor):
            where = f"{device.host or 'any address'}:{device.port or '-'}"
            print(f"{device.aet:16} {where:28} {','.join(device.allow):28} {device.stored_count} objects")
        callers = access.callers(tx, actor, limit=_MOST_CALLERS + 1)
        for caller in callers[:_MOST_CALLERS]:
            print(f"{caller['aet']:16} {caller['address']:28} wants in{'':20} {caller['stored_count']} objects")
        if len(callers) > _MOST_CALLERS:
            print(f"these are the latest {_MOST_CALLERS} that want in; there are more", file=sys.stderr)


def _device_remove(arguments: argparse.Namespace) -> None:
    with installation(settings_of(arguments)) as services, services.database.transaction() as tx:
        actor = acting(tx, arguments)
        device = access.find_device(tx, actor.tenant_id, arguments.device_aet)
        if device is None:
            raise Absent("no such device", code="no_device")
        access.remove_device(tx, actor, device.id)
