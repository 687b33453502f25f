"""Sign-in with the passwords of a directory (LDAP)."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from heliograph.kit.errors import Invalid
from heliograph.kit.settings.setting import setting


@dataclass(frozen=True)
class Directory:
    """Sign-in with the passwords of a directory (LDAP)."""

    ldap_url: str = setting(
        "", "Directory whose people sign in with its passwords: `ldaps://dc1.example.org`.", toml="ldap.url"
    )
    ldap_kind: str = setting("openldap", "How it calls things: `openldap` or `active_directory`.", toml="ldap.kind")
    ldap_base: str = setting("", "Below which entry the people stand: `ou=people,dc=example,dc=org`.", toml="ldap.base")
    ldap_filter: str = setting(
        "", "Which of them may be meant by a `{name}`; empty takes the usual filter of its kind.", toml="ldap.filter"
    )
    ldap_bind_name: str = setting(
        "", "Our own account there, which looks people up and whether they still may come in.", toml="ldap.bind_name"
    )
    ldap_bind_password: str = setting(
        "", "Its password, or `file:PATH` of a file that holds it.", toml="ldap.bind_password"
    )
    ldap_bind_as: str = setting(
        "",
        "How a person is called there when nobody may look it up first: `{name}@example.org` or `uid={name},ou=people,dc=example,dc=org`.",
        toml="ldap.bind_as",
    )
    ldap_start_tls: str = setting(
        "auto",
        "Whether an `ldap://` connection begins TLS: `auto` beyond this machine, or `always`.",
        toml="ldap.start_tls",
    )
    ldap_ca: str = setting(
        "", "File of the authority that its certificate comes from; empty trusts those of the system.", toml="ldap.ca"
    )
    ldap_group_base: str = setting(
        "",
        "Below which entry groups are looked for; empty believes what the person's entry says (`memberOf`).",
        toml="ldap.group_base",
    )
    ldap_nested_groups: str = setting(
        "no",
        "Groups in groups: `no`, `walk` (we ask group by group), or `chain` (Active Directory follows them itself).",
        toml="ldap.nested_groups",
    )
    ldap_roles: str = setting(
        "",
        "Which role a group gives: `radiology=radiologist; cn=admins,ou=groups,dc=example,dc=org=admin`.",
        toml="ldap.roles",
    )
    ldap_sites: str = setting("", "At which site a group lets people work, as with `oidc.sites`.", toml="ldap.sites")
    ldap_new_people: str = setting(
        "refuse", "Who comes for the first time: `refuse`, or `add` when a group gives a role.", toml="ldap.new_people"
    )
    ldap_recheck_minutes: float = setting(
        15.0,
        "How often everybody of the directory who is signed in is looked up there again.",
        toml="ldap.recheck_minutes",
        least=0.01,
    )
    ldap_timeout_s: float = setting(5.0, "The directory must answer within this.", toml="ldap.timeout_s", least=0.1)


def check(settings: Directory) -> None:
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


def is_begun_with_tls(settings: Directory) -> bool:
    """Whether a plain connection to the directory must become one with TLS before anything is said."""
    return settings.ldap_start_tls == "always" or not is_loopback(settings.ldap_url)


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine."""
    return (urlsplit(url).hostname or "") in {"localhost", "127.0.0.1", "::1"}
