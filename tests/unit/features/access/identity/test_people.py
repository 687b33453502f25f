"""Users, sessions, one-time links, tokens, and the policy that all of them pass."""

import re
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from heliograph.engine.db import Tx
from heliograph.engine.secrets import Vault
from heliograph.features import access
from heliograph.features.access import EVERYWHERE, Actor, Lockout, Session, SignInRules, Window, system_actor
from heliograph.features.access.identity.lockout import begin_unnamed, forget_unnamed
from heliograph.features.access.identity.signing_in import count_sign_in, note_failure
from heliograph.features.access.model import ALL, OPERATING, ROLES
from heliograph.kit.errors import Absent, Busy, Conflict, Invalid, NotSignedIn, Refused
from heliograph.kit.time import now

PASSWORD = "correct horse battery"


@pytest.fixture
def jane(tx: Tx, actor: Actor) -> UUID:
    return access.add_user(tx, actor, "jane", ["radiologist"], display_name="Jane D", password=PASSWORD)


WINDOW = Window("10.0.0.1")
RULES = SignInRules()


def sign_in(tx: Tx, name: str = "jane", password: str = PASSWORD) -> Session:
    let_in = count_sign_in(tx, name, WINDOW, RULES)
    return came(access.sign_in(tx, name, password, WINDOW, RULES, let_in=let_in))


def by_link(tx: Tx, code: str) -> Session:
    return came(access.sign_in_by_link(tx, code, WINDOW, RULES))


def came(found: object) -> Session:
    assert isinstance(found, Session)
    return found


def fail(tx: Tx, times: int) -> None:
    for _ in range(times):
        count_sign_in(tx, "jane", Window("10.0.0.66"), RULES)


def refusal(tx: Tx, name: str = "jane", password: str = PASSWORD) -> tuple[str, str]:
    with pytest.raises(NotSignedIn) as told:
        sign_in(tx, name, password)
    return told.value.code, told.value.message


# -- passwords -------------------------------------------------------------------------------------------------


def test_a_password_is_kept_as_an_argon2id_digest(tx: Tx, jane: UUID) -> None:
    row = tx.execute("select password_hash from app_user where id = %s", (jane,)).fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$")
    assert PASSWORD not in row[0]


def test_signing_in_gives_a_session_with_the_rights_of_the_roles(tx: Tx, jane: UUID) -> None:
    session = sign_in(tx)
    assert (session.actor.kind, session.actor.id, session.actor.name, session.actor.address) == (
        "user",
        str(jane),
        "jane",
        "10.0.0.1",
    )
    assert session.actor.permissions == ROLES["radiologist"]
    assert (session.display_name, session.needs_password) == ("Jane D", False)
    assert session.expires_at > now() + timedelta(hours=11)
    row = tx.execute("select token_hash from session where user_id = %s", (jane,)).fetchone()
    assert row is not None
    assert session.token.encode() not in bytes(row[0]), "the database knows a digest"


def test_every_refusal_reads_the_same(tx: Tx, actor: Actor, jane: UUID) -> None:
    access.add_user(tx, actor, "no-password", ["viewer"])
    gone = access.add_user(tx, actor, "gone", ["viewer"], password=PASSWORD)
    access.set_user(tx, actor, gone, disabled=True)
    answers = {
        refusal(tx, password="wrong"), refusal(tx, password=""), refusal(tx, "nobody"), refusal(tx, "no-password", ""), refusal(tx, "gone"),
        refusal(tx, "JANE"), refusal(tx, "jane "), refusal(tx, "x" * 1000), refusal(tx, "jane\0"),
    }  # fmt: skip
    assert len(answers) == 1


def test_eight_failures_lock_a_name_until_the_first_is_five_minutes_old(tx: Tx, jane: UUID) -> None:
    fail(tx, 7)
    assert sign_in(tx).actor.name == "jane", "seven are forgiven"
    fail(tx, 20)
    refusal(tx)
    row = tx.execute("select count(*) from sign_in_attempt").fetchone()
    assert row == (8,), "who is locked out keeps nobody locked by going on"
    tx.execute(
        "update sign_in_attempt set at = at - interval '5 minutes' where id = (select min(id) from sign_in_attempt)"
    )
    assert sign_in(tx).actor.name == "jane"
    assert tx.execute("select count(*) from sign_in_attempt").fetchone() == (0,), "the right person clears it"


def recorded(tx: Tx, vault: Vault, name: str, host: str = "") -> str:
    """What the audit log keeps of a name at which a sign-in failed."""
    note_failure(tx, vault, name, Window("10.0.0.66", host=host))
    row = tx.execute(
        "select outcome, actor from audit_event where kind = 'signed_in' order by id desc limit 1"
    ).fetchone()
    assert row is not None
    assert (row[0], row[1]["address"]) == ("refused", "10.0.0.66")
    return str(row[1]["name"])


