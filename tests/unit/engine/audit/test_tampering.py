"""Each kind of tampering that somebody who owns the database can do is found, with a sentence that names the place."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from heliograph.engine.audit import export, verifier
from heliograph.engine.audit.keys import SigningKey, signing_key
from heliograph.engine.audit.verifier import checkpoint_text, read_checkpoint, verify_log
from tests.unit.engine.audit.logs import Log

_EVENTS = 600
Line = dict[str, Any]


@pytest.fixture(scope="module")
def log(new_url: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """600 events under 4 checkpoints, some of them receipts, and two behind the last checkpoint."""
    made = Log(new_url(), tmp_path_factory.mktemp("audit") / "data")
    for part in range(4):
        made.write(_EVENTS // 4 - 1)
        made.receive(5, arrival=part + 1)
        made.checkpoint()
    made.write(2)
    made.sealer.seal_once()
    made.write(1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(log: Log) -> list[str]:
    return [json.dumps(line) for line in log.lines()]


@pytest.fixture
def lines(whole: list[str]) -> list[Line]:
    return [json.loads(line) for line in whole]


@dataclass(frozen=True)
class Kind:
    """One way to tamper, on the lines of an export; a part of the sentence that must be said; whether only a witness or a pinned key can tell."""

    name: str
    act: Callable[["Forger"], None]
    says: str
    with_witness: bool = False
    pinned: bool = False


class Forger:
    """The lines of a log, and whatever a forger can compute: everything but the site's signature, unless the key was stolen."""

    def __init__(self, lines: list[Line], data: Path) -> None:
        self.lines = lines
        self.stolen = signing_key(data / "keys")

    def of(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line["type"] == kind]

    def event(self, n: int) -> Line:
        return next(line for line in self.of("event") if line["n"] == n)

    def remove(self, *events: int) -> None:
        self.lines[:] = [line for line in self.lines if line["type"] != "event" or line["n"] not in events]

    def swap(self, a: int, b: int) -> None:
        """Two events change places and numbers, each with its hashes."""
        one, other = self.event(a), self.event(b)
        for name in set(one) - {"type", "n"}:
            one[name], other[name] = other[name], one[name]

    def chain_again(self) -> None:
        """Leaves, chain and tree as if the rows had always been like this."""
        log = self.of("log")[0]["log"]
        chain, tree, tiles = verifier.chain_start(log), verifier.Tree(), {}
        for n, line in enumerate(self.of("event"), 1):
            line["n"] = n
            leaf = verifier.leaf_hash(verifier.canonical({name: line[name] for name in verifier.ROW}))
            chain = verifier.chain_hash(chain, leaf)
            line["leaf"], line["chain"] = leaf.hex(), chain.hex()
            tiles |= {(level, index): node.hex() for level, index, node in tree.add(leaf)}
        for line in self.of("tile"):
            line["hash"] = tiles.get((line["level"], line["index"]), line["hash"])
        for line in self.of("checkpoint"):  # an export puts each where its size says
            self.lines.remove(line)
            self.lines.insert(self.lines.index(self.event(min(line["size"], n))) + 1, line)

    def sign_again(self, key: SigningKey) -> None:
        """Every checkpoint anew over what the log says now."""
        events, previous = self.of("event"), ""
        self.of("key")[0].update(key=key.fingerprint, public=key.public.hex())
        for number, line in enumerate(self.of("checkpoint"), 1):
            facts = read_checkpoint(line["body"])
            assert facts is not None
            size = min(facts["size"], len(events))
            covered = events[:size]
            facts |= {
                "number": number, "size": size, "chain": covered[-1]["chain"], "previous": previous, "key": key.fingerprint,
                "root": verifier.root_of(bytes.fromhex(one["leaf"]) for one in covered).hex(),
            }  # fmt: skip
            line["size"], line["body"] = size, checkpoint_text(facts)
            line["signature"] = key.sign(line["body"]).hex()
            previous = verifier.checkpoint_digest(line["body"], bytes.fromhex(line["signature"]))

    def checkpoint(self, number: int) -> Line:
        return self.of("checkpoint")[number - 1]

    def say_in_checkpoint(self, number: int, *, sign: bool = False, **facts: Any) -> None:
        line = self.checkpoint(number)
        line["body"] = checkpoint_text({**(read_checkpoint(line["body"]) or {}), **facts})
        if sign:
            line["signature"] = self.stolen.sign(line["body"]).hex()


