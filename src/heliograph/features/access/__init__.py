"""Who is there and what they may do.

People sign in with a password or a one-time link and hold a session; programs hold a token with scopes; devices are known by
application entity title and, when pinned, by address. Every read and act passes `require` or `visible`, and `note` writes the audit row.
Tables: app_user, session, sign_in_link, api_token, device, caller.
"""

from heliograph.features.access.devices import (
    Device,
    accept_caller,
    add_device,
    callers,
    devices,
    dismiss_caller,
    find_device,
    identify_caller,
    note_association,
    remove_device,
    update_device,
)
from heliograph.features.access.model import Actor, Permission, system_actor
from heliograph.features.access.people import (
    Session,
    add_user,
    change_password,
    issue_link,
    issue_token,
    revoke_token,
    session_actor,
    set_user,
    sign_in,
    sign_in_by_link,
    sign_out,
    token_actor,
    tokens,
    users,
)
from heliograph.features.access.policy import allowed, note, require, visible

__all__ = [
    "Actor", "Device", "Permission", "Session", "accept_caller", "add_device", "add_user", "allowed", "callers", "change_password",
    "devices", "dismiss_caller", "find_device", "identify_caller", "issue_link", "issue_token", "note", "note_association", "remove_device",
    "require", "revoke_token", "session_actor", "set_user", "sign_in", "sign_in_by_link", "sign_out", "system_actor", "token_actor", "tokens",
    "update_device", "users", "visible",
]  # fmt: skip
