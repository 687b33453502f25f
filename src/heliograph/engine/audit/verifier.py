"""Verifies an exported audit log, and the proof of one object, without trusting the program that wrote them.

This file stands alone: Python 3.11 and `cryptography`, nothing of Heliograph. Copy it anywhere:

    python verifier.py log EXPORT [--key FINGERPRINT]... [--witness FILE]...
    python verifier.py object PROOF OBJECT.dcm [--key FINGERPRINT]...

leaf n = SHA-256(00 || row n as canonical JSON); chain n = SHA-256(chain n-1 || leaf n); the tree over the leaves is that of RFC 9162 2.1;
a checkpoint is a short text with size, chain and root, signed with Ed25519. Exit status 1 when anything does not hold.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = 1
TILE_BITS = 8
CLOCK_BACK = "audit.clock_back"
KEY_CHANGED = "audit.key_changed"
CHECKPOINT_HEAD = "heliograph audit checkpoint 1"
CHANGE_HEAD = "heliograph audit key change 1"
ROW = ("n", "sealed_at", "id", "tenant", "at", "kind", "outcome", "actor", "subject", "detail")
_FIELDS = ("log", "number", "size", "chain", "root", "settled", "at", "previous", "key")
_MOST_FINDINGS = 100


def canonical(row: dict[str, Any]) -> bytes:
    """One and only one form of a row: sorted keys, no blanks, UTF-8."""
    return json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def chain_start(log_id: str) -> bytes:
    return hashlib.sha256(b"heliograph audit log\n" + log_id.encode()).digest()


def chain_hash(before: bytes, leaf: bytes) -> bytes:
    return hashlib.sha256(before + leaf).digest()


def object_leaf(sop_uid: str, sha256: bytes, received_at: str) -> bytes:
    """The leaf of one received object in the tree of its receipt."""
    return leaf_hash(f"{sop_uid}\n{sha256.hex()}\n{received_at}".encode())


class Tree:
    """The perfect subtrees that end at the right edge (RFC 9162 2.1); `add` tells which whole tiles it completed."""

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[tuple[int, bytes]] = []

    def add(self, node: bytes, level: int = 0) -> list[tuple[int, int, bytes]]:
        """Appends a leaf, or a whole perfect subtree of `level`; (tile level, index, hash) of every tile that is complete now."""
        self.size += 1 << level
        done = []
        while True:
            if level and level % TILE_BITS == 0:
                done.append((level // TILE_BITS, (self.size >> level) - 1, node))
            if not self._edge or self._edge[-1][0] != level:
                break
            node = node_hash(self._edge.pop()[1], node)
            level += 1
        self._edge.append((level, node))
        return done

    def root(self) -> bytes:
        if not self._edge:
            return hashlib.sha256(b"").digest()
        root = self._edge[-1][1]
        for _, node in reversed(self._edge[:-1]):
            root = node_hash(node, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def root_by_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162 2.1.3.2); None when the path does not fit the tree."""
    if not 0 <= index < size:
        return None
    at, last, node = index, size - 1, leaf
    for other in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            node = node_hash(other, node)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, other)
        at, last = at >> 1, last >> 1
    return node if last == 0 else None


def checkpoint_text(facts: dict[str, Any]) -> str:
    return "\n".join([CHECKPOINT_HEAD, *(f"{name} {facts[name]}" for name in _FIELDS), ""])


def read_checkpoint(text: str) -> dict[str, Any] | None:
    """The facts of a checkpoint's text; None when it is not one."""
    lines = text.split("\n")
    if lines[0] != CHECKPOINT_HEAD or len(lines) != len(_FIELDS) + 2:
        return None
    facts: dict[str, Any] = {}
    for name, line in zip(_FIELDS, lines[1:], strict=False):
        key, _, value = line.partition(" ")
        if key != name:
            return None
        facts[name] = value
    try:
        for name in ("number", "size", "settled"):
            facts[name] = int(facts[name])
    except ValueError:
        return None
    return facts if checkpoint_text(facts) == text else None


