"""Signing in with the password of a directory: LDAP (RFC 4511), Active Directory among them.

The directory is the one that the settings name: over TLS unless it is on this machine, its referrals not followed, its answers bounded in
number and time. A password is tried by a bind on a connection of its own; an empty one never is, because a directory takes that for
nobody in particular and answers that all is well (RFC 4513 5.1.2).
"""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_bytes, escape_filter_chars
from ldap3.utils.dn import escape_rdn

from heliograph.features.access.identity.outside import House, Pairs, Statement
from heliograph.kit.errors import Busy, NotSignedIn
from heliograph.kit.ids import new_secret
from heliograph.kit.time import now

Kind = Literal["openldap", "active_directory"]
Nested = Literal["no", "walk", "chain"]
Entry = dict[str, Any]

_IN_CHAIN: Final = "1.2.840.113556.1.4.1941"  # LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3)
_ACCOUNT_DISABLED: Final = 0x2  # userAccountControl (MS-ADTS 2.2.16)
_FILETIME_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER: Final = frozenset({0, 0x7FFFFFFFFFFFFFFF})
_SUCCESS, _INVALID_CREDENTIALS, _SIZE_LIMIT = 0, 49, 4
_MOST_GROUPS: Final = 1000
_MOST_DEPTH: Final = 10
_MOST_PASSWORD: Final = 1024
_AT_ONCE: Final = 6
_calling = threading.BoundedSemaphore(_AT_ONCE)


@dataclass(frozen=True, slots=True)
class _Words:
    """How this kind of directory calls things."""

    name: str
    id: str
    filter: str
    group_filter: str