def _edit(name: str, value: Any) -> Kind:
    def act(forger: Forger) -> None:
        assert forger.event(77)[name] != value
        forger.event(77)[name] = value

    return Kind(f"field {name} edited", act, "event 77 of ")


def _insert(forger: Forger, *, chained: bool) -> None:
    at = forger.lines.index(forger.event(200))
    forger.lines.insert(at, json.loads(json.dumps(forger.event(200))) | {"id": 9_000_000, "subject": {"study": 1}})
    if chained:
        forger.chain_again()


def _cut_off(forger: Forger, after: int, *, checkpoints: int) -> None:
    forger.remove(*range(after + 1, 1000))
    keep = forger.of("checkpoint")[:checkpoints]
    forger.lines[:] = [line for line in forger.lines if line["type"] != "checkpoint" or line in keep]
    forger.lines[:] = [line for line in forger.lines if line["type"] != "tile" or (line["index"] + 1) * 256 <= after]
    receipts = {line["detail"].get("receipt") for line in forger.of("event")}
    forger.lines[:] = [line for line in forger.lines if line["type"] != "receipt" or line["root"] in receipts]
    forger.lines[:] = [line for line in forger.lines if line["type"] != "unsealed"]


def _clock(forger: Forger) -> None:
    """Events 301 and later look an hour younger than they are, everything recomputed and signed with the stolen key."""
    for line in forger.of("event"):
        if line["n"] > 300:
            line["sealed_at"] = "2020" + line["sealed_at"][4:]
            line["at"] = "2020" + line["at"][4:]
    forger.chain_again()
    forger.sign_again(forger.stolen)


def _later(forger: Forger) -> None:
    forger.event(300)["at"] = "2099" + forger.event(300)["at"][4:]
    forger.chain_again()
    forger.sign_again(forger.stolen)


def _rewrite(forger: Forger, key: SigningKey | None) -> None:
    forger.event(77)["actor"] = {"kind": "user", "id": "8", "name": "john", "address": "10.0.0.2"}
    forger.chain_again()
    forger.sign_again(key or forger.stolen)


def _fork_event(forger: Forger) -> None:
    line = forger.event(400)
    forger.lines.insert(forger.lines.index(line) + 1, line | {"outcome": "refused"})


def _fork_checkpoint(forger: Forger) -> None:
    """A second checkpoint 2 with another root, truly signed."""
    line = dict(forger.checkpoint(2))
    forger.lines.insert(forger.lines.index(forger.checkpoint(2)) + 1, line)
    forger.say_in_checkpoint(3, sign=True, root="0" * 64)


def _replay(forger: Forger) -> None:
    """The second checkpoint takes the place of the last."""
    forger.checkpoint(4).update(forger.checkpoint(2))


def _inner_key(forger: Forger) -> None:
    """A second key signs the last checkpoint."""
    key = _stranger()
    forger.lines.insert(
        forger.lines.index(forger.of("key")[0]) + 1, {"type": "key", "key": key.fingerprint, "public": key.public.hex()}
    )
    forger.say_in_checkpoint(4, key=key.fingerprint)
    forger.checkpoint(4)["signature"] = key.sign(forger.checkpoint(4)["body"]).hex()


def _forged_change(forger: Forger) -> None:
    """The second key says itself that the first one vouches for it."""
    _inner_key(forger)
    first, second = forger.of("key")
    change = {"log": forger.of("log")[0]["log"], "old": first["key"], "at": "2026-11-22T00:00:00.000000Z"}
    text = verifier.change_text(change, second["key"])
    second["change"] = change | {"signature": _stranger().sign(text).hex()}


def _swap_public_key(forger: Forger) -> None:
    forger.of("key")[0]["public"] = _stranger().public.hex()


def _put_in(forger: Forger) -> None:
    forger.of("unsealed")[0]["id"] = 3


def _gone(forger: Forger) -> None:
    for name in set(verifier.ROW) - {"n", "id", "sealed_at"}:
        del forger.event(77)[name]


def _stranger() -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def _leaf_too(forger: Forger) -> None:
    line = forger.event(77)
    line["outcome"] = "refused"
    line["leaf"] = verifier.leaf_hash(verifier.canonical({name: line[name] for name in verifier.ROW})).hex()


def _lines_swapped(forger: Forger) -> None:
    a, b = (forger.lines.index(forger.event(n)) for n in (100, 101))
    forger.lines[a], forger.lines[b] = forger.lines[b], forger.lines[a]