def test_of_a_name_that_nobody_has_only_a_mark_is_recorded(tx: Tx, actor: Actor, jane: UUID, tmp_path: Path) -> None:
    vault, other = Vault(tmp_path / "ours"), Vault(tmp_path / "another")
    first = recorded(tx, vault, "hunter2 as a name")
    assert re.fullmatch(r"\?[0-9a-f]{12}", first)
    assert recorded(tx, vault, "hunter2 as a name") == first, "equal attempts are known as equal"
    assert recorded(tx, vault, "hunter3 as a name") != first
    assert recorded(tx, other, "hunter2 as a name") != first, "without the key it tells nothing"
    assert re.fullmatch(r"\?[0-9a-f]{12}", recorded(tx, vault, "a\0b\nc@d\0", "x\0y"))
    assert recorded(tx, vault, "jane") == "jane"
    assert recorded(tx, vault, "") == "", "a link names nobody"
    gone = access.add_user(tx, actor, "gone", ["viewer"], password=PASSWORD)
    access.set_user(tx, actor, gone, disabled=True)
    assert recorded(tx, vault, "gone") == "gone", "what was an account is a name"


def test_a_failed_sign_in_is_recorded_when_the_key_is_damaged(tx: Tx, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "secrets.key").write_text("no key")
    assert recorded(tx, Vault(tmp_path), "somebody") == "?"


def test_what_counts_attempts_keeps_too_little_of_a_name_that_nobody_has(tx: Tx, jane: UUID) -> None:
    for name in ("jane", "correct horse battery"):
        count_sign_in(tx, name, Window("10.0.0.66"), RULES)
    kept = [len(bytes(row[0])) for row in tx.execute("select account from sign_in_attempt order by id")]
    assert kept == [32, 2]
    fail = [count_sign_in(tx, "correct horse battery", Window("10.0.0.67"), RULES) for _ in range(9)]
    assert fail == [True] * 7 + [False] * 2, "it is counted all the same"


# -- one address -----------------------------------------------------------------------------------------------


def test_an_address_that_failed_too_often_is_told_how_long_whatever_it_names(tx: Tx, jane: UUID) -> None:
    rules = SignInRules(lockout=Lockout(account_tries=8, address_tries=6, minutes=5.0))
    tries = [partial(count_sign_in, tx, name, WINDOW, rules) for name in ("jane", "nobody", "someone")]
    for n in range(6):
        assert tries[n % 3]()
    tx.execute("update sign_in_attempt set at = at - interval '1 minute'")
    told = []
    for one in (*tries, partial(begin_unnamed, tx, WINDOW.address, rules.lockout)):
        with pytest.raises(Busy) as error:
            one()
        told.append((error.value.code, error.value.message, round(error.value.retry_after_s / 10)))
    assert set(told) == {("too_many_sign_ins", "too many sign-ins from this address have failed", 24)}
    assert count_sign_in(tx, "jane", Window("10.0.0.2"), rules), "another address is free"
    tx.execute("update sign_in_attempt set at = at - interval '4 minutes' where address = '10.0.0.1'")
    assert tries[0](), "it opens by itself"


def test_a_house_behind_one_address_is_held_by_failures_and_not_by_successes(tx: Tx, jane: UUID) -> None:
    rules = SignInRules(lockout=Lockout(account_tries=8, address_tries=3, minutes=5.0))
    for _ in range(12):
        assert count_sign_in(tx, "jane", WINDOW, rules)
        came(access.sign_in(tx, "jane", PASSWORD, WINDOW, rules))
        forget_unnamed(tx, begin_unnamed(tx, WINDOW.address, rules.lockout))
    assert tx.execute("select count(*) from sign_in_attempt").fetchone() == (0,)


@pytest.mark.parametrize("new", ["", "short", "123456789", "x" * 1025])
def test_passwords_that_are_too_short_or_too_long(tx: Tx, jane: UUID, new: str) -> None:
    with pytest.raises(Invalid, match="new must have"):
        access.change_password(tx, sign_in(tx), new, PASSWORD)


def test_changing_a_password_needs_the_present_one_and_ends_the_other_sessions(tx: Tx, jane: UUID) -> None:
    here, there = sign_in(tx), sign_in(tx)
    for wrong in (None, "", "wrong"):
        with pytest.raises(Refused, match="current password"):
            access.change_password(tx, here, "another password of mine", wrong)
    access.change_password(tx, here, "another password of mine", PASSWORD)
    assert access.session_actor(tx, here.token, "").actor.name == "jane"
    with pytest.raises(NotSignedIn):
        access.session_actor(tx, there.token, "")
    refusal(tx)
    assert sign_in(tx, password="another password of mine")


