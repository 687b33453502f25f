"""The settings of one installation: one frozen object, built from flags, environment, `heliograph.toml` and defaults.

Precedence: flag, environment (`HELIOGRAPH_` + name), DIR/heliograph.toml, default. `docs/reference/settings.md` is generated from FIELDS.
"""

import dataclasses
import ipaddress
import math
import os
import tomllib
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from heliograph.kit.errors import Invalid

_MOST_BY_DEFAULT = 2
_DICOM_TLS_PORT = 2762  # dicom-tls (IANA)


def _setting(default: Any, doc: str, *, toml: str = "", flag: bool = False, least: float = 0) -> Any:
    """`least` bounds a number from below."""
    return field(default=default, metadata={"doc": doc, "toml": toml, "flag": flag, "least": least})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every knob; sizes in bytes, times in seconds, addresses as host:port."""

    data: Path = _setting(
        Path("heliograph-data"), "Folder of everything that must not be lost.", toml="data", flag=True
    )
    http: str = _setting("127.0.0.1:8080", "Where the browser and DICOMweb door listens.", toml="http", flag=True)
    dicom: str = _setting("0.0.0.0:11112", "Where the DICOM door listens.", toml="dicom", flag=True)
    https: str = _setting(
        "",
        "Where the same door listens with TLS, for example 0.0.0.0:8443; closed when empty.",
        toml="https",
        flag=True,
    )
    dicom_tls: str = _setting(
        "",
        "Where the DICOM door listens with TLS, for example 0.0.0.0:2762; closed when empty, port 2762 when only a host is given.",
        toml="dicom_tls",
        flag=True,
    )
    aet: str = _setting("HELIOGRAPH", "Our application entity title, 1 to 16 characters.", toml="aet", flag=True)
    database: str = _setting(
        "embedded", "`embedded`, or the URL of a PostgreSQL 15 or newer.", toml="database", flag=True
    )
    blobs: str = _setting("file", "`file`, or `s3://bucket/prefix`.", toml="blobs", flag=True)
    config: Path | None = _setting(None, "Settings file; DIR/heliograph.toml when not given.", flag=True)

    site_name: str = _setting("Heliograph", "Name of the hospital or practice, shown on every page.", toml="site.name")
    site_timezone: str = _setting(
        "",
        "Time zone of the site (`Europe/Vienna`); empty takes that of each browser, and the machine's on the console.",
        toml="site.timezone",
    )
    default_issuer: str = _setting(
        "", "Issuer of patient identifiers of sources that name none.", toml="site.default_issuer"
    )

    dimse_unknown_peers: str = _setting(
        "",
        "What an unregistered caller may do: `store` (echo and store), `echo` or `refuse`. When not set: `store` from this machine, "
        "`refuse` from everywhere else.",
        toml="dimse.unknown_peers",
    )
    dimse_unknown_networks: str = _setting(
        "private",
        "From where an unregistered caller may call when `dimse.unknown_peers` lets it: `private` (and loopback) or `any`.",
        toml="dimse.unknown_networks",
    )
    dimse_plaintext: str = _setting(
        "pinned",
        "Which registered devices may call without TLS from another machine: `pinned` (those held to their address) or `private` "
        "(all, from private networks).",
        toml="dimse.plaintext",
    )
    dimse_processes: int = _setting(
        0, "Processes that share the DICOM port; 0 takes one for each core, at most 2.", toml="dimse.processes"
    )
    dimse_max_associations: int = _setting(200, "Open associations.", toml="dimse.max_associations", least=1)
    dimse_max_per_peer: int = _setting(64, "Open associations of one address.", toml="dimse.max_per_peer", least=1)
    dimse_new_per_minute: int = _setting(
        6000, "New associations of one address in a minute; 0 is without a limit.", toml="dimse.new_per_minute"
    )
    dimse_hourly_instances: int = _setting(
        200_000,
        "Objects that one device may take by C-MOVE and C-GET within an hour; 0 is without a limit. A device may have its own.",
        toml="dimse.hourly_instances",
    )
    dimse_hourly_bytes: int = _setting(
        200 << 30,
        "Bytes that one device may take by C-MOVE and C-GET within an hour; 0 is without a limit. A device may have its own.",
        toml="dimse.hourly_bytes",
    )
    dimse_idle_s: float = _setting(
        120.0, "An association without traffic is aborted after this.", toml="dimse.idle_s", least=1
    )
    dimse_pdu_s: float = _setting(60.0, "A PDU that has begun must be whole within this.", toml="dimse.pdu_s", least=1)
    dimse_max_pdu_bytes: int = _setting(
        262144, "Largest P-DATA PDU that we accept.", toml="dimse.max_pdu_bytes", least=4096
    )

    tls_profile: str = _setting(
        "bcp195",
        "Rules of TLS: `bcp195` (PS3.15 B.12) or `modified` (PS3.15 B.13: also CCM, and DHE of 3072 bits).",
        toml="tls.profile",
    )
    tls_client_certificates: str = _setting(
        "",
        "Whether a DICOM caller must show a certificate: `required` or `optional`. When not set: `required`, `optional` when the door "
        "listens on loopback alone.",
        toml="tls.client_certificates",
    )
    tls_certificate: str = _setting(
        "",
        "Certificate (PEM, with its chain) for our TLS doors, instead of one of the built-in authority.",
        toml="tls.certificate",
    )
    tls_key: str = _setting("", "Its key (PEM), when it is not in the same file.", toml="tls.key")
    tls_trust: str = _setting(
        "",
        "Authorities (PEM) whose certificates devices and nodes may show, beside the built-in one.",
        toml="tls.trust",
    )
    tls_names: str = _setting(
        "", "More names and addresses for our certificate, with commas between.", toml="tls.names"
    )
    tls_handshake_s: float = _setting(
        10.0, "A TLS handshake must be done within this.", toml="tls.handshake_s", least=0.1
    )

    series_quiet_s: float = _setting(
        10.0, "A series settles after this long without a new object.", toml="archive.series_quiet_s"
    )
    study_quiet_s: float = _setting(
        30.0, "A study settles after this long without a new object.", toml="archive.study_quiet_s"
    )
    reserve_bytes: int = _setting(
        1 << 30, "Free disk space below which nothing more is accepted.", toml="archive.reserve_bytes"
    )
    max_object_bytes: int = _setting(
        16 << 30, "Largest object that is accepted.", toml="archive.max_object_bytes", least=1
    )
    verify_period_days: float = _setting(
        30.0,
        "Every stored object is read and compared once in this many days; 0 turns it off.",
        toml="archive.verify_period_days",
    )
    verify_bytes_per_s: int = _setting(
        20 << 20, "Reading speed of that check.", toml="archive.verify_bytes_per_s", least=1
    )

    change_days: float = _setting(
        90.0,
        "A fact stays in the change feed for this many days; 0 keeps all.",
        toml="archive.change_days",
    )

    glass_hours: float = _setting(
        24.0, "Emergency access to a withheld patient ends after this.", toml="access.glass_hours", least=0.01
    )
    session_hours: float = _setting(12.0, "A browser session ends after this.", toml="web.session_hours", least=0.01)
    second_factor: str = _setting(
        "optional",
        "Whether everybody needs a second factor: `optional` or `required` (a passkey counts as both).",
        toml="access.second_factor",
    )
    step_up_minutes: float = _setting(
        10.0,
        "How long a proof of who it is opens acts that want a fresh one (export, deletion, policies, tokens).",
        toml="access.step_up_minutes",
    )
    idle_lock_minutes: float = _setting(
        15.0, "The screen is locked after so long without a movement; 0 never.", toml="access.idle_lock_minutes"
    )
    lock_tries: int = _setting(
        8,
        "Failed sign-ins of one account within `access.lock_minutes` that close it.",
        toml="access.lock_tries",
        least=1,
    )
    lock_address_tries: int = _setting(
        100,
        "Failed sign-ins from one address within `access.lock_minutes` that close it.",
        toml="access.lock_address_tries",
        least=1,
    )
    lock_minutes: float = _setting(
        5.0, "The window in which failed sign-ins are counted.", toml="access.lock_minutes", least=0.01
    )
    token_days: float = _setting(
        365.0, "A token ends after so many days when nobody says another.", toml="access.token_days", least=0.01
    )
    token_most_days: float = _setting(
        730.0, "The longest that a token may live.", toml="access.token_most_days", least=0.01
    )
    oidc_issuer: str = _setting(
        "",
        "Address of an OpenID Connect provider whose people may sign in (`https://sso.example.org/realms/x`).",
        toml="oidc.issuer",
    )
    oidc_name: str = _setting(
        "", "What the button of that sign-in says; the provider's host when empty.", toml="oidc.name"
    )
    oidc_client_id: str = _setting("", "Our name at that provider.", toml="oidc.client_id")
    oidc_client_secret: str = _setting(
        "", "Our secret at that provider, or `file:PATH` of a file that holds it.", toml="oidc.client_secret"
    )
    oidc_scopes: str = _setting("openid profile email", "What we ask of it.", toml="oidc.scopes")
    oidc_groups_claim: str = _setting(
        "groups", "Where its statement names the person's groups.", toml="oidc.groups_claim"
    )
    oidc_roles: str = _setting(
        "", "Which role a group gives: `radiology=radiologist, pacs-admins=admin`.", toml="oidc.roles"
    )
    oidc_sites: str = _setting(
        "",
        "At which site (by its name; `*` for all) a group lets people work: `graz=Graz, all-houses=*`. When empty, an administrator says it.",
        toml="oidc.sites",
    )
    oidc_new_people: str = _setting(
        "refuse", "Who comes for the first time: `refuse`, or `add` when a group gives a role.", toml="oidc.new_people"
    )
    ldap_url: str = _setting(
        "", "Directory whose people sign in with its passwords: `ldaps://dc1.example.org`.", toml="ldap.url"
    )
    ldap_kind: str = _setting("openldap", "How it calls things: `openldap` or `active_directory`.", toml="ldap.kind")
    ldap_base: str = _setting(
        "", "Below which entry the people stand: `ou=people,dc=example,dc=org`.", toml="ldap.base"
    )
    ldap_filter: str = _setting(
        "", "Which of them may be meant by a `{name}`; empty takes the usual filter of its kind.", toml="ldap.filter"
    )
    ldap_bind_name: str = _setting(
        "", "Our own account there, which looks people up and whether they still may come in.", toml="ldap.bind_name"
    )
    ldap_bind_password: str = _setting(
        "", "Its password, or `file:PATH` of a file that holds it.", toml="ldap.bind_password"
    )
    ldap_bind_as: str = _setting(
        "",
        "How a person is called there when nobody may look it up first: `{name}@example.org` or `uid={name},ou=people,dc=example,dc=org`.",
        toml="ldap.bind_as",
    )
    ldap_start_tls: str = _setting(
        "auto",
        "Whether an `ldap://` connection begins TLS: `auto` beyond this machine, or `always`.",
        toml="ldap.start_tls",
    )
    ldap_ca: str = _setting(
        "", "File of the authority that its certificate comes from; empty trusts those of the system.", toml="ldap.ca"
    )
    ldap_group_base: str = _setting(
        "",
        "Below which entry groups are looked for; empty believes what the person's entry says (`memberOf`).",
        toml="ldap.group_base",
    )
    ldap_nested_groups: str = _setting(
        "no",
        "Groups in groups: `no`, `walk` (we ask group by group), or `chain` (Active Directory follows them itself).",
        toml="ldap.nested_groups",
    )
    ldap_roles: str = _setting(
        "",
        "Which role a group gives: `radiology=radiologist; cn=admins,ou=groups,dc=example,dc=org=admin`.",
        toml="ldap.roles",
    )
    ldap_sites: str = _setting("", "At which site a group lets people work, as with `oidc.sites`.", toml="ldap.sites")
    ldap_new_people: str = _setting(
        "refuse", "Who comes for the first time: `refuse`, or `add` when a group gives a role.", toml="ldap.new_people"
    )
    ldap_recheck_minutes: float = _setting(
        15.0,
        "How often everybody of the directory who is signed in is looked up there again.",
        toml="ldap.recheck_minutes",
        least=0.01,
    )
    ldap_timeout_s: float = _setting(5.0, "The directory must answer within this.", toml="ldap.timeout_s", least=0.1)
    requests_per_minute: int = _setting(
        6000,
        "Requests to the API of one person, program or address in a minute; 0 is without a limit. Images are not counted.",
        toml="web.requests_per_minute",
    )
    max_upload_bytes: int = _setting(
        8 << 30, "Largest upload through the browser or STOW-RS.", toml="web.max_upload_bytes", least=1
    )
    trusted_proxy: str = _setting(
        "", "Address of a reverse proxy whose X-Forwarded headers count.", toml="web.trusted_proxy"
    )
    public_url: str = _setting("", "Address under which browsers reach us, when not http.", toml="web.public_url")

    audit_witness: str = _setting(
        "", "A further file that gets every checkpoint of the audit log, best on another machine.", toml="audit.witness"
    )
    audit_syslog: str = _setting(
        "", "host:port of an audit record repository that takes syslog over TLS (ITI-20).", toml="audit.syslog"
    )
    audit_syslog_ca: str = _setting(
        "",
        "File of the authority that its certificate comes from; empty trusts those of the system.",
        toml="audit.syslog_ca",
    )
    audit_syslog_certificate: str = _setting(
        "", "File of our certificate for it (PEM), when it asks for one.", toml="audit.syslog_certificate"
    )
    audit_syslog_key: str = _setting(
        "", "File of the key to it, when it is not in the same file.", toml="audit.syslog_key"
    )

    job_slots: int = _setting(2, "Long jobs that run at the same time.", toml="jobs.slots", least=1)

    alarm_webhook: str = _setting("", "URL that gets every new alarm as JSON.", toml="alarms.webhook")
    alarm_email: str = _setting("", "Address that gets every new alarm.", toml="alarms.email")
    alarm_smtp: str = _setting("", "host:port of the mail server for alarms.", toml="alarms.smtp")
    egress_networks: str = _setting(
        "",
        "Networks that addresses given by people (webhooks, sign-in services) may lead to besides public and private ones, "
        "as `127.0.0.0/8`; never followed elsewhere.",
        toml="egress.networks",
    )
    disk_warning_bytes: int = _setting(
        10 << 30, "Free disk space that raises an alarm.", toml="alarms.disk_warning_bytes"
    )

    sources: Mapping[str, str] = field(default_factory=dict, metadata={"doc": "", "toml": "", "flag": False})

    @property
    def receiving_processes(self) -> int:
        return self.dimse_processes or min(_MOST_BY_DEFAULT, os.cpu_count() or 1)

    @property
    def http_address(self) -> tuple[str, int]:
        return split_address(self.http, "http")

    @property
    def https_address(self) -> tuple[str, int] | None:
        return split_address(self.https, "https") if self.https else None

    @property
    def dicom_tls_address(self) -> tuple[str, int] | None:
        if not self.dicom_tls:
            return None
        _, colon, port = self.dicom_tls.rpartition(":")
        has_port = bool(colon) and (port.isdigit() or not port) and not self.dicom_tls.endswith("]")
        return split_address(self.dicom_tls if has_port else f"{self.dicom_tls}:{_DICOM_TLS_PORT}", "dicom_tls")

    @property
    def dicom_address(self) -> tuple[str, int]:
        return split_address(self.dicom, "dicom")


FIELDS = tuple(f for f in dataclasses.fields(Settings) if f.metadata["doc"])


def split_address(text: str, name: str) -> tuple[str, int]:
    """`host:port` as a pair; raises Invalid that names the setting."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 <= int(port) < 65536:
        raise Invalid(f"{name} must be host:port, for example 127.0.0.1:8080", code="bad_setting")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 an empty host means every interface