KINDS = [
    Kind("first deleted", lambda f: f.remove(1), "event 1 is missing"),
    Kind("one in the middle deleted", lambda f: f.remove(250), "event 250 is missing"),
    Kind("last under a checkpoint deleted", lambda f: f.remove(600), "event 600 is missing"),
    Kind("last ones deleted", lambda f: f.remove(600, 601, 602), "covers 600 events, and the log ends at event 599"),
    Kind("many deleted", lambda f: f.remove(*range(100, 201)), "events 100 to 200 are missing"),
    Kind("one deleted, the rest chained again", lambda f: (f.remove(250), f.chain_again())[0], "among events 151 to 300"),
    Kind("row deleted, seal left", _gone, "event 77: it was sealed, and its row is gone"),
    _edit("at", "2020-01-01T00:00:00.000000Z"),
    _edit("kind", "study.opened"),
    _edit("outcome", "refused"),
    _edit("actor", {"kind": "user", "id": "8", "name": "john", "address": "10.0.0.2"}),
    _edit("subject", {"study": 1, "study_uid": "1.2.1"}),
    _edit("detail", {}),
    _edit("tenant", 2),
    _edit("id", 9_000_000),
    _edit("sealed_at", "2098-01-01T00:00:00.000000Z"),
    Kind("leaf edited with the row", _leaf_too, "event 77: the chain does not lead from event 76"),
    Kind("chain value edited", lambda f: f.event(77).update(chain="0" * 64), "event 77: the chain does not lead"),
    Kind("two events swapped", lambda f: f.swap(100, 101), "event 100 of "),
    Kind("two lines swapped", _lines_swapped, "event 100 stands behind event 101"),
    Kind("two events swapped, the rest chained again", lambda f: (f.swap(100, 101), f.chain_again())[0], "among events 1 to 150"),
    Kind("event inserted", lambda f: _insert(f, chained=False), "event 200 stands behind event 200"),
    Kind("event inserted, the rest chained again", lambda f: _insert(f, chained=True), "among events 151 to 300"),
    Kind("unsealed row put in behind the seals", _put_in, "row 3 of "),
    Kind("end cut off, checkpoints left", lambda f: _cut_off(f, 500, checkpoints=4), "covers 600 events, and the log ends at event 500"),
    Kind("end cut off with its checkpoints", lambda f: _cut_off(f, 300, checkpoints=2), "holds checkpoint 3 over 450 events, which the log does not have", with_witness=True),
    Kind("fork of an event", _fork_event, "event 400 stands behind event 400"),
    Kind("fork of checkpoints", _fork_checkpoint, "checkpoint 2 exists twice (a fork)"),
    Kind("clock set back", _clock, "event 301: the clock went back from "),
    Kind("event from the future", _later, "event 300: it happened at 2099"),
    Kind("public key swapped", _swap_public_key, "its public key has another fingerprint"),
    Kind("second key", _inner_key, "is a second key"),
    Kind("second key that vouches for itself", _forged_change, "is a second key"),
    Kind("history rewritten with a key of one's own", lambda f: _rewrite(f, _stranger()), "is none of the keys that you trust", pinned=True),
    Kind("history rewritten with a key of one's own, seen by the witness", lambda f: _rewrite(f, _stranger()), "is no checkpoint of a trusted key", with_witness=True),
    Kind("history rewritten with the stolen key", lambda f: _rewrite(f, None), "checkpoint 1 says something else than the log (a fork)", with_witness=True),
    Kind("checkpoint edited", lambda f: f.say_in_checkpoint(3, size=449), "checkpoint 3: its signature is not"),
    Kind("checkpoint edited and signed with the stolen key", lambda f: f.say_in_checkpoint(3, sign=True, root="0" * 64), "checkpoint 3: something among events 1 to 450 was changed (tree)"),
    Kind("signature edited", lambda f: f.checkpoint(3).update(signature="0" * 128), "checkpoint 3: its signature is not"),
    Kind("checkpoint removed", lambda f: f.lines.remove(f.checkpoint(3)), "checkpoint 3 is missing"),
    Kind("first checkpoint removed", lambda f: f.lines.remove(f.checkpoint(1)), "checkpoint 1 is missing"),
    Kind("last checkpoint removed", lambda f: f.lines.remove(f.checkpoint(4)), "holds checkpoint 4 over 600 events", with_witness=True),
    Kind("checkpoint replayed", _replay, "checkpoint 2 stands a second time (replayed)"),
    Kind("tree edited", lambda f: f.of("tile")[1].update(hash="0" * 64), "the node over events 257 to 512 was changed"),
    Kind("tree node removed", lambda f: f.lines.remove(f.of("tile")[0]), "node 0 of level 1 is missing"),
    Kind("receipt edited", lambda f: f.of("receipt")[1].update(leaves="00" * 64), "receipt of arrival 2: the list of received objects was changed"),
    Kind("receipt removed", lambda f: f.lines.remove(f.of("receipt")[1]), "event 300: the list of what was received is gone"),
    Kind("another log's name", lambda f: f.of("log")[0].update(log="0" * 36), "event 1: the chain does not lead"),
    Kind("a line that cannot be read", lambda f: f.event(5).pop("leaf"), "cannot be read"),
]  # fmt: skip