def test_the_first_password_needs_no_present_one(tx: Tx, actor: Actor) -> None:
    access.add_user(tx, actor, "new-person", ["viewer"])
    session = by_link(tx, access.issue_link(tx, actor, "new-person"))
    assert session.needs_password
    access.change_password(tx, session, PASSWORD, None)
    assert not sign_in(tx, "new-person").needs_password


# -- links and sessions ----------------------------------------------------------------------------------------


def test_a_link_works_once(tx: Tx, actor: Actor, jane: UUID) -> None:
    code = access.issue_link(tx, actor, "jane")
    assert by_link(tx, code).actor.id == str(jane)
    with pytest.raises(NotSignedIn):
        by_link(tx, code)


def test_a_link_ends_by_itself_and_is_kept_as_a_digest(tx: Tx, actor: Actor, jane: UUID) -> None:
    code = access.issue_link(tx, actor, "jane", minutes=5)
    row = tx.execute("select code_hash, expires_at from sign_in_link where user_id = %s", (jane,)).fetchone()
    assert row is not None
    assert code.encode() not in bytes(row[0])
    assert row[1] < now() + timedelta(minutes=6)
    tx.execute("update sign_in_link set expires_at = %s", (now() - timedelta(seconds=1),))
    with pytest.raises(NotSignedIn):
        by_link(tx, code)


def test_a_link_of_somebody_who_was_disabled_meanwhile_lets_nobody_in(tx: Tx, actor: Actor, jane: UUID) -> None:
    code = access.issue_link(tx, actor, "jane")
    access.set_user(tx, actor, jane, disabled=True)
    with pytest.raises(NotSignedIn):
        by_link(tx, code)
    with pytest.raises(Absent):
        access.issue_link(tx, actor, "jane")


def test_a_link_lets_in_although_the_name_is_locked(tx: Tx, actor: Actor, jane: UUID) -> None:
    """Somebody who guesses passwords of the administrator must not lock the house."""
    fail(tx, 9)
    refusal(tx)
    assert by_link(tx, access.issue_link(tx, actor, "jane"))


def test_a_session_ends_by_signing_out_by_time_and_with_its_person(tx: Tx, actor: Actor, jane: UUID) -> None:
    out, late, disabled = sign_in(tx), sign_in(tx), sign_in(tx)
    access.sign_out(tx, access.session_actor(tx, out.token, ""))
    tx.execute("update session set expires_at = %s where csrf = %s", (now() - timedelta(seconds=1), late.csrf))
    for session in (out, late):
        with pytest.raises(NotSignedIn):
            access.session_actor(tx, session.token, "")
    assert access.session_actor(tx, disabled.token, "10.0.0.2").actor.address == "10.0.0.2"
    access.set_user(tx, actor, jane, disabled=True)
    access.set_user(tx, actor, jane, disabled=False)
    with pytest.raises(NotSignedIn):
        access.session_actor(tx, disabled.token, "")
    assert sign_in(tx), "enabled again, she signs in anew"


def test_a_change_of_roles_holds_for_open_sessions(tx: Tx, actor: Actor, jane: UUID) -> None:
    session = sign_in(tx)
    access.set_user(tx, actor, jane, roles=["viewer"])
    assert access.session_actor(tx, session.token, "").actor.permissions == {"study.read"}


@pytest.mark.parametrize("token", ["", "x", "x" * 500, "hg_" + "x" * 43])
def test_no_session_and_no_token_behind_a_guess(tx: Tx, token: str) -> None:
    with pytest.raises(NotSignedIn):
        access.session_actor(tx, token, "")
    with pytest.raises(NotSignedIn):
        access.token_actor(tx, token, "")


