"""Whatever people and programs do in whatever order: lockout, the states of a session, and the life of a token, each against a small model.

The clock of the code is a clock of ours; every run works in a transaction that is rolled back.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from heliograph.engine.db import Tx
from heliograph.engine.secrets import Vault
from heliograph.features import access
from heliograph.features.access import (
    Lockout,
    Proof,
    Session,
    SignInRules,
    TokenLife,
    Window,
    _digests,
    system_actor,
)
from heliograph.features.access.identity import signing_in
from heliograph.features.access.identity.lockout import begin_attempt
from heliograph.features.access.identity.signing_in import count_proof, count_sign_in
from heliograph.features.access.model import ALL
from heliograph.kit.errors import Absent, Busy, Invalid, NotSignedIn, Refused
from heliograph.kit.time import now

PASSWORD = "correct horse battery"
PIN = "271828"
ACTOR = system_actor("test")
STEPS = settings(max_examples=8, stateful_step_count=30)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_digests, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    _digests._nobody.cache_clear()


@pytest.fixture
def machine(scratch_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[type["OnDatabase"]], None]]:
    """Runs a machine: one connection for all of its examples, a clock that only it moves."""

    def read() -> datetime:
        return OnDatabase.clock

    for function in (begin_attempt, access.session_of_token, access.sign_in, access.issue_token):
        monkeypatch.setattr(sys.modules[function.__module__], "now", read)
    with psycopg.connect(scratch_url) as connection:

        def run(kind: type[OnDatabase]) -> None:
            run_state_machine_as_test(lambda: kind(connection), settings=STEPS)

        yield run
        connection.rollback()


class OnDatabase(RuleBasedStateMachine):
    clock: ClassVar[datetime] = now()

    def __init__(self, tx: Tx) -> None:
        super().__init__()
        self.tx = tx

    def teardown(self) -> None:
        self.tx.rollback()

    @rule(seconds=st.sampled_from([1, 20, 59, 61, 150, 299, 301, 1000]))
    def time_goes_by(self, seconds: int) -> None:
        OnDatabase.clock += timedelta(seconds=seconds)


# -- lockout ---------------------------------------------------------------------------------------------------------


class Guessing(OnDatabase):
    """Two names, one of them nobody's, from three addresses of which two are one customer's network."""

    limit = Lockout(account_tries=4, address_tries=7, minutes=5.0)
    source: ClassVar[dict[str, str]] = {"10.0.0.1": "A", "2001:db8::1": "B", "2001:db8::ffff:1": "B"}

    @initialize()
    def begin(self) -> None:
        access.add_user(self.tx, ACTOR, "jane", ["viewer"], password=PASSWORD)
        self.wanted = SignInRules(lockout=self.limit)
        self.failed: list[tuple[datetime, str, str]] = []

    def _within(self) -> list[tuple[datetime, str, str]]:
        since = OnDatabase.clock - timedelta(minutes=self.limit.minutes)
        return [one for one in self.failed if one[0] > since]

    @rule(name=st.sampled_from(["jane", "ghost"]), is_right=st.booleans(), address=st.sampled_from(sorted(source)))
    def somebody_tries(self, name: str, is_right: bool, address: str) -> None:
        recent = self._within()
        window = Window(address)
        of_address = sorted(one[0] for one in recent if one[2] == self.source[address])
        if len(of_address) >= self.limit.address_tries:
            with pytest.raises(Busy) as told_to_wait:
                count_sign_in(self.tx, name, window, self.wanted)
            opens = of_address[-self.limit.address_tries] + timedelta(minutes=self.limit.minutes)
            assert told_to_wait.value.code == "too_many_sign_ins"
            assert told_to_wait.value.retry_after_s == (opens - OnDatabase.clock).total_seconds()
            return
        is_open = sum(one[1] == name for one in recent) < self.limit.account_tries
        let_in = count_sign_in(self.tx, name, window, self.wanted)
        assert let_in is is_open, "the window slides, for known and unknown names alike"
        word = PASSWORD if is_right else "wrong"
        if is_open and is_right and name == "jane":
            came = access.sign_in(self.tx, name, word, window, self.wanted, let_in=let_in)
            assert isinstance(came, Session)
            self.failed = [one for one in self.failed if one[1] != name]
            return
        with pytest.raises(NotSignedIn) as told:
            access.sign_in(self.tx, name, word, window, self.wanted, let_in=let_in)
        assert (told.value.code, told.value.message) == ("sign_in_failed", signing_in._WRONG), (
            "one sentence for every cause"
        )
        if is_open:
            self.failed.append((OnDatabase.clock, name, self.source[address]))

    @invariant()
    def nobody_guesses_more_than_the_site_allows(self) -> None:
        recent = self._within() if hasattr(self, "failed") else []
        for name in ("jane", "ghost"):
            assert sum(one[1] == name for one in recent) <= 4
        for source in ("A", "B"):
            assert sum(one[2] == source for one in recent) <= 7


def test_lockout_slides_tells_nobody_apart_and_opens_by_itself(machine: Callable[[type[OnDatabase]], None]) -> None:
    machine(Guessing)


# -- sessions --------------------------------------------------------------------------------------------------------


@dataclass
class Signed:
    session: Session
    person: str
    since: datetime
    active: datetime
    proven: datetime
    locked: bool = False
    ended: bool = False
    wrong: list[datetime] = field(default_factory=list)


class Living(OnDatabase):
    """Two people who share a station's browser, and a screen in the theatre."""

    vault: ClassVar[Vault]
    signed = Bundle("signed")
    wanted = SignInRules(hours=1.0, idle_lock_minutes=5.0, step_up_minutes=2.0, lockout=Lockout(4, 1000, 5.0))

    @initialize()
    def begin(self) -> None:
        self.ids: dict[str, UUID] = {}
        self.disabled: set[str] = set()
        self.proofs: dict[str, list[datetime]] = {"jane": [], "john": []}
        for name in ("jane", "john"):
            self.ids[name] = access.add_user(self.tx, ACTOR, name, ["admin"], password=PASSWORD)
            self.tx.execute("update app_user set pin_hash = %s where name = %s", (_digests.hashed(PIN), name))
        self.ids["theatre"] = access.add_user(self.tx, ACTOR, "theatre", ["admin"], kind="station")
        self.all: list[Signed] = []

    @rule(target=signed, name=st.sampled_from(["jane", "john", "theatre"]))
    @precondition(lambda self: len(self.all) < 6)
    def comes(self, name: str) -> Signed:
        if name in self.disabled:
            with pytest.raises((NotSignedIn, Absent)):
                access.issue_link(self.tx, ACTOR, name)
            return Signed(self._nobody(), name, self.clock, self.clock, self.clock, ended=True)
        code = access.issue_link(self.tx, ACTOR, name, minutes=10_000)
        came = access.sign_in_by_link(self.tx, code, Window("10.0.0.1"), self.wanted)
        assert isinstance(came, Session)
        made = Signed(came, name, self.clock, self.clock, self.clock)
        self.all.append(made)
        return made

    def _nobody(self) -> Session:
        return Session(ACTOR, "nothing", "", self.clock, "")

    def _state(self, one: Signed) -> str:
        """By the model alone."""
        hours = 365 * 24 if one.person == "theatre" else 1
        if one.ended or one.person in self.disabled or self.clock >= one.since + timedelta(hours=hours):
            return "ended"
        if one.person == "theatre":
            return "open"
        if one.locked or self.clock - one.active > timedelta(minutes=5):
            one.locked = True
            return "locked"
        return "open"

    def _look(self, one: Signed) -> Session | None:
        expected = self._state(one)
        if expected == "ended":
            with pytest.raises(NotSignedIn):
                access.session_of_token(self.tx, one.session.token, "10.0.0.1", self.wanted)
            return None
        found = access.session_of_token(self.tx, one.session.token, "10.0.0.1", self.wanted)
        assert found.state == expected
        if one.person == "theatre":
            assert found.actor.permissions == {"study.read"}, "whatever its roles, it looks"
        return found

    @rule(one=signed)
    def is_looked_at(self, one: Signed) -> None:
        found = self._look(one)
        if found is None:
            return
        is_fresh = one.person != "theatre" and self.clock - one.proven <= timedelta(minutes=2)
        if is_fresh:
            access.fresh(found, self.wanted)
        else:
            with pytest.raises(Refused) as told:
                access.fresh(found, self.wanted)
            assert told.value.code == "step_up_needed"
        if found.state == "locked":
            with pytest.raises(Refused):
                access.session_actor(self.tx, one.session.token, "10.0.0.1", self.wanted)
            with pytest.raises(Refused):
                access.note_activity(self.tx, found)

    @rule(one=signed)
    def moves(self, one: Signed) -> None:
        found = self._look(one)
        if found is not None and found.state == "open":
            access.note_activity(self.tx, found)
            one.active = self.clock

    @rule(one=signed)
    def locks(self, one: Signed) -> None:
        found = self._look(one)
        if found is not None:
            access.lock_session(self.tx, found)
            one.locked = one.person != "theatre"

    @rule(one=signed, way=st.sampled_from(["pin", "password", "recovery", "totp"]), is_right=st.booleans())
    def proves(self, one: Signed, way: Any, is_right: bool) -> None:
        found = self._look(one)
        if found is None:
            return
        let_in = count_proof(self.tx, found, self.wanted)
        if one.person != "theatre":
            tries = [at for at in self.proofs[one.person] if at > self.clock - timedelta(minutes=5)]
            assert let_in is (len(tries) < 4), "a PIN is guessed four times, in however many windows"
        word = {"pin": PIN, "password": PASSWORD}.get(way, "000000") if is_right else "999999"
        if let_in and is_right and way in {"pin", "password"} and one.person != "theatre":
            access.prove(self.tx, self.vault, found, Proof(way, word), let_in=let_in)
            one.proven = one.active = self.clock
            one.locked = False
            self.proofs[one.person] = []
            return
        with pytest.raises(Refused):
            access.prove(self.tx, self.vault, found, Proof(way, word), let_in=let_in)
        if let_in and one.person != "theatre":
            self.proofs[one.person].append(self.clock)

    @rule(one=signed)
    def signs_out(self, one: Signed) -> None:
        found = self._look(one)
        if found is not None:
            access.sign_out(self.tx, found)
            one.ended = True

    @rule(one=signed, other=signed)
    def ends_another_of_the_own_windows(self, one: Signed, other: Signed) -> None:
        found = self._look(one)
        if found is None or found.state != "open":
            return
        mine, theirs = self.ids[one.person], other.session.id
        may = other.person == one.person and self._state(other) != "ended"
        actor = access.actor_of_user(self.tx, ACTOR, mine)
        if may:
            access.end_session(self.tx, actor, mine, theirs)
            other.ended = True
        else:
            with pytest.raises(Absent):
                access.end_session(self.tx, actor, mine, theirs)

    @rule(name=st.sampled_from(["jane", "john"]), disabled=st.booleans())
    def is_disabled_or_enabled(self, name: str, disabled: bool) -> None:
        access.set_user(self.tx, ACTOR, self.ids[name], disabled=disabled)
        if disabled:
            self.disabled.add(name)
            for one in self.all:
                one.ended = one.ended or one.person == name
        else:
            self.disabled.discard(name)

    @invariant()
    def what_has_ended_never_comes_back(self) -> None:
        for one in getattr(self, "all", []):
            if one.ended:
                with pytest.raises(NotSignedIn):
                    access.session_of_token(self.tx, one.session.token, "10.0.0.1", self.wanted)