def checkpoint_digest(text: str, signature: bytes) -> str:
    """What the next checkpoint calls `previous`."""
    return hashlib.sha256(text.encode() + signature).hexdigest()


def fingerprint(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()


@dataclass
class Report:
    """What was found; `findings` is empty when everything holds. `last` are the facts of the newest checkpoint."""

    events: int = 0
    checkpoints: int = 0
    waiting: int = 0
    keys: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)

    def found(self, sentence: str) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(sentence)


def change_text(change: dict[str, Any], new: str) -> str:
    """What the key before it signs for the next one."""
    return f"{CHANGE_HEAD}\nlog {change['log']}\nold {change['old']}\nnew {new}\nat {change['at']}\n"


class Keys:
    """Public keys by fingerprint, in the order of their use. Who pins keys trusts no other; who does not, trusts the first key that the log
    brings. A key that a trusted one has signed as the next is trusted too (it is changed when an archive was restored)."""

    def __init__(self, pinned: Iterable[str]) -> None:
        self._pinned = {one.lower() for one in pinned}
        self._known: dict[str, bytes] = {}
        self._trusted: set[str] = set()

    def add(self, line: dict[str, Any], report: Report) -> None:
        public = bytes.fromhex(line["public"])
        name = fingerprint(public)
        if name != line["key"]:
            report.found(f"key {line['key'][:16]}: its public key has another fingerprint")
            return
        is_first = not self._known
        self._known[name] = public
        if (name in self._pinned if self._pinned else is_first or name in self._trusted) or self._is_next(
            name, line.get("change")
        ):
            self._trusted.add(name)
        elif self._pinned:
            report.found(f"key {name[:16]} is none of the keys that you trust: the log was signed by somebody else")
        else:
            report.found(f"key {name[:16]} is a second key: name the keys that you trust by --key")
        report.keys = sorted(self._known)

    def _is_next(self, name: str, change: dict[str, Any] | None) -> bool:
        if not change or change["old"] not in self._trusted:
            return False
        return self.signed(change["old"], change_text(change, name), bytes.fromhex(change["signature"]))

    def signed(self, name: str, text: str, signature: bytes) -> bool:
        if name not in self._trusted:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self._known[name]).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


