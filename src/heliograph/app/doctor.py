"""What is wrong with an installation, in words that say what to do."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heliograph.app.build import installation, lock
from heliograph.engine import fence, secrets
from heliograph.engine.children import Children
from heliograph.engine.db.embedded import binaries
from heliograph.features import access, archive
from heliograph.features.access import system_actor
from heliograph.kit.errors import HeliographError
from heliograph.kit.settings import Settings
from heliograph.services import Services


@dataclass(frozen=True, slots=True)
class Finding:
    """`severity` is ok, info, warning or critical; `mend` is empty when nothing is to be done."""

    severity: str
    text: str
    mend: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Looks at folder, programs, server, doors, database, and what the archive itself reports."""
    if settings.database == "embedded" and not (settings.data / "database").is_dir():
        return [
            Finding(
                "warning",
                f"there is no installation in {settings.data}",
                "`heliograph serve` makes one; or say where with --data",
            )
        ]
    findings = [*_folder(settings), *_programs(settings)]
    running = _is_running(settings)
    findings += _doors(settings, running=running)
    try:
        with installation(settings, "doctor") as services:
            findings += _inside(services)
    except HeliographError as error:
        findings.append(
            Finding(
                "critical", f"the database cannot be opened: {error.message}", "look into DIR/database/postgres.log"
            )
        )
    return findings


def _folder(settings: Settings) -> Iterator[Finding]:
    settings.data.mkdir(parents=True, exist_ok=True)
    probe = settings.data / ".doctor"
    try:
        probe.write_bytes(b"x")
        probe.unlink()
        yield Finding("ok", "the data folder can be written")
    except OSError as error:
        yield Finding(
            "critical",
            f"the data folder cannot be written ({error.strerror})",
            "give it to the user that runs heliograph",
        )


def _programs(settings: Settings) -> Iterator[Finding]:
    if settings.database == "embedded" and not (binaries() / "postgres").exists():
        yield Finding("critical", "the embedded database's programs are missing", "run `make setup`")
    for lack in fence.missing():
        yield Finding("warning", f"this machine does not offer {lack}", "Linux 5.13 or newer on x86-64 offers all")
    if not fence.missing():
        children = Children(count=1)
        holes = children.do(fence.holes)
        children.close()
        yield Finding(
            "critical" if holes else "ok",
            f"decoders of foreign pixels are not kept from: {holes}"
            if holes
            else "decoders of foreign pixels are fenced in",
            "report this with the version of the kernel" if holes else "",
        )


def _is_running(settings: Settings) -> bool:
    held = lock(settings)
    if held is None:
        return True
    held.close()
    return False


def _doors(settings: Settings, *, running: bool) -> Iterator[Finding]:
    if not running:
        yield Finding("info", "the server is not running", "heliograph serve")
    else:
        state = settings.data / "run" / "state.json"
        processes = json.loads(state.read_text())["processes"] if state.exists() else {}
        for name, ready in processes.items():
            yield Finding(
                "ok" if ready else "critical",
                f"{name} is {'ready' if ready else 'not ready'}",
                "" if ready else "its messages stand in the server's output",
            )
    addresses = {
        "http": settings.http_address, "dicom": settings.dicom_address, "https": settings.https_address,
        "dicom-tls": settings.dicom_tls_address,
    }  # fmt: skip
    for name, address in addresses.items():
        if address is None:
            continue
        host, port = address
        taken = _answers(host, port)
        if running and not taken:
            yield Finding("critical", f"nothing answers on port {port} ({name})", "restart the server")
        if not running and taken:
            yield Finding(
                "warning", f"another program listens on port {port} ({name})", f"choose another port with --{name}"
            )


def _answers(host: str, port: int) -> bool:
    target = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 it is compared, not bound
    try:
        with socket.create_connection((target, port), timeout=1):
            return True
    except OSError:
        return False


def _certificates(services: Services) -> Iterator[Finding]:
    """When each ends; what ends soon is an alarm already."""
    from heliograph.engine.secrets.authority import expires

    settings = services.settings
    files = {"certificate authority": settings.data / secrets.FOLDER / "ca.pem"}
    if secrets.is_wanted(settings):
        own = settings.data / secrets.FOLDER / "server.pem"
        files["certificate of this server"] = Path(settings.tls_certificate) if settings.tls_certificate else own
    for name, file in files.items():
        at = expires(file)
        if at is not None:
            yield Finding("ok", f"the {name} ends on {at:%Y-%m-%d}")
        elif file.exists():
            yield Finding(
                "critical", f"the {name} cannot be read ({file.name})", "docs/howto/tls.md says how it is made"
            )
    with services.database.transaction() as tx:
        known = [one for one in access.certificates(tx, system_actor("doctor")) if not one["revoked_at"] and one["aet"]]
    if known:
        first = known[0]
        yield Finding(
            "ok",
            f"{len(known)} certificates of devices; the first to end is that of {first['aet']}, on {first['not_after']:%Y-%m-%d}",
        )


def _inside(services: Services) -> Iterator[Finding]:
    free = services.blobs.free_bytes()
    bad = free < services.settings.disk_warning_bytes
    yield Finding(
        "warning" if bad else "ok", f"{free / 1e9:.0f} GB of disk are free", "enlarge the disk soon" if bad else ""
    )
    yield from _certificates(services)
    with services.database.transaction() as tx:
        for alarm in archive.open_alarms(tx, system_actor("doctor")):
            yield Finding(alarm["severity"], alarm["message"], alarm["mend"])
        row = tx.execute(
            "select (select count(*) from study), (select coalesce(sum(instance_count), 0) from study), (select count(*) from held where state = 'held'), "
            "(select count(*) from study st where instance_count <> (select count(*) from instance i join series se on se.id = i.series_fk where se.study_fk = st.id)), "
            "(select count(*) from outbox where number is null and at < now() - interval '1 minute')"
        ).fetchone()
    assert row is not None
    yield Finding("ok", f"{row[0]} studies, {row[1]} objects")
    if row[2]:
        yield Finding(
            "info",
            "1 object is held back" if row[2] == 1 else f"{row[2]} objects are held back",
            "compare and decide on the page Quarantine",
        )
    if row[3]:
        yield Finding(
            "critical", f"{row[3]} studies count other than they hold", "report this with the log; nothing is lost"
        )
    if row[4]:
        yield Finding("warning", f"{row[4]} facts wait to be numbered", "the worker is not running")