def test_a_session_is_open_locked_or_over_and_nothing_else(
    machine: Callable[[type[OnDatabase]], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    Living.vault = Vault(tmp_path_factory.mktemp("vault"))
    machine(Living)


# -- tokens ----------------------------------------------------------------------------------------------------------


@dataclass
class Held:
    token: str
    scopes: frozenset[str]
    sites: tuple[int, ...]
    ends: datetime
    days: float
    revoked: bool = False


class Programs(OnDatabase):
    """An administrator makes tokens, turns them over and takes them away."""

    held = Bundle("held")
    life = TokenLife(days=2.0, most_days=3.0)
    boss_may = ALL - {"audit.read", "policy.manage"}

    @initialize()
    def begin(self) -> None:
        boss = access.actor_of_user(self.tx, ACTOR, access.add_user(self.tx, ACTOR, "boss", ["admin"]))
        self.boss = access.Actor(
            boss.kind, boss.id, boss.name, boss.tenant_id, self.boss_may, roles=boss.roles, scope=boss.scope
        )
        self.sites = [access.add_site(self.tx, ACTOR, name) for name in ("Graz", "Linz")]
        self.count = 0

    @rule(hours=st.sampled_from([1, 20, 30]))
    def days_go_by(self, hours: int) -> None:
        OnDatabase.clock += timedelta(hours=hours)

    @rule(
        target=held,
        scopes=st.lists(st.sampled_from(["study.read", "study.store", "changes.read"]), min_size=1, unique=True),
        days=st.sampled_from([None, 0.5, 1.0, 3.0]),
        at=st.sampled_from([(), (0,), (0, 1)]),
    )
    def makes(self, scopes: list[str], days: float | None, at: tuple[int, ...]) -> Held:
        sites = [self.sites[number] for number in at]
        self.count += 1
        token = access.issue_token(
            self.tx, self.boss, f"program {self.count}", scopes, days=days, site_ids=sites, life=self.life
        )
        lives = self.life.days if days is None else days
        return Held(token, frozenset(scopes), tuple(sorted(sites)), self.clock + timedelta(days=lives), lives)

    @rule(scopes=st.sampled_from([["all"], ["audit.read"], ["study.read", "policy.manage"]]))
    def cannot_hand_out_more_than_it_has(self, scopes: list[str]) -> None:
        with pytest.raises(Refused) as told:
            access.issue_token(self.tx, self.boss, "greedy", scopes, life=self.life)
        assert told.value.code == "scope_beyond_own"

    @rule(days=st.sampled_from([3.1, 100.0]), scope=st.sampled_from(["", "everything"]))
    def cannot_ask_for_what_the_site_does_not_give(self, days: float, scope: str) -> None:
        with pytest.raises(Invalid):
            access.issue_token(self.tx, self.boss, "long", ["study.read"], days=days, life=self.life)
        with pytest.raises(Invalid):
            access.issue_token(self.tx, self.boss, "odd", [scope] if scope else [], life=self.life)
        with pytest.raises(Absent):
            access.issue_token(self.tx, self.boss, "far", ["study.read"], site_ids=[999_999], life=self.life)

    def _is_good(self, one: Held) -> bool:
        return not one.revoked and self.clock < one.ends

    def _id(self, one: Held) -> UUID:
        row = self.tx.execute(
            "select id from api_token where token_hash = %s", (_digests.digest(one.token),)
        ).fetchone()
        assert row is not None
        return UUID(str(row[0]))

    @rule(one=held)
    def asks(self, one: Held) -> None:
        if not self._is_good(one):
            with pytest.raises(NotSignedIn):
                access.token_actor(self.tx, one.token, "10.0.0.9")
            return
        actor = access.token_actor(self.tx, one.token, "10.0.0.9")
        assert (actor.kind, actor.permissions) == ("token", one.scopes)
        assert (actor.scope.everywhere, actor.scope.sites) == (not one.sites, one.sites)
        listed = next(row for row in access.tokens(self.tx, ACTOR) if row["id"] == self._id(one))
        assert listed["last_used_at"] is not None
        assert self.clock - listed["last_used_at"] <= timedelta(minutes=1)
        assert listed["issued_by"] == "boss"
        assert one.token not in repr(listed)

    @rule(target=held, one=held, overlap=st.sampled_from([0.0, 1.0, 24.0]))
    def is_turned_over(self, one: Held, overlap: float) -> Held:
        if not self._is_good(one):
            with pytest.raises(Absent):
                access.rotate_token(self.tx, self.boss, self._id(one), overlap_hours=overlap, life=self.life)
            return one
        token = access.rotate_token(self.tx, self.boss, self._id(one), overlap_hours=overlap, life=self.life)
        one.ends = min(one.ends, self.clock + timedelta(hours=overlap))
        return Held(token, one.scopes, one.sites, self.clock + timedelta(days=one.days), one.days)

    @rule(one=consumes(held))
    def is_taken_away(self, one: Held) -> None:
        if one.revoked:
            return
        access.revoke_token(self.tx, self.boss, self._id(one))
        one.revoked = True
        with pytest.raises(NotSignedIn):
            access.token_actor(self.tx, one.token, "10.0.0.9")


def test_a_token_may_what_it_was_given_for_as_long_as_it_was_given(machine: Callable[[type[OnDatabase]], None]) -> None:
    machine(Programs)