class _Reader:
    """One pass over the lines of an export, in their order."""

    def __init__(self, pinned: Iterable[str]) -> None:
        self.report = Report()
        self.keys = Keys(pinned)
        self.log_id = ""
        self.n = 0
        self.chain = b""
        self.tree = Tree()
        self.whole = True  # no event was missing or twice so far: roots can be compared
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.seen_tiles: set[tuple[int, int]] = set()
        self.texts: dict[int, str] = {}
        self.sealed_at = ""
        self.went_back = ""
        self.receipts: dict[str, int] = {}
        self.receipts_seen: set[str] = set()
        self.has_receipts = False

    def take(self, line: dict[str, Any]) -> None:
        kind = line.get("type")
        if kind == "log":
            self.log_id, self.chain = line["log"], chain_start(line["log"])
            self.has_receipts = bool(line.get("receipts"))
        elif kind == "key":
            self.keys.add(line, self.report)
        elif kind == "event":
            self._event(line)
        elif kind == "checkpoint":
            self._checkpoint(line)
        elif kind == "tile":
            self._tile(line)
        elif kind == "receipt":
            self._receipt(line)
        elif kind == "unsealed":
            self._unsealed(line)

    # -- events --------------------------------------------------------------------------------------------------

    def _event(self, line: dict[str, Any]) -> None:
        n, leaf, chain = int(line["n"]), bytes.fromhex(line["leaf"]), bytes.fromhex(line["chain"])
        self.report.events += 1
        if n != self.n + 1:
            self._out_of_line(n)
            self.chain = b""
        self.n = max(n, self.n)
        if "kind" not in line:
            self.report.found(f"event {n}: it was sealed, and its row is gone")
        elif leaf_hash(canonical({name: line[name] for name in ROW})) != leaf:
            self.report.found(f"event {n} of {line['at']}: the row was changed after it was sealed")
        if self.chain and chain_hash(self.chain, leaf) != chain:
            self.report.found(f"event {n}: the chain does not lead from event {n - 1} to it")
        self.chain = chain
        if self.whole:
            for level, index, node in self.tree.add(leaf):
                self.tiles[level, index] = node
        if "kind" in line:
            self._clock(n, line)
            root = line["detail"].get("receipt") if isinstance(line["detail"], dict) else None
            if isinstance(root, str):
                self.receipts[root] = n

    def _out_of_line(self, n: int) -> None:
        self.whole = False
        if n <= self.n:
            self.report.found(f"event {n} stands behind event {self.n}: out of order, or there are two of it (a fork)")
        elif n == self.n + 2:
            self.report.found(f"event {n - 1} is missing")
        else:
            self.report.found(f"events {self.n + 1} to {n - 1} are missing")

    def _clock(self, n: int, line: dict[str, Any]) -> None:
        """Instants are texts of one form, so they compare as they sort."""
        sealed_at = line["sealed_at"]
        if sealed_at < self.sealed_at:
            if line["kind"] == CLOCK_BACK:
                self.went_back = sealed_at
            else:
                self.report.found(
                    f"event {n}: the clock went back from {self.sealed_at} to {sealed_at}, and nobody recorded it"
                )
        if line["kind"] == CLOCK_BACK:
            self.went_back = sealed_at
        elif line["at"] > sealed_at and self.went_back != sealed_at and _seconds(line["at"]) > _seconds(sealed_at) + 5:
            self.report.found(f"event {n}: it happened at {line['at']}, after it was sealed at {sealed_at}")
        self.sealed_at = sealed_at

    # -- checkpoints ---------------------------------------------------------------------------------------------

    def _checkpoint(self, line: dict[str, Any]) -> None:
        found, text = self.report.found, line["body"]
        signature = bytes.fromhex(line["signature"])
        self.report.checkpoints += 1
        facts = read_checkpoint(text)
        if facts is None:
            found(f"checkpoint {self.report.checkpoints}: this is not the text of a checkpoint")
            return
        number = facts["number"]
        if not self.keys.signed(facts["key"], text, signature):
            found(f"checkpoint {number}: its signature is not that of a trusted key over this text")
        if facts["log"] != self.log_id:
            found(f"checkpoint {number}: it is of another log")
        last = self.report.last
        expected = last["number"] + 1 if last else 1
        if number in self.texts:
            word = "stands a second time (replayed)" if self.texts[number] == text else "exists twice (a fork)"
            found(f"checkpoint {number} {word}")
            return
        if number != expected:
            missing = (
                f"checkpoint {expected} is missing" if number > expected else f"checkpoint {number} is out of order"
            )
            found(f"{missing}: after {expected - 1} comes {number}")
        elif facts["previous"] != (last["digest"] if last else ""):
            found(f"checkpoint {number}: it does not follow the checkpoint before it (a fork)")
        if last and facts["at"] < last["at"] and not self.went_back:
            found(
                f"checkpoint {number}: the clock went back from {last['at']} to {facts['at']}, and nobody recorded it"
            )
        self.texts[number] = text
        self._covers(facts, last)
        self.report.last = {**facts, "digest": checkpoint_digest(text, signature)}

    def _covers(self, facts: dict[str, Any], last: dict[str, Any]) -> None:
        number, size = facts["number"], facts["size"]
        since = (last["size"] if last else 0) + 1
        if size > self.n:
            self.report.found(
                f"checkpoint {number} covers {size} events, and the log ends at event {self.n}: its end was cut off"
            )
        elif size < self.n:
            self.report.found(f"checkpoint {number} covers {size} events and stands behind event {self.n}")
        elif facts["chain"] != self.chain.hex():
            self.report.found(f"checkpoint {number}: something among events {since} to {size} was changed (chain)")
        elif self.whole and facts["root"] != self.tree.root().hex():
            self.report.found(f"checkpoint {number}: something among events 1 to {size} was changed (tree)")

    def _tile(self, line: dict[str, Any]) -> None:
        place = (int(line["level"]), int(line["index"]))
        self.seen_tiles.add(place)
        if self.whole and self.tiles.get(place, b"").hex() != line["hash"]:
            first = (place[1] << TILE_BITS * place[0]) + 1
            last = (place[1] + 1) << TILE_BITS * place[0]
            self.report.found(f"tree: the node over events {first} to {last} was changed")

    # -- receipts and what is not sealed ---------------------------------------------------------------------------

    def _receipt(self, line: dict[str, Any]) -> None:
        data = bytes.fromhex(line["leaves"])
        root = root_of(data[at : at + 32] for at in range(0, len(data), 32)).hex()
        self.receipts_seen.add(line["root"])
        if root != line["root"]:
            self.report.found(f"receipt of arrival {line['arrival']}: the list of received objects was changed")
        elif root not in self.receipts and line["sealed"]:
            self.report.found(f"receipt of arrival {line['arrival']}: no event of the log speaks of it")

    def _unsealed(self, line: dict[str, Any]) -> None:
        self.report.waiting += 1
        if self.report.last and line["id"] <= self.report.last["settled"]:
            self.report.found(f"row {line['id']} of {line['at']} was put in behind what was sealed")

    def end(self, witnesses: Iterable[tuple[str, Iterable[dict[str, Any]]]]) -> Report:
        if self.whole:
            for level, index in sorted(set(self.tiles) - self.seen_tiles)[:5]:
                self.report.found(f"tree: node {index} of level {level} is missing")
        if self.has_receipts:
            for root in sorted(set(self.receipts) - self.receipts_seen, key=self.receipts.__getitem__)[:5]:
                self.report.found(f"event {self.receipts[root]}: the list of what was received is gone")
        for name, lines in witnesses:
            self._witness(name, lines)
        return self.report

    def _witness(self, name: str, lines: Iterable[dict[str, Any]]) -> None:
        seen: dict[int, str] = {}
        for line in lines:
            facts = read_checkpoint(line["body"])
            if facts is None or not self.keys.signed(facts["key"], line["body"], bytes.fromhex(line["signature"])):
                self.report.found(f"witness {name}: line {len(seen) + 1} is no checkpoint of a trusted key")
                continue
            number = facts["number"]
            if seen.setdefault(number, line["body"]) != line["body"]:
                self.report.found(f"witness {name}: checkpoint {number} exists twice (a fork)")
            if number not in self.texts:
                self.report.found(
                    f"witness {name} holds checkpoint {number} over {facts['size']} events, which the log does not have: "
                    "it was cut off, or put back to an earlier state"
                )
            elif self.texts[number] != line["body"]:
                self.report.found(f"witness {name}: checkpoint {number} says something else than the log (a fork)")
        for number in sorted(set(range(1, max(seen, default=0))) - set(seen))[:5]:
            self.report.found(f"witness {name}: checkpoint {number} is missing there")


