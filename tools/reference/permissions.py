"""docs/reference/permissions.md from features.access.model."""

from typing import get_args

from heliograph.features.access.model import DEVICE_RIGHTS, ROLES, Permission
from tools.reference._markdown import code, page, table

MEANING = {
    "study.read": "See the study list, studies and their images; search; ask where a study is.",
    "study.store": "Put objects in: STOW-RS, upload, fetching from a node.",
    "study.export": "Take objects out of the house: export to a folder; for devices C-MOVE and C-GET.",
    "send.create": "Send studies to nodes; see, repeat and cancel sends.",
    "node.query": "See remote nodes and rules, query a node, fetch a study from it (with `study.store`).",
    "node.manage": "Add, change and remove remote nodes and forwarding rules.",
    "device.read": "See devices and who wants in; call a device by C-ECHO.",
    "device.manage": "Register, accept, change and remove devices.",
    "quarantine.read": "See held objects and take their bytes.",
    "quarantine.manage": "Release or discard held objects.",
    "job.read": "See long work.",
    "job.manage": "Cancel long work and run it again.",
    "alarm.read": "See alarms.",
    "alarm.manage": "Acknowledge alarms.",
    "user.manage": "Add people, stations and tokens, change roles, make sign-in links, reset second factors, end sessions.",
    "settings.read": "See the settings and where each comes from. Secrets are shown as set or not set.",
    "changes.read": "Read the change feed.",
    "metrics.read": "Read `/metrics` from beyond loopback.",
    "audit.read": "Search the audit log; see who saw a patient; give both out; verify the log and prove an object.",
    "glass.break": "Open a withheld patient in an emergency, with a reason that somebody reviews; be told how much is withheld.",
    "glass.review": "See every emergency access and say what it was.",
    "restriction.manage": "Mark patients as vip, staff or confidential.",
    "policy.manage": "See and change the access rules; explain who can see what, and why.",
    "site.manage": "Add sites and departments.",
    "security.read": "See the page Security: who is connected, what failed, what is unusual, and how the audit log stands.",
    "study.mark": "Draw and measure on images so that it is kept and others see it.",
    "workspace.manage": "Arrange the workspace of everybody: what the house sets for viewer and lists.",
    "tenant.manage": "Run the installation: add, change, close and open organisations. No role but `operator` and no `all` has it; it counts in the first organisation alone.",
}
RIGHTS = {
    "echo": "C-ECHO.",
    "store": "C-STORE.",
    "find": "C-FIND.",
    "move": "C-MOVE: objects go to a registered device.",
    "get": "C-GET: objects come back over the same association.",
}

_INTRO = """Every read and every act passes one policy function with an actor: a person, a program with a token, a device, an unregistered caller,
or the system itself. What an actor may not see is absent for it, not forbidden. Acts are written to the audit record."""

_PEOPLE = """A person has one role or several and may do what any of them may. `heliograph user add --roles radiologist,technologist` or the
page Users sets them."""

_TOKENS = """A token has scopes: the names of permissions above, or `all`. `heliograph token --name NAME --scope study.read,study.store` prints a
new one; it is stored as a digest and cannot be shown again. It ends after
`access.token_days` unless its maker says another number. Nobody can extend a token; rotating one makes a new one of the same name and scopes, and
lets the old one go on for some hours, so that the program has time to change."""

_DEVICES = """A device has rights of its own (`heliograph device add --allow`). It is known by the certificate that it shows, or by
the address that it is pinned to ([TLS and certificates](../howto/tls.md)). A caller that nobody registered may echo and store when it calls from
loopback; `dimse.unknown_peers` and `dimse.unknown_networks` change that ([settings](settings.md)). What it stores is
marked as sent by an unverified device. It can never query or retrieve."""


def render() -> str:
    roles = list(ROLES)
    rows = [
        (f'<a id="{name}"></a>{code(name)}', MEANING[name], *("yes" if name in ROLES[role] else "" for role in roles))
        for name in get_args(Permission)
    ]
    rights = [
        (code(name), RIGHTS[name], ", ".join(code(one) for one in sorted(permissions)) or "none")
        for name, permissions in DEVICE_RIGHTS.items()
    ]
    return page(
        "Permissions", _INTRO, "## People", _PEOPLE, table(("Permission", "Allows", *roles), rows), "## Programs", _TOKENS,
        "## Devices", _DEVICES, table(("Right", "Service", "Permissions"), rights),
    )  # fmt: skip
