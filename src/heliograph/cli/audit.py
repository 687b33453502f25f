"""`audit`: giving the audit log out, verifying it, and proving that an object is as it was received."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heliograph.app import installation
from heliograph.cli._options import Commands, acting, add_tenant, command, settings_of
from heliograph.engine.audit import Sealer, export
from heliograph.engine.audit.verifier import json_lines, sentence_of, verify_log
from heliograph.engine.audit.witness import witnessed
from heliograph.engine.db import Tx
from heliograph.features.archive.receipts import received
from heliograph.features.trail.objects import sealed_proof
from heliograph.services import Services


def add_to(commands: Commands) -> None:
    audit = commands.add_parser("audit", help="the audit log: export, verify, prove")
    acts = audit.add_subparsers(dest="act", metavar="act", required=True)
    out = command(
        acts, "export", "write the log with its chain, tree, checkpoints and public keys as lines of JSON",
        "The file is read by heliograph/engine/audit/verifier.py, which needs nothing else of this program.",
        "heliograph audit export /mnt/stick/audit.jsonl",
    )  # fmt: skip
    out.add_argument("file", type=Path, help="where it goes; it must not be there yet")
    out.set_defaults(run=_export)
    check = command(
        acts, "verify", "is every row of the log as it was written, in its place, and signed",
        "Reads the database, and DIR/audit/checkpoints beside it. Exit status 1 when anything was found.",
        "heliograph audit verify --key 5d41... --witness /mnt/other/checkpoints",
    )  # fmt: skip
    check.add_argument("--key", action="append", default=[], metavar="FINGERPRINT", help="a key that you trust")
    check.add_argument(
        "--witness", action="append", default=[], type=Path, metavar="FILE", help="a further copy of the checkpoints"
    )
    check.set_defaults(run=_verify)
    prove = command(
        acts, "prove", "the proof that one object is unchanged since it was first received",
        "Verify it anywhere with `python verifier.py object PROOF OBJECT.dcm`.",
        "heliograph audit prove --sop-uid 1.2.840.113619.2.5 proof.json --object object.dcm",
    )  # fmt: skip
    prove.add_argument("--sop-uid", required=True, metavar="UID", help="SOP Instance UID of the object")
    prove.add_argument("file", type=Path, help="where the proof goes")
    prove.add_argument("--object", type=Path, metavar="FILE", help="write the object too, byte for byte as it is kept")
    add_tenant(prove)
    prove.set_defaults(run=_prove)


@contextmanager
def _one_state(services: Services) -> Iterator[Tx]:
    """A transaction that sees the log as it stood at one moment, while it grows."""
    with services.database.transaction() as tx:
        tx.execute("set transaction isolation level repeatable read, read only")
        yield tx


def _export(arguments: argparse.Namespace) -> None:
    with (
        installation(settings_of(arguments), existing=True) as services,
        _one_state(services) as tx,
        arguments.file.open("x", encoding="utf-8") as file,
    ):
        count = export.write(tx, file)
    print(f"{count} lines")


def _verify(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    own = [settings.data / "audit" / "checkpoints", *([Path(settings.audit_witness)] if settings.audit_witness else [])]
    with installation(settings, existing=True) as services, _one_state(services) as tx:
        # The files first: a checkpoint stands in the database before it stands there.
        witnesses = [(str(path), list(witnessed(path))) for path in own]
        witnesses += [(str(path), list(json_lines(path))) for path in arguments.witness]
        report = verify_log(export.lines(tx), pinned=arguments.key, witnesses=witnesses)
    for finding in report.findings:
        print(f"FOUND: {finding}")
    print(f"{len(report.findings)} findings" if report.findings else sentence_of(report))
    print("\n".join(f"key {key}" for key in report.keys))
    return 1 if report.findings else 0


def _prove(arguments: argparse.Namespace) -> None:
    settings = settings_of(arguments)
    with installation(settings, existing=True) as services:
        with services.database.transaction() as tx:
            found, blob = received(tx, acting(tx, arguments), arguments.sop_uid)
        sealer = Sealer(services.database, settings.data, further_witness=settings.audit_witness)
        proof = sealed_proof(services.database, sealer, found)
        arguments.file.write_text(json.dumps(proof, indent=1, ensure_ascii=False), "utf-8")
        if arguments.object is not None:
            arguments.object.write_bytes(services.blobs.read(blob))
    print(f"received at {proof['object']['received_at']}, event {proof['event']['n']} of the log")
