"""Second factors: codes of an app, recovery codes, PIN, passkeys, and what opens with them."""

import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pyotp
import pytest
from argon2 import PasswordHasher

from heliograph.engine.db import Tx
from heliograph.engine.secrets import Vault
from heliograph.features import access
from heliograph.features.access import (
    Actor,
    HalfWay,
    Proof,
    RelyingParty,
    Session,
    SignInRules,
    Window,
    _digests,
)
from heliograph.features.access.identity import second_factor
from heliograph.features.access.identity.passkeys import (
    add_passkey,
    ask_passkey,
    begin_passkey,
    passkeys,
    remove_passkey,
)
from heliograph.features.access.identity.signing_in import count_proof, count_second
from heliograph.kit.errors import Conflict, Invalid, NotSignedIn, Refused
from heliograph.kit.time import now
from tests.peers.authenticator import Authenticator

PASSWORD = "correct horse battery"
PARTY = RelyingParty("pacs.example.org", "https://pacs.example.org", "Test hospital")
WINDOW = Window("10.0.0.1", party=PARTY)
RULES = SignInRules()
_FOLDER = tempfile.TemporaryDirectory()
VAULT = Vault(Path(_FOLDER.name))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id with small numbers: what it costs is measured elsewhere."""
    monkeypatch.setattr(_digests, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    _digests._nobody.cache_clear()


@pytest.fixture
def jane(tx: Tx, actor: Actor) -> UUID:
    return access.add_user(tx, actor, "jane", ["radiologist"], password=PASSWORD)


def sign_in(tx: Tx, rules: SignInRules = RULES) -> Session | HalfWay:
    return access.sign_in(tx, "jane", PASSWORD, WINDOW, rules)


def session_of(tx: Tx, rules: SignInRules = RULES) -> Session:
    came = sign_in(tx, rules)
    assert isinstance(came, Session)
    return came


def half_way(tx: Tx) -> HalfWay:
    came = sign_in(tx)
    assert isinstance(came, HalfWay)
    return came


def with_totp(tx: Tx) -> tuple[Session, pyotp.TOTP, list[str]]:
    """The counter is set back, as if the app had been set up minutes ago."""
    session = session_of(tx)
    step, secret, uri = second_factor.begin_totp(tx, VAULT, session, "Test hospital")
    totp = pyotp.TOTP(secret)
    assert pyotp.parse_uri(uri).at(0) == totp.at(0)
    codes = second_factor.confirm_totp(tx, VAULT, session, step, totp.at(now()))
    tx.execute("update app_user set totp_counter = 0")
    return session, totp, codes


def with_passkey(tx: Tx, device: Authenticator) -> Session:
    session = session_of(tx)
    step, options = begin_passkey(tx, session, PARTY)
    add_passkey(tx, session, step, "Key", device.make(options))
    return session


def by_passkey(tx: Tx, device: Authenticator) -> Session:
    step, options = ask_passkey(tx, PARTY, "10.0.0.1")
    return access.sign_in_by_passkey(tx, Proof("passkey", step=step, answer=device.sign(options)), WINDOW, RULES)


# -- codes of an app -------------------------------------------------------------------------------------------


def test_with_an_app_a_password_is_half_the_way(tx: Tx, jane: UUID) -> None:
    _, totp, _ = with_totp(tx)
    came = half_way(tx)
    assert came.ways == ("totp", "recovery")
    session = access.sign_in_second(tx, VAULT, came.step, Proof("totp", totp.at(now())), WINDOW, RULES)
    assert session.actor.id == str(jane)
    with pytest.raises(NotSignedIn):
        access.sign_in_second(tx, VAULT, came.step, Proof("totp", totp.at(now())), WINDOW, RULES)


def test_a_code_counts_once_and_none_before_it_any_more(tx: Tx, jane: UUID) -> None:
    _, totp, _ = with_totp(tx)
    at = now()
    assert second_factor.use_totp(tx, VAULT, jane, totp.at(at))
    assert not second_factor.use_totp(tx, VAULT, jane, totp.at(at))
    assert not second_factor.use_totp(tx, VAULT, jane, totp.at(at - timedelta(seconds=30)))


@pytest.mark.parametrize("wrong", ["", "000", "abcdef", "١٢٣٤٥٦", "1" * 5000])
def test_what_is_no_code(tx: Tx, jane: UUID, wrong: str) -> None:
    _, totp, _ = with_totp(tx)
    assert not second_factor.use_totp(tx, VAULT, jane, wrong)
    assert not second_factor.use_totp(tx, VAULT, jane, totp.at(now() - timedelta(minutes=3)))
    assert not second_factor.use_totp(tx, VAULT, jane, totp.at(now() + timedelta(minutes=3)))


def test_a_secret_is_not_in_force_before_its_first_code(tx: Tx, jane: UUID) -> None:
    session = session_of(tx)
    step, _secret, _ = second_factor.begin_totp(tx, VAULT, session, "Test hospital")
    with pytest.raises(Invalid, match="clock"):
        second_factor.confirm_totp(tx, VAULT, session, step, "000000x")
    assert isinstance(sign_in(tx), Session)


def test_a_recovery_code_opens_once(tx: Tx, jane: UUID) -> None:
    _, _, codes = with_totp(tx)
    assert len(set(codes)) == 10
    row = tx.execute(
        "select count(*) from recovery_code where position(%s in encode(code_hash, 'escape')) > 0", (codes[0],)
    ).fetchone()
    assert row == (0,)
    typed = codes[0].upper().replace("-", " ")
    assert access.sign_in_second(tx, VAULT, half_way(tx).step, Proof("recovery", typed), WINDOW, RULES)
    with pytest.raises(NotSignedIn):
        access.sign_in_second(tx, VAULT, half_way(tx).step, Proof("recovery", typed), WINDOW, RULES)


def test_guesses_of_the_second_factor_are_counted_apart_from_the_password(tx: Tx, jane: UUID) -> None:
    _, totp, _ = with_totp(tx)
    seen = [count_second(tx, half_way(tx).step, WINDOW, RULES) for _ in range(12)]
    assert seen == [True] * 8 + [False] * 4, "signing in by the password again and again gives no new tries"
    with pytest.raises(NotSignedIn):
        access.sign_in_second(tx, VAULT, half_way(tx).step, Proof("totp", totp.at(now())), WINDOW, RULES, let_in=False)


def test_a_site_that_wants_a_second_factor_lets_nobody_do_anything_before(tx: Tx, jane: UUID) -> None:
    wanted = replace(RULES, second_factor="required")
    session = session_of(tx, wanted)
    assert session.state == "enrolling"
    with pytest.raises(Refused, match="second factor"):
        access.session_actor(tx, session.token, "", wanted)
    step, secret, _ = second_factor.begin_totp(tx, VAULT, session, "x")
    second_factor.confirm_totp(tx, VAULT, session, step, pyotp.TOTP(secret).at(now()))
    assert access.session_actor(tx, session.token, "", wanted).state == "open"
    with pytest.raises(Conflict, match="passkey first"):
        second_factor.remove_totp(tx, session, wanted)


def test_an_administrator_resets_a_forgotten_second_factor(tx: Tx, actor: Actor, jane: UUID) -> None:
    before, _, codes = with_totp(tx)
    second_factor.set_pin(tx, before, "271828")
    name = second_factor.reset_factors(tx, actor, jane)
    with pytest.raises(NotSignedIn):
        access.session_actor(tx, before.token, "")
    came = access.sign_in_by_link(tx, access.issue_link(tx, actor, name), WINDOW, RULES)
    assert isinstance(came, Session)
    assert second_factor.ways_of(tx, jane) == {
        "password": True, "pin": False, "totp": False, "totp_since": None, "recovery_left": 0, "passkeys": 0, "directory": "", "oidc": False,
    }  # fmt: skip
    assert not second_factor.use_recovery_code(tx, came.actor, codes[0])
    row = tx.execute("select subject->>'user' from audit_event where kind = 'second_factor.reset'").fetchone()
    assert row == (str(jane),)


def test_nobody_resets_the_own_second_factor(tx: Tx, actor: Actor) -> None:
    boss = access.add_user(tx, actor, "boss", ["admin"], password=PASSWORD)
    came = access.sign_in(tx, "boss", PASSWORD, WINDOW, RULES)
    assert isinstance(came, Session)
    with pytest.raises(Conflict, match="another administrator"):
        second_factor.reset_factors(tx, came.actor, boss)


# -- passkeys --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("synced", [False, True])
def test_a_passkey_alone_opens(tx: Tx, jane: UUID, synced: bool) -> None:
    device = Authenticator(PARTY.origin, synced=synced)
    with_passkey(tx, device)
    assert by_passkey(tx, device).actor.id == str(jane)
    assert by_passkey(tx, device).way == "passkey", "and once more"
    assert half_way(tx).ways == ("passkey",), "a password alone opens no longer"


def test_a_passkey_is_a_second_factor_after_the_password(tx: Tx, jane: UUID) -> None:
    device = Authenticator(PARTY.origin)
    with_passkey(tx, device)
    came = half_way(tx)
    assert came.passkey is not None
    proof = Proof("passkey", step=came.passkey["step"], answer=device.sign(came.passkey["options"]))
    assert access.sign_in_second(tx, VAULT, came.step, proof, WINDOW, RULES).way == "second"


def _unlike(device: Authenticator, what: str) -> Authenticator:
    changed = {
        "origin": {"origin": "https://pacs.example.org.evil.example"},
        "site": {"rp_id": "evil.example"},
        "unverified": {"verifies": False},
        "key": {"key": Authenticator("").key},
        "person": {"handle": b"x" * 16},
        "unknown": {"credential_id": b"x" * 32},
        "copy": {"count": 0},
    }[what]
    return replace(device, **changed)  # type: ignore[arg-type]  # fields of the device


@pytest.mark.parametrize("what", ["origin", "site", "unverified", "key", "person", "unknown", "copy"])
def test_a_passkey_that_is_not_quite_it_opens_nothing(tx: Tx, jane: UUID, what: str) -> None:
    device = Authenticator(PARTY.origin)
    with_passkey(tx, device)
    by_passkey(tx, device)
    by_passkey(tx, device)
    with pytest.raises(NotSignedIn) as told:
        by_passkey(tx, _unlike(device, what))
    assert told.value.code == "passkey_failed"


def test_an_answer_opens_once_and_only_what_was_asked(tx: Tx, jane: UUID) -> None:
    device = Authenticator(PARTY.origin)
    with_passkey(tx, device)
    step, options = ask_passkey(tx, PARTY, "10.0.0.1")
    answer = device.sign(options)
    access.sign_in_by_passkey(tx, Proof("passkey", step=step, answer=answer), WINDOW, RULES)
    for other in (step, ask_passkey(tx, PARTY, "10.0.0.1")[0], "nothing"):
        with pytest.raises(NotSignedIn):
            access.sign_in_by_passkey(tx, Proof("passkey", step=other, answer=answer), WINDOW, RULES)


def test_a_key_that_does_not_make_sure_of_its_person_is_not_kept(tx: Tx, jane: UUID) -> None:
    session = session_of(tx)
    step, options = begin_passkey(tx, session, PARTY)
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    with pytest.raises(Invalid, match="device"):
        add_passkey(tx, session, step, "Key", Authenticator(PARTY.origin, verifies=False).make(options))
    assert passkeys(tx, jane) == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": 5},
        {"id": "x", "response": []},
        {
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {"clientDataJSON": "!!", "attestationObject": "AA"},
        },
    ],
)
def test_answers_that_are_none(tx: Tx, jane: UUID, answer: dict[str, object]) -> None:
    session = session_of(tx)
    step, _ = begin_passkey(tx, session, PARTY)
    with pytest.raises(Invalid):
        add_passkey(tx, session, step, "Key", answer)
    asked, _ = ask_passkey(tx, PARTY, "10.0.0.1")
    with pytest.raises(NotSignedIn):
        access.sign_in_by_passkey(tx, Proof("passkey", step=asked, answer=answer), WINDOW, RULES)


def test_a_passkey_that_was_removed_opens_nothing(tx: Tx, jane: UUID) -> None:
    device = Authenticator(PARTY.origin)
    session = with_passkey(tx, device)
    (key,) = passkeys(tx, jane)
    with pytest.raises(Conflict, match="another first"):
        remove_passkey(tx, session, key["id"], replace(RULES, second_factor="required"))
    remove_passkey(tx, session, key["id"], RULES)
    with pytest.raises(NotSignedIn):
        by_passkey(tx, device)


# -- inside a session ------------------------------------------------------------------------------------------


def test_a_proof_holds_for_a_time_and_is_asked_for_then(tx: Tx, jane: UUID) -> None:
    session = session_of(tx)
    access.fresh(session, RULES)
    tx.execute("update session set proven_at = proven_at - interval '11 minutes'")
    old = access.session_actor(tx, session.token, "")
    with pytest.raises(Refused) as told:
        access.fresh(old, RULES)
    assert told.value.code == "step_up_needed"
    access.prove(tx, VAULT, old, Proof("password", PASSWORD))
    access.fresh(access.session_actor(tx, session.token, ""), RULES)


@pytest.mark.parametrize(
    ("pin", "fits"),
    [
        ("271828", True),
        ("271 828", False),
        ("12345", False),
        ("123456", False),
        ("111112", False),
        ("987654", False),
        ("1234567890123", False),
        ("٢٧١٨٢٨", False),
    ],
)
def test_a_pin_has_six_digits_that_are_not_the_first_to_try(tx: Tx, jane: UUID, pin: str, fits: bool) -> None:
    session = session_of(tx)
    if fits:
        second_factor.set_pin(tx, session, pin)
        access.prove(tx, VAULT, session, Proof("pin", pin))
    else:
        with pytest.raises(Invalid):
            second_factor.set_pin(tx, session, pin)
    with pytest.raises(Refused):
        access.prove(tx, VAULT, session, Proof("pin", "000000"))


def test_a_pin_may_be_guessed_eight_times(tx: Tx, jane: UUID) -> None:
    session = session_of(tx)
    second_factor.set_pin(tx, session, "271828")
    assert [count_proof(tx, session, RULES) for _ in range(10)] == [True] * 8 + [False] * 2
    with pytest.raises(Refused):
        access.prove(tx, VAULT, session, Proof("pin", "271828"), let_in=False)


def test_a_passkey_of_somebody_else_proves_nothing(tx: Tx, actor: Actor, jane: UUID) -> None:
    device = Authenticator(PARTY.origin)
    with_passkey(tx, device)
    access.add_user(tx, actor, "mallory", ["viewer"], password=PASSWORD)
    mallory = access.sign_in(tx, "mallory", PASSWORD, WINDOW, RULES)
    assert isinstance(mallory, Session)
    step, options = ask_passkey(tx, PARTY, "10.0.0.1")
    with pytest.raises(Refused):
        access.prove(tx, VAULT, mallory, Proof("passkey", step=step, answer=device.sign(options)))
