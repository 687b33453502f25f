"""Who is there and what they may do.

People sign in with a password or a one-time link and hold a session; programs hold a token with scopes; devices are known by
application entity title and, when pinned, by address. Every read and act passes `require` or `visible`, and `note` writes the audit row.
What is there for whom is decided by rules (`rules`), over names (`vocabulary`), for whom they find (`scopes`).
Tables: app_user, session, sign_in_link, sign_in_step, sign_in_attempt, recovery_code, passkey, api_token, device, caller, site, department, study_tie, user_patient, project_member, break_glass, access_policy.
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
from heliograph.features.access.lockout import Lockout
from heliograph.features.access.model import EVERYWHERE, Actor, Permission, Scope, system_actor
from heliograph.features.access.passkeys import RelyingParty
from heliograph.features.access.people import actor_of_user, add_user, issue_link, set_user, users
from heliograph.features.access.policies import current_policy, explain_access, policy_versions, save_policy
from heliograph.features.access.policy import allowed, note, require, seen_studies, sees, sees_held, visible, withheld
from heliograph.features.access.relations import is_patient, restrict_patient, tie_study, untie_study
from heliograph.features.access.sessions import (
    Session,
    SignInRules,
    end_session,
    end_sessions,
    fresh,
    lock_session,
    note_activity,
    require_open,
    session_actor,
    session_of_token,
    sessions_of,
    sign_out,
)
from heliograph.features.access.signing_in import (
    HalfWay,
    Proof,
    Window,
    change_password,
    prove,
    sign_in,
    sign_in_by_link,
    sign_in_by_passkey,
    sign_in_second,
)
from heliograph.features.access.sites import add_department, add_site, place_user, sites
from heliograph.features.access.tokens import TokenLife, issue_token, revoke_token, rotate_token, token_actor, tokens

__all__ = [
    "EVERYWHERE",
    "Actor",
    "BreakGlass",
    "Device",
    "HalfWay",
    "Lockout",
    "Permission",
    "Proof",
    "RelyingParty",
    "Scope",
    "Session",
    "SignInRules",
    "TokenLife",
    "Window",
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
    "end_session",
    "end_sessions",
    "explain_access",
    "find_device",
    "fresh",
    "glasses",
    "identify_caller",
    "is_patient",
    "issue_link",
    "issue_token",
    "lock_session",
    "note",
    "note_activity",
    "note_association",
    "place_user",
    "policy_versions",
    "prove",
    "remove_device",
    "require",
    "require_open",
    "restrict_patient",
    "review_glass",
    "revoke_token",
    "rotate_token",
    "save_policy",
    "seen_studies",
    "sees",
    "sees_held",
    "session_actor",
    "session_of_token",
    "sessions_of",
    "set_user",
    "sign_in",
    "sign_in_by_link",
    "sign_in_by_passkey",
    "sign_in_second",
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