def test_there_are_at_least_twenty_kinds_each_once() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 20


def test_a_log_that_nobody_touched_holds(log: Log, lines: list[Line]) -> None:
    key = signing_key(log.data / "keys").fingerprint
    report = verify_log(lines, pinned=[key], witnesses=log.witness())
    assert report.findings == []
    assert (report.events, report.checkpoints, report.waiting) == (_EVENTS + 2, 4, 1)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_tampering_is_found(kind: Kind, log: Log, lines: list[Line]) -> None:
    key = signing_key(log.data / "keys").fingerprint
    kind.act(Forger(lines, log.data))
    if kind.with_witness or kind.pinned:
        alone = verify_log(lines)
        assert not [one for one in alone.findings if kind.says in one], "this one needs no help: say so in the table"
    report = verify_log(
        lines, pinned=[key] if kind.pinned else (), witnesses=log.witness() if kind.with_witness else ()
    )
    assert any(kind.says in finding for finding in report.findings), report.findings


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("delete from audit_event where id = (select event_id from audit_seal where number = 40)", "event 40: it was sealed, and its row is gone"),
        ("update audit_event set actor = '{}' where id = (select event_id from audit_seal where number = 41)", "event 41 of "),
        ("update audit_seal set number = -number where number in (42, 43); update audit_seal set number = 85 + number where number < 0", "event 42 of "),
        ("delete from audit_seal where number = 44", "event 44 is missing"),
        ("delete from audit_checkpoint where number = 2", "checkpoint 2 is missing"),
        ("update audit_tile set hash = '\\x00' where index = 0", "the node over events 1 to 256 was changed"),
        ("delete from audit_receipt where arrival_id = 3", "event 450: the list of what was received is gone"),
        ("insert into audit_event (id, tenant_id, at, kind, outcome, actor, subject) overriding system value values (0, 1, now(), 'x', 'success', '{}', '{}')", "row 0 of "),
    ],
)  # fmt: skip
def test_tampering_in_the_live_database_is_found(log: Log, statement: str, says: str) -> None:
    """The same verifier over the tables, after an owner who took the triggers away; each is undone by the rollback."""
    with psycopg.connect(log.url) as tx:
        for table in ("audit_event", "audit_seal", "audit_checkpoint", "audit_tile", "audit_receipt"):
            tx.execute(f"alter table {table} disable trigger append_only")
        tx.execute(statement)
        report = verify_log(export.lines(tx))
        tx.rollback()
    assert any(says in finding for finding in report.findings), report.findings


def test_the_verifier_stands_alone(log: Log, lines: list[Line], tmp_path: Path) -> None:
    """Copied elsewhere, with nothing of the program to be found, it reads an export and says what it found."""
    script, exported, witness = tmp_path / "verifier.py", tmp_path / "export.jsonl", log.data / "audit" / "checkpoints"
    shutil.copy(verifier.__file__, script)
    key = signing_key(log.data / "keys").fingerprint

    def run(*more: str) -> tuple[int, str]:
        exported.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
        done = subprocess.run(
            [sys.executable, "-I", str(script), "log", str(exported), "--witness", str(witness), *more],
            capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    assert "heliograph" not in {
        line.split()[1].partition(".")[0]
        for line in script.read_text().splitlines()
        if line.startswith(("import ", "from "))
    }
    code, said = run("--key", key)
    assert code == 0, said
    assert (
        "602 events, 4 checkpoints: as they were written. 2 events since the last checkpoint, 1 not sealed yet" in said
    )
    code, said = run()
    assert code == 0
    assert key in said, "who pins nothing is told what to compare"
    Forger(lines, log.data).event(77)["outcome"] = "refused"
    code, said = run("--key", key)
    assert code == 1
    assert "FOUND: event 77 of " in said