def _seconds(instant: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(instant).timestamp()


def verify_log(
    lines: Iterable[dict[str, Any]],
    *,
    pinned: Iterable[str] = (),
    witnesses: Iterable[tuple[str, Iterable[dict[str, Any]]]] = (),
) -> Report:
    """Reads an export once, in constant memory but for one hash per 256 events."""
    reader = _Reader(pinned)
    for number, line in enumerate(lines, 1):
        try:
            reader.take(line)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reader.report.found(f"line {number} of the export cannot be read ({type(error).__name__})")
    return reader.end(witnesses)


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def data_set_digest(data: bytes) -> bytes:
    """SHA-256 of a Part 10 file without preamble and group 0002 (PS3.10 7.1); of the whole when it is a bare data set."""
    at = 0
    if data[128:132] == b"DICM":
        at = 132
        while data[at : at + 2] == b"\x02\x00":
            if data[at + 4 : at + 6] in (b"OB", b"UN", b"UT", b"OW", b"SQ"):
                at += 12 + int.from_bytes(data[at + 8 : at + 12], "little")
            else:
                at += 8 + int.from_bytes(data[at + 6 : at + 8], "little")
    return hashlib.sha256(memoryview(data)[at:]).digest()


def verify_object(proof: dict[str, Any], data: bytes, *, pinned: Iterable[str] = ()) -> Report:
    """The same with the object as a file."""
    return verify_proof(proof, data_set_digest(data), pinned=pinned)


def verify_proof(proof: dict[str, Any], digest: bytes, *, pinned: Iterable[str] = ()) -> Report:
    """Object -> receipt -> event -> checkpoint -> key; each step is said when it does not hold. `digest` is that of the object as it is now."""
    report = Report()
    keys = Keys(pinned)
    for line in proof["keys"]:
        keys.add(line, report)
    known, event = proof["object"], {name: proof["event"][name] for name in ROW}
    if digest.hex() != known["sha256"]:
        report.found(f"the object is not the one that was received: its digest is {digest.hex()}")
    leaf = object_leaf(known["sop_uid"], bytes.fromhex(known["sha256"]), known["received_at"])
    root = _led(leaf, proof["receipt"])
    if root is None or root != event["detail"].get("receipt"):
        report.found("the receipt does not hold this object with this digest and this time")
    facts = read_checkpoint(proof["checkpoint"]["body"])
    if facts is None or not keys.signed(
        facts["key"], proof["checkpoint"]["body"], bytes.fromhex(proof["checkpoint"]["signature"])
    ):
        report.found("the checkpoint is not signed by a trusted key")
    inclusion = {"index": event["n"] - 1, "size": facts["size"] if facts else 0, "path": proof["inclusion"]}
    if facts is None or _led(leaf_hash(canonical(event)), inclusion) != facts["root"]:
        report.found(f"event {event['n']} is not in the tree of the checkpoint as it stands here")
    report.last = dict(known) | {"checkpoint": facts}
    return report


def _led(leaf: bytes, way: dict[str, Any]) -> str | None:
    root = root_by_path(leaf, int(way["index"]), int(way["size"]), [bytes.fromhex(one) for one in way["path"]])
    return root.hex() if root is not None else None


def _say(report: Report, well: str, pinned: list[str]) -> int:
    for sentence in report.findings:
        print(f"FOUND: {sentence}")
    if report.findings:
        print(f"{len(report.findings)} findings: this is not as it was written")
        return 1
    print(well)
    if not pinned:
        print(f"the key is the one that came along: compare it with what you wrote down, {', '.join(report.keys)}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verifies an audit log or the proof of one object.")
    what = parser.add_subparsers(dest="what", required=True)
    log = what.add_parser("log", help="an export of `heliograph audit export`")
    log.add_argument("export", type=Path)
    log.add_argument("--witness", type=Path, action="append", default=[], help="a copy of DIR/audit/checkpoints")
    one = what.add_parser("object", help="a proof of `heliograph audit prove` and the object")
    one.add_argument("proof", type=Path)
    one.add_argument("object", type=Path)
    for command in (log, one):
        command.add_argument("--key", action="append", default=[], help="fingerprint of a key that you trust")
    chosen = parser.parse_args(arguments)
    if chosen.what == "log":
        witnesses = [(str(path), json_lines(path)) for path in chosen.witness]
        report = verify_log(json_lines(chosen.export), pinned=chosen.key, witnesses=witnesses)
        return _say(report, sentence_of(report), chosen.key)
    proof = json.loads(chosen.proof.read_text("utf-8"))
    report = verify_object(proof, chosen.object.read_bytes(), pinned=chosen.key)
    return _say(report, f"unchanged since first received at {report.last['received_at']}", chosen.key)


def sentence_of(report: Report) -> str:
    """What stands proved when nothing was found."""
    covered = report.last.get("size", 0)
    return (
        f"{report.events} events, {report.checkpoints} checkpoints: as they were written. "
        f"{report.events - covered} events since the last checkpoint, {report.waiting} not sealed yet"
    )


if __name__ == "__main__":
    sys.exit(main())
