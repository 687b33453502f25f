"""Which certificates this installation uses: its own, made here or given by settings, and whom it trusts."""

import ssl
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from heliograph.engine.secrets.names import server_names
from heliograph.engine.secrets.tls import Clients, Pair, Profile, Renewed, client_context, server_context
from heliograph.kit.settings import Settings
from heliograph.kit.time import now

FOLDER = "keys"
_ROOT, _SERVER, _SERVER_PEM, _DEVICES = "ca.pem", "server.key", "server.pem", "devices.pem"


def is_wanted(settings: Settings) -> bool:
    """Whether a door of this installation speaks TLS."""
    return bool(settings.https or settings.dicom_tls)


def ensure(settings: Settings) -> bool:
    """Makes what is missing and renews what is due, unless certificates are given; True when our certificate is new."""
    if settings.tls_certificate:
        return False
    from heliograph.engine.secrets.authority import Authority

    addresses = [settings.https_address, settings.dicom_tls_address]
    hosts = [address[0] for address in addresses if address is not None]
    public = urlsplit(settings.public_url).hostname or ""
    extra = [name.strip() for name in settings.tls_names.split(",")]
    return Authority.open(settings.data, settings.site_name).ensure_server(server_names(public, *extra, *hosts))


def own_pair(settings: Settings) -> Pair:
    if settings.tls_certificate:
        return Pair(Path(settings.tls_certificate), Path(settings.tls_key) if settings.tls_key else None)
    return Pair(settings.data / FOLDER / _SERVER)


def trusted(settings: Settings) -> list[Path]:
    """Our own authority, that of the site, and the single certificates of registered devices."""
    files = [settings.data / FOLDER / name for name in (_ROOT, _DEVICES)]
    files += [Path(settings.tls_trust)] if settings.tls_trust else []
    return [file for file in files if file.exists() and file.stat().st_size]


def devices_file(settings: Settings) -> Path:
    """Where the certificates of devices lie that another authority, or none, has issued."""
    return settings.data / FOLDER / _DEVICES


def door(settings: Settings, *, clients: Clients = "none") -> Renewed:
    """The server's side; `ensure` has been called."""

    def make() -> ssl.SSLContext:
        return server_context(
            own_pair(settings), profile=_profile(settings), clients=clients, trusted=trusted(settings)
        )

    return Renewed(make, _files(settings))


def caller(settings: Settings, *, is_pinned: bool = False) -> Renewed:
    """The client's side, for our calls to other nodes; makes our certificate at first need."""

    def make() -> ssl.SSLContext:
        if not own_pair(settings).certificate.exists():
            ensure(settings)
        return client_context(
            own_pair(settings), profile=_profile(settings), trusted=trusted(settings), is_pinned=is_pinned
        )

    return Renewed(make, _files(settings))


def own_ends(settings: Settings) -> list[tuple[str, datetime]]:
    """When our own certificates end: `ca` and `server`, those that are there."""
    from heliograph.engine.secrets.authority import expires

    own = settings.data / FOLDER / _SERVER_PEM
    files = {
        "ca": settings.data / FOLDER / _ROOT,
        "server": Path(settings.tls_certificate) if settings.tls_certificate else own,
    }
    found = ((name, expires(file) if file.exists() else None) for name, file in files.items())
    return [(name, at) for name, at in found if at is not None]


def ending(settings: Settings, within_days: int) -> list[tuple[str, int]]:
    """Of our own certificates, `server` and `ca`, those that end soon, with the whole days that are left; the built-in server's renews itself."""
    left = [(name, (at - now()).days) for name, at in own_ends(settings)]
    return [(name, days) for name, days in left if days < within_days]


def _files(settings: Settings) -> list[Path]:
    own = own_pair(settings)
    files = [own.certificate, *([own.key] if own.key else [])]
    files += [settings.data / FOLDER / name for name in (_ROOT, _DEVICES)]
    return files + ([Path(settings.tls_trust)] if settings.tls_trust else [])


def _profile(settings: Settings) -> Profile:
    return "modified" if settings.tls_profile == "modified" else "bcp195"
