"""Who is there and what they may do.

People sign in with a password or a one-time link and hold a session; programs hold a token with scopes; devices are known by
application entity title and, when pinned, by address. Every read and act passes `require` or `visible`, and `note` writes the audit row.
What is there for whom is decided by rules (`rules`), over names (`vocabulary`), for whom they find (`scopes`).
Tables: app_user, session, sign_in_link, api_token, device, caller, site, department, study_tie, user_patient, project_member, break_glass, access_policy.
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
from heliograph.features.access.glass import (
    BreakGlass,
    break_glass,
    end_glass,
    glasses,
    review_glass,
    withheld_count,
    withheld_patients,
)
from heliograph.features.access.model import EVERYWHERE, Actor, Permission, Scope, system_actor
from heliograph.features.access.people import (
    Session,
    actor_of_user,
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
from heliograph.features.access.policies import current_policy, explain_access, policy_versions, save_policy
from heliograph.features.access.policy import allowed, note, require, seen_studies, sees, sees_held, visible, withheld
from heliograph.features.access.relations import is_patient, restrict_patient, tie_study, untie_study
from heliograph.features.access.sites import add_department, add_site, place_user, sites

__all__ = [
    "EVERYWHERE",
    "Actor",
    "BreakGlass",
    "Device",
    "Permission",
    "Scope",
    "Session",
    "accept_caller",
    "actor_of_user",
    "add_department",
    "add_device",
    "add_site",
    "add_user",
    "allowed",
    "break_glass",
    "callers",
    "change_password",
    "current_policy",
    "devices",
    "dismiss_caller",
    "end_glass",
    "explain_access",
    "find_device",
    "glasses",
    "identify_caller",
    "is_patient",
    "issue_link",
    "issue_token",
    "note",
    "note_association",
    "place_user",
    "policy_versions",
    "remove_device",
    "require",
    "restrict_patient",
    "review_glass",
    "revoke_token",
    "save_policy", "seen_studies", "sees", "sees_held",
    "session_actor",
    "set_user",
    "sign_in",
    "sign_in_by_link",
    "sign_out",
    "sites",
    "system_actor",
    "tie_study",
    "token_actor",
    "tokens",
    "untie_study",
    "update_device",
    "users",
    "visible",
    "withheld",
    "withheld_count",
    "withheld_patients",
]  # fmt: skip