_WORDS: Final[dict[Kind, _Words]] = {
    "openldap": _Words("uid", "entryUUID", "(&(objectClass=person)(uid={name}))", "(objectClass=groupOfNames)"),
    "active_directory": _Words(
        "sAMAccountName", "objectGUID", "(&(objectCategory=person)(objectClass=user)(sAMAccountName={name}))", "(objectCategory=group)"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """What the site says about the directory. `bind_as` is how a person is called there (`{name}@example.org`, `uid={name},ou=people,...`)
    when no account of ours (`bind_name`) may look people up."""

    url: str
    base: str
    kind: Kind = "openldap"
    bind_name: str = ""
    bind_password: str = ""
    bind_as: str = ""
    filter: str = ""
    group_base: str = ""
    nested_groups: Nested = "no"
    ca: str = ""
    start_tls: bool = False
    roles: Pairs = ()
    sites: Pairs = ()
    adds_people: bool = False
    timeout_s: float = 5.0

    @property
    def house(self) -> House:
        return House("ldap", self.base.lower(), self.roles, self.sites, self.adds_people)


class Directory:
    """One directory; holds no connection open."""

    def __init__(self, settings: LdapSettings) -> None:
        self.settings = settings
        self._words = _WORDS[settings.kind]

    def sign_in(self, name: str, password: str) -> Statement:
        """Who this is, made sure of by its password. Raises NotSignedIn, and Busy when the directory does not answer."""
        name = name.strip()
        if not name or not password or len(password) > _MOST_PASSWORD or "\0" in password or not name.isprintable():
            raise _refused()
        with _answering():
            return self._by_template(name, password) if self.settings.bind_as else self._by_search(name, password)

    @property
    def house(self) -> House:
        return self.settings.house

    @property
    def can_look(self) -> bool:
        """Whether people can be looked up without their password."""
        return bool(self.settings.bind_name) or not self.settings.bind_as

    def holds(self, subject: str, name: str, password: str) -> bool:
        """Whether this is the password of a person who is known already."""
        if not self.can_look:
            try:
                return self.sign_in(name, password).subject == subject
            except NotSignedIn:
                return False
        if not password or len(password) > _MOST_PASSWORD or "\0" in password:
            return False
        with _answering():
            with self._bound(self.settings.bind_name, self.settings.bind_password) as ours:
                found = self._one(ours, self._by_id(subject))
            if found is None or is_disabled(found["attributes"]):
                return False
            with self._connected() as theirs:
                return self._opens(theirs, found["dn"], password)

    def look(self, subjects: list[str]) -> Iterator[tuple[str, Statement | None]]:
        """People who are known already, as the directory has them now; None for who is gone or disabled there."""
        if not subjects:
            return
        with _answering(), self._bound(self.settings.bind_name, self.settings.bind_password) as ours:
            for subject in subjects:
                found = self._one(ours, self._by_id(subject))
                is_gone = found is None or is_disabled(found["attributes"])
                yield subject, None if found is None or is_gone else self._statement(ours, found)

    def _by_search(self, name: str, password: str) -> Statement:
        with self._bound(self.settings.bind_name, self.settings.bind_password) as ours:
            found = self._one(ours, self._filter(name))
            # Who is not there is tried all the same, under a name that nobody has: an answer takes its time for every name.
            dn = found["dn"] if found is not None else f"cn={new_secret(12)},{self.settings.base}"
            with self._connected() as theirs:
                is_right = self._opens(theirs, dn, password)
            if found is None or not is_right or is_disabled(found["attributes"]):
                raise _refused()
            return self._statement(ours, found)

    def _by_template(self, name: str, password: str) -> Statement:
        is_dn = "=" in self.settings.bind_as
        if not is_dn and any(c in '@\\/"[]:;|=,+*?<>' for c in name):
            raise _refused()
        user = self.settings.bind_as.replace("{name}", escape_rdn(name) if is_dn else name)
        with self._connected() as theirs:
            if not self._opens(theirs, user, password):
                raise _refused()
            found = self._one(theirs, self._filter(name))
            if found is None or is_disabled(found["attributes"]):
                raise _refused()
            return self._statement(theirs, found)

    def _filter(self, name: str) -> str:
        return (self.settings.filter or self._words.filter).replace("{name}", escape_filter_chars(name))

    def _by_id(self, subject: str) -> str:
        """Subjects are UUIDs, or names where the directory has none."""
        try:
            value = UUID(subject)
        except ValueError:
            return f"({self._words.name}={escape_filter_chars(subject)})"
        is_guid = self._words.id == "objectGUID"
        return f"({self._words.id}={escape_bytes(value.bytes_le) if is_guid else value})"

    def _one(self, connection: ldap3.Connection, search_filter: str) -> Entry | None:
        """The only entry that fits; None when there is none, or another one too."""
        words = self._words
        wanted = [words.name, words.id, "displayName", "cn", "memberOf", *_STATE]
        found = _entries(
            connection, self.settings.base, search_filter, wanted, limit=2, seconds=self.settings.timeout_s
        )
        return found[0] if len(found) == 1 else None

    def _statement(self, connection: ldap3.Connection, entry: Entry) -> Statement:
        attributes = entry["attributes"]
        name = _first(attributes, self._words.name) or _first(attributes, "cn")
        subject = _identity(attributes, self._words.id) or name
        display = _first(attributes, "displayName") or _first(attributes, "cn") or name
        if not subject:
            raise _refused()
        return Statement(subject, name, display[:100], tuple(self._groups(connection, entry)))

    def _groups(self, connection: ldap3.Connection, entry: Entry) -> list[str]:
        """Distinguished and common names of the groups: what the entry says, what groups say, and groups of groups when the site wants."""
        found: dict[str, str] = {}
        for dn in _all(entry["attributes"], "memberOf"):
            found.setdefault(str(dn).casefold(), str(dn))
        if self.settings.group_base:
            rule = f":{_IN_CHAIN}:" if self.settings.nested_groups == "chain" else ""
            todo, depth = [str(entry["dn"])], 0
            while todo and depth < _MOST_DEPTH and len(found) < _MOST_GROUPS:
                new = [dn for member in todo for dn in self._groups_with(connection, member, rule)]
                todo = [dn for dn in dict.fromkeys(new) if dn.casefold() not in found or depth == 0]
                found.update({dn.casefold(): dn for dn in todo})
                depth += 1
                if self.settings.nested_groups != "walk":
                    break
                if depth == 1:  # those that the entry itself named have parents too
                    todo = list(found.values())
        names = list(found.values())[:_MOST_GROUPS]
        return [*names, *(common for dn in names if (common := _common_name(dn)))]

    def _groups_with(self, connection: ldap3.Connection, member: str, rule: str) -> list[str]:
        search_filter = f"(&{self._words.group_filter}(member{rule}={escape_filter_chars(member)}))"
        base, seconds = self.settings.group_base, self.settings.timeout_s
        found = _entries(connection, base, search_filter, ["1.1"], limit=_MOST_GROUPS, seconds=seconds)
        return [str(entry["dn"]) for entry in found]

    def _opens(self, connection: ldap3.Connection, user: str, password: str) -> bool:
        """Raises Busy for any answer but yes and no."""
        connection.user, connection.password, connection.authentication = user, password, ldap3.SIMPLE
        connection.bind()
        result = connection.result["result"]
        # AD says 49 for disabled, expired and locked accounts too; others say 53 or 19 for them, or 50.
        return bool(result == _SUCCESS)

    @contextlib.contextmanager
    def _bound(self, user: str, password: str) -> Iterator[ldap3.Connection]:
        """As our own account there; anonymous when there is none."""
        with self._connected() as connection:
            if user:
                connection.user, connection.password, connection.authentication = user, password, ldap3.SIMPLE
            if (user and not password) or not connection.bind():
                raise Busy("the directory does not take our own account (ldap.bind_name)", code="directory_down")
            yield connection

    @contextlib.contextmanager
    def _connected(self) -> Iterator[ldap3.Connection]:
        settings = self.settings
        parts = urlsplit(settings.url)
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=settings.ca or None)
        server = ldap3.Server(
            parts.hostname, port=parts.port or (636 if parts.scheme == "ldaps" else 389), use_ssl=parts.scheme == "ldaps", tls=tls,
            get_info=ldap3.NONE, connect_timeout=settings.timeout_s, allowed_referral_hosts=[],
        )  # fmt: skip
        connection = ldap3.Connection(
            server, auto_referrals=False, receive_timeout=max(1, round(settings.timeout_s)), read_only=True, raise_exceptions=False, check_names=False,
            auto_range=False, auto_escape=False,
        )  # fmt: skip
        try:
            connection.open(read_server_info=False)
            if settings.start_tls and not server.ssl and not connection.start_tls(read_server_info=False):
                raise Busy("the directory does not begin TLS", code="directory_down")
            yield connection
        finally:
            with contextlib.suppress(LDAPException, OSError):
                connection.unbind()


def is_disabled(attributes: dict[str, Any]) -> bool:
    """What directories say of people who may not come in any more."""
    control = _first(attributes, "userAccountControl")
    if control.isdigit() and int(control) & _ACCOUNT_DISABLED:
        return True
    if _first(attributes, "nsAccountLock").lower() == "true" or _first(attributes, "loginDisabled").lower() == "true":
        return True
    if _first(attributes, "pwdAccountLockedTime"):
        return True
    ends = _first(attributes, "accountExpires")
    if ends.isdigit() and int(ends) not in _NEVER:
        return _FILETIME_EPOCH + timedelta(microseconds=int(ends) // 10) < now()
    return False


_STATE: Final = ("userAccountControl", "accountExpires", "nsAccountLock", "loginDisabled", "pwdAccountLockedTime")


def _refused() -> NotSignedIn:
    return NotSignedIn("the directory does not know this person, or not by this password", code="sign_in_failed")


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Few at a time: a slow directory must not keep everybody's threads. Whatever it does wrong is Busy."""
    if not _calling.acquire(timeout=5.0):
        raise Busy("the directory is slow; try again", code="directory_down")
    try:
        yield
    except (LDAPException, OSError) as error:
        raise Busy("the directory does not answer", code="directory_down") from error
    finally:
        _calling.release()


def _entries(
    connection: ldap3.Connection, base: str, search_filter: str, wanted: list[str], *, limit: int, seconds: float
) -> list[Entry]:
    """Entries alone: what leads elsewhere (referrals, continuations) is left out."""
    connection.search(
        base, search_filter, ldap3.SUBTREE, attributes=wanted, size_limit=limit, time_limit=max(1, int(seconds)),
        dereference_aliases=ldap3.DEREF_NEVER,
    )  # fmt: skip
    result = connection.result["result"]
    if result not in {_SUCCESS, _SIZE_LIMIT, 10}:  # 10: a referral
        raise Busy(f"the directory answers {result} to a search", code="directory_down")
    found = [entry for entry in connection.response or [] if entry.get("type") == "searchResEntry"]
    return [{"dn": entry["dn"], "attributes": entry.get("raw_attributes", {})} for entry in found[:limit]]


def _all(attributes: dict[str, Any], name: str) -> list[str]:
    values: list[Any] = next((value for key, value in attributes.items() if key.casefold() == name.casefold()), [])
    return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in values[:_MOST_GROUPS]]


def _first(attributes: dict[str, Any], name: str) -> str:
    found = _all(attributes, name)
    return found[0][:256] if found else ""


def _identity(attributes: dict[str, Any], name: str) -> str:
    """The UUID that a person keeps when it is renamed or moved."""
    values: list[Any] = next((value for key, value in attributes.items() if key.casefold() == name.casefold()), [])
    if not values:
        return ""
    raw = values[0]
    if name == "objectGUID" and isinstance(raw, bytes) and len(raw) == 16:
        return str(UUID(bytes_le=raw))
    return raw.decode("ascii", "replace") if isinstance(raw, bytes) else str(raw)


def _common_name(dn: str) -> str:
    """`CN=Radiology,OU=...` -> `Radiology`."""
    try:
        attribute, value, _ = ldap3.utils.dn.parse_dn(dn)[0]
    except (LDAPException, IndexError):
        return ""
    return str(value).replace("\\", "") if str(attribute).casefold() == "cn" else ""