def env_name(field_name: str) -> str:
    return "HELIOGRAPH_" + field_name.upper()


def load(flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from all four places; raises Invalid that names the wrong setting and where it stands."""
    environ = os.environ if environ is None else environ
    flags = {k: v for k, v in (flags or {}).items() if v is not None}
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for f in FIELDS:
        if f.name in flags:
            values[f.name], sources[f.name] = flags[f.name], "flag"
        elif environ.get(env_name(f.name), "") != "":
            values[f.name], sources[f.name] = environ[env_name(f.name)], "environment"
    data = Path(values.get("data", Settings.__dataclass_fields__["data"].default)).expanduser()
    path = Path(values["config"]) if values.get("config") else data / "heliograph.toml"
    for name, value in _from_toml(path, required=bool(values.get("config"))).items():
        if name not in values:
            values[name], sources[name] = value, "file"
    made = {name: _convert(name, value, sources[name]) for name, value in values.items()}
    made["data"] = data.absolute()
    settings = Settings(**made, sources={f.name: sources.get(f.name, "default") for f in FIELDS})
    _check(settings)
    return settings


def _from_toml(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.is_file():
        if required:
            raise Invalid(f"the settings file {path} does not exist", code="bad_setting")
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is not valid TOML: {error}", code="bad_setting") from error
    known = {f.metadata["toml"]: f.name for f in FIELDS if f.metadata["toml"]}
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": v for inner, v in value.items()}
        else:
            flat[key] = value
    unknown = sorted(set(flat) - set(known))
    if unknown:
        raise Invalid(
            f"{path.name}: unknown setting {unknown[0]}; docs/reference/settings.md lists all", code="bad_setting"
        )
    return {known[key]: value for key, value in flat.items()}


def _convert(name: str, value: Any, source: str) -> Any:
    kind = Settings.__dataclass_fields__[name].type
    try:
        if isinstance(value, (bool, dict, list)):
            raise TypeError
        if kind is int:
            return int(value)
        if kind is float:
            return float(value)
        if kind is str:
            return str(value)
        return Path(value)
    except (TypeError, ValueError) as error:
        wanted = "a whole number" if kind is int else "a number" if kind is float else "a text"
        raise Invalid(f"{_called(name, source)} must be {wanted}", code="bad_setting") from error


def _called(name: str, source: str) -> str:
    """What the person who set it calls it: the key of the file, the variable, or the flag."""
    if source == "environment":
        return env_name(name)
    if source == "flag":
        return f"--{name}"
    return f"{Settings.__dataclass_fields__[name].metadata['toml']} (file)"


def _check(settings: Settings) -> None:
    settings.http_address, settings.dicom_address  # noqa: B018 reading them checks them
    settings.https_address, settings.dicom_tls_address  # noqa: B018
    if not 1 <= len(settings.aet.strip()) <= 16 or not settings.aet.isascii() or "\\" in settings.aet:
        raise Invalid("aet must be 1 to 16 ASCII characters without a backslash (PS3.5 6.2)", code="bad_setting")
    if settings.database != "embedded" and not settings.database.startswith(("postgresql://", "postgres://")):
        raise Invalid("database must be `embedded` or postgresql://USER@HOST/NAME", code="bad_setting")
    if settings.blobs != "file" and not settings.blobs.startswith("s3://"):
        raise Invalid("blobs must be `file` or s3://bucket/prefix", code="bad_setting")
    for f in FIELDS:
        value, least = getattr(settings, f.name), f.metadata["least"]
        if isinstance(value, (int, float)) and not (math.isfinite(value) and value >= least):
            called = f.metadata["toml"] or f.name
            raise Invalid(f"{called} must be a number of {least} or more", code="bad_setting")
    if not 0 <= settings.dimse_processes <= 16:
        raise Invalid("dimse.processes must be 0 to 16", code="bad_setting")
    _check_callers(settings)
    _check_web(settings)
    _check_access(settings)


def _check_callers(settings: Settings) -> None:
    if settings.dimse_unknown_peers not in {"", "store", "echo", "refuse"}:
        raise Invalid("dimse.unknown_peers must be store, echo or refuse", code="bad_setting")
    if settings.dimse_unknown_networks not in {"private", "any"}:
        raise Invalid("dimse.unknown_networks must be private or any", code="bad_setting")
    if settings.dimse_plaintext not in {"pinned", "private"}:
        raise Invalid("dimse.plaintext must be pinned or private", code="bad_setting")
    if settings.tls_profile not in {"bcp195", "modified"}:
        raise Invalid("tls.profile must be bcp195 or modified", code="bad_setting")
    if settings.tls_client_certificates not in {"", "required", "optional"}:
        raise Invalid("tls.client_certificates must be required or optional", code="bad_setting")


def _check_access(settings: Settings) -> None:
    if settings.second_factor not in {"optional", "required"}:
        raise Invalid("access.second_factor must be optional or required", code="bad_setting")
    if settings.oidc_new_people not in {"refuse", "add"}:
        raise Invalid("oidc.new_people must be refuse or add", code="bad_setting")
    _check_directory(settings)
    issuer = settings.oidc_issuer
    if issuer and not issuer.startswith("https://") and not _is_loopback(issuer):
        raise Invalid("oidc.issuer must begin with https://", code="bad_setting")


def _check_directory(settings: Settings) -> None:
    words = {
        "ldap.kind": (settings.ldap_kind, {"openldap", "active_directory"}),
        "ldap.start_tls": (settings.ldap_start_tls, {"auto", "always"}),
        "ldap.nested_groups": (settings.ldap_nested_groups, {"no", "walk", "chain"}),
        "ldap.new_people": (settings.ldap_new_people, {"refuse", "add"}),
    }
    for key, (word, allowed) in words.items():
        if word not in allowed:
            raise Invalid(f"{key} must be one of: {', '.join(sorted(allowed))}", code="bad_setting")
    if not settings.ldap_url:
        return
    parts = urlsplit(settings.ldap_url)
    if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or "@" in parts.netloc:
        raise Invalid("ldap.url must be an ldaps:// or ldap:// address", code="bad_setting")
    if not settings.ldap_base:
        raise Invalid("ldap.base must say below which entry the people stand", code="bad_setting")
    if settings.ldap_bind_as and "{name}" not in settings.ldap_bind_as:
        raise Invalid("ldap.bind_as must hold {name}", code="bad_setting")
    if settings.ldap_filter and "{name}" not in settings.ldap_filter:
        raise Invalid("ldap.filter must hold {name}", code="bad_setting")


def secret_of(value: str) -> str:
    """A secret setting: itself, or the first line of the file that it names. Raises Invalid when the file cannot be read."""
    if not value.startswith("file:"):
        return value
    try:
        return Path(value.removeprefix("file:")).read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError):
        raise Invalid("the file of a secret setting cannot be read", code="bad_setting") from None


def is_begun_with_tls(settings: Settings) -> bool:
    """Whether a plain connection to the directory must become one with TLS before anything is said."""
    return settings.ldap_start_tls == "always" or not _is_loopback(settings.ldap_url)


def _is_loopback(url: str) -> bool:
    return (urlsplit(url).hostname or "") in {"localhost", "127.0.0.1", "::1"}


def _check_web(settings: Settings) -> None:
    if settings.site_timezone and not _is_zone(settings.site_timezone):
        raise Invalid("site.timezone must be the name of a time zone, for example Europe/Vienna", code="bad_setting")
    try:
        if settings.trusted_proxy:
            ipaddress.ip_address(settings.trusted_proxy)
    except ValueError:
        raise Invalid("web.trusted_proxy must be an IP address", code="bad_setting") from None
    for key, url in (("web.public_url", settings.public_url), ("alarms.webhook", settings.alarm_webhook)):
        if url and not url.startswith(("http://", "https://")):
            raise Invalid(f"{key} must be an http:// or https:// address", code="bad_setting")
    if settings.audit_syslog:
        split_address(settings.audit_syslog, "audit.syslog")
    if settings.alarm_smtp:
        split_address(settings.alarm_smtp, "alarms.smtp")


def _is_zone(name: str) -> bool:
    """Whether the machine knows the zone; one that knows no zones at all believes what it is told."""
    for one in (name, "Europe/Vienna"):
        try:
            zoneinfo.ZoneInfo(one)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            continue
        return one == name
    return True