# -- users -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "a\x00b"])
def test_names_that_nobody_can_have(tx: Tx, actor: Actor, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        access.add_user(tx, actor, name, ["viewer"])


@pytest.mark.parametrize("roles", [[], ["emperor"], ["viewer", "emperor"]])
def test_roles_that_there_are_not(tx: Tx, actor: Actor, jane: UUID, roles: list[str]) -> None:
    with pytest.raises(Invalid, match="roles"):
        access.add_user(tx, actor, "other", roles)
    with pytest.raises(Invalid, match="roles"):
        access.set_user(tx, actor, jane, roles=roles)


def test_a_name_is_taken_once(tx: Tx, actor: Actor, jane: UUID) -> None:
    with pytest.raises(Conflict):
        access.add_user(tx, actor, "jane", ["viewer"])


def test_nobody_disables_himself(tx: Tx, actor: Actor) -> None:
    admin = access.add_user(tx, actor, "boss", ["admin"], password=PASSWORD)
    with pytest.raises(Conflict):
        access.set_user(tx, sign_in(tx, "boss").actor, admin, disabled=True)


def test_only_who_manages_users_manages_users(tx: Tx, actor: Actor, jane: UUID) -> None:
    reader = sign_in(tx).actor
    acts: list[Any] = [
        lambda: access.add_user(tx, reader, "x", ["admin"]), lambda: access.set_user(tx, reader, jane, roles=["admin"]),
        lambda: access.users(tx, reader), lambda: access.issue_link(tx, reader, "jane"), lambda: access.issue_token(tx, reader, "x", ["all"]),
        lambda: access.tokens(tx, reader), lambda: access.revoke_token(tx, reader, jane),
    ]  # fmt: skip
    for act in acts:
        with pytest.raises(Refused):
            act()


# -- tokens ----------------------------------------------------------------------------------------------------


def test_a_token_has_its_scopes_and_nothing_else(tx: Tx, actor: Actor) -> None:
    program = access.token_actor(tx, access.issue_token(tx, actor, "sync", ["study.read", "changes.read"]), "10.0.0.1")
    assert (program.kind, program.name, program.permissions) == ("token", "sync", {"study.read", "changes.read"})
    assert access.token_actor(tx, access.issue_token(tx, actor, "all", ["all"]), "").permissions == ALL


@pytest.mark.parametrize("scopes", [[], ["everything"], ["study.read", "everything"], ["study.read "]])
def test_scopes_that_there_are_not(tx: Tx, actor: Actor, scopes: list[str]) -> None:
    with pytest.raises(Invalid, match="scope"):
        access.issue_token(tx, actor, "sync", scopes)


def test_a_token_is_kept_as_a_digest_ends_by_time_and_by_revoking(tx: Tx, actor: Actor) -> None:
    kept = {
        name: access.issue_token(tx, actor, name, ["study.read"], days=1) for name in ("t-late", "t-revoked", "t-good")
    }
    rows = {row["name"]: row for row in access.tokens(tx, actor)}
    digests = [bytes(row[0]) for row in tx.execute("select token_hash from api_token")]
    assert not any(token.encode() in digest for token in kept.values() for digest in digests)
    tx.execute("update api_token set expires_at = %s where name = 't-late'", (now() - timedelta(seconds=1),))
    access.revoke_token(tx, actor, rows["t-revoked"]["id"])
    for name in ("t-late", "t-revoked"):
        with pytest.raises(NotSignedIn):
            access.token_actor(tx, kept[name], "")
    assert access.token_actor(tx, kept["t-good"], "")
    assert {row["name"]: row["last_used_at"] is not None for row in access.tokens(tx, actor)}["t-good"]
    with pytest.raises(Absent):
        access.revoke_token(tx, actor, rows["t-revoked"]["id"])


# -- policy ----------------------------------------------------------------------------------------------------


def test_who_may_not_read_sees_nothing_instead_of_being_refused() -> None:
    condition, values = access.visible(Actor("user", "1", "x", 7, frozenset()), "st")
    assert (condition, values) == ("false", [])
    condition, values = access.visible(Actor("token", "1", "x", 7, frozenset({"study.read"}), scope=EVERYWHERE), "st")
    assert (condition, values) == ("st.tenant_id = %s", [7])


@pytest.mark.parametrize("role", sorted(ROLES))
def test_roles_hold_known_permissions(role: str) -> None:
    assert ROLES[role] <= (OPERATING if role == "operator" else ALL)
    assert (ROLES[role] == ALL) is (role == "admin")
    assert ("study.read" in ROLES[role]) is (role not in {"privacy", "operator"})
    assert not OPERATING & ALL


def test_require_names_what_is_missing() -> None:
    access.require(system_actor("test"), "user.manage")
    with pytest.raises(Refused, match=r"user\.manage"):
        access.require(Actor("token", "1", "x", 1, frozenset({"study.read"}), scope=EVERYWHERE), "user.manage")


def test_an_act_and_its_record_stand_or_fall_together(tx: Tx, actor: Actor, jane: UUID) -> None:
    row = tx.execute(
        "select actor, subject, detail, outcome from audit_event where kind = 'user.added' order by id desc limit 1"
    ).fetchone()
    assert row is not None
    assert row[0] == {"kind": "system", "id": "test", "name": "test", "address": ""}
    assert row[1] == {"user": str(jane), "name": "jane"}
    assert (row[2], row[3]) == ({"roles": ["radiologist"], "kind": "person"}, "success")
