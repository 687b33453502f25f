"""Signing in at another house by OpenID Connect (Core 1.0), with the code flow and PKCE (RFC 7636).

What the provider says about a person is believed only when it is signed, by a key that the provider publishes, with an algorithm of the
list below, for us, just now, and for the question that this browser asked. Encrypted statements, critical headers and passwords as keys
have no place here and are refused before any of their bytes are used. Keys are fetched at most once a minute, whoever asks for which.
"""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass, replace
from typing import Any, TypeGuard
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from heliograph.engine.db import Tx
from heliograph.features.access.identity.outside import House, Pairs, Statement, come_in, in_tenant
from heliograph.features.access.identity.sessions import Session, SignInRules, end_sessions, note_proof, open_session
from heliograph.features.access.identity.signing_in import Window
from heliograph.features.access.identity.steps import open_step, take_step
from heliograph.features.access.tenants import tenant_at
from heliograph.kit.errors import Busy, HeliographError, Invalid, NotSignedIn, Refused
from heliograph.kit.ids import new_secret
from heliograph.kit.time import monotonic_s, now

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "Ed25519", "EdDSA")
_KEYS_EVERY_S = 60.0
_CONFIGURATION_FOR_S = 3600.0
_MOST_BYTES = 256 * 1024
_MOST_TOKEN = 16 * 1024
_LEEWAY_S = 60
_LOGOUT_FOR_S = 120
_WHOLE_SECONDS = 1.0  # what the rounding of two times can make of none
_LEFT = "http://schemas.openid.net/event/backchannel-logout"
_HEADERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256", "jku", "x5u"})  # the last two are never followed


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """What the site says about the provider; `roles` from group to role, `sites` from group to site."""

    issuer: str
    client_id: str
    client_secret: str = ""
    scopes: str = "openid profile email"
    groups_claim: str = "groups"
    roles: Pairs = ()
    sites: Pairs = ()
    adds_people: bool = False

    @property
    def house(self) -> House:
        return House("oidc", self.issuer, self.roles, self.sites, self.adds_people)


def _refused(why: str) -> NotSignedIn:
    return NotSignedIn(f"the other sign-in was not accepted: {why}", code="oidc_refused")


class Provider:
    """One provider, for the life of a process."""

    def __init__(self, settings: OidcSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        self.settings = settings
        self._http = httpx.Client(timeout=10.0, follow_redirects=False, trust_env=False, transport=transport)
        self._lock = threading.Lock()
        self._configuration: dict[str, Any] = {}
        self._configured_at = -_CONFIGURATION_FOR_S
        self._keys: KeySet | None = None
        self._asked_for_keys_at = -_KEYS_EVERY_S
        # JWE is not in this registry, nor `none`, nor anything with a shared secret.
        self._registry = JWSRegistry(algorithms=list(ALGORITHMS))

    def reach(self) -> None:
        """Asks the provider for its face, outside of any transaction. Raises Busy or Invalid."""
        self._endpoint("authorization_endpoint")

    def begin(self, tx: Tx, window: Window, redirect_uri: str, *, proves: Session | None = None) -> tuple[str, str]:
        """Where to send the browser, and what it keeps so that the answer is known to be for it. `proves`: the provider shall make sure of
        the person of this session anew (Core 3.1.2.1: prompt=login, max_age=0)."""
        verifier, nonce, bound = new_secret(48), new_secret(24), new_secret(24)
        detail: dict[str, Any] = {
            "verifier": verifier, "nonce": nonce, "bound": _sha(bound), "redirect_uri": redirect_uri, "begun_at": now().timestamp(),
            "session": proves.id if proves is not None else "",
        }  # fmt: skip
        state = open_step(tx, "oidc", window.address, detail)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self.settings.client_id, "redirect_uri": redirect_uri, "scope": self.settings.scopes,
            "state": state, "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        } | ({} if proves is None else {"prompt": "login", "max_age": "0"})  # fmt: skip
        address = self._endpoint("authorization_endpoint")
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", bound

    def claim(self, tx: Tx, state: str, bound: str) -> dict[str, Any]:
        """Takes what was begun away, so that it is answered once. Raises NotSignedIn when it was begun in another browser."""
        step = take_step(tx, state, "oidc")
        if _sha(bound) != step.detail["bound"]:
            raise _refused("it was begun in another browser")
        return step.detail

    def finish(self, begun: dict[str, Any], code: str) -> Statement:
        """Spends the answer of the provider, outside of any transaction. Raises NotSignedIn."""
        body = {
            "grant_type": "authorization_code", "code": code[:4096], "redirect_uri": begun["redirect_uri"],
            "client_id": self.settings.client_id, "code_verifier": begun["verifier"],
        }  # fmt: skip
        secret = self.settings.client_secret
        given = self._fetch(
            "POST",
            self._endpoint("token_endpoint"),
            data=body,
            auth=httpx.BasicAuth(self.settings.client_id, secret) if secret else None,
        )
        token = given.get("id_token")
        if not isinstance(token, str):
            raise _refused("it sent no statement")
        return self.statement(token, nonce=begun["nonce"])

    def statement(self, token: str, *, nonce: str) -> Statement:
        """Believes a signed statement (Core 3.1.3.7), or raises NotSignedIn."""
        claims = self._believed(token)
        expires = claims.get("exp")
        if not _is_number(expires) or expires < now().timestamp() - _LEEWAY_S:
            raise _refused("it is not of now")
        if not isinstance(claims.get("nonce"), str) or _sha(claims["nonce"]) != _sha(nonce):
            raise _refused("it answers another question")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise _refused("it names nobody")
        groups = claims.get(self.settings.groups_claim)
        named = [str(group)[:256] for group in groups[:1000]] if isinstance(groups, list) else []
        name = str(claims.get("preferred_username") or claims.get("email") or subject)
        signed_in = claims.get("auth_time")
        age_s = claims["iat"] - signed_in if _is_number(signed_in) else None
        return Statement(subject, name, str(claims.get("name") or name)[:100], tuple(named), age_s)

    def leaver(self, token: str) -> str:
        """Whom the provider says to have left there (OpenID Connect Back-Channel Logout 1.0, 2.6): the subject. Raises NotSignedIn."""
        claims = self._believed(token)
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(_LEFT), dict) or "nonce" in claims:
            raise _refused("it is no word about leaving")
        issued: float = claims["iat"]
        if issued < now().timestamp() - _LEEWAY_S - _LOGOUT_FOR_S:
            raise _refused("it is not of now")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise _refused("it names nobody")
        return subject

    def leave_address(self, back: str) -> str | None:
        """Where a browser signs out at the provider too (RP-Initiated Logout 1.0), when it says so."""
        try:
            address = self._endpoint("end_session_endpoint")
        except HeliographError:
            return None
        asked = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    def _believed(self, token: str) -> dict[str, Any]:
        """Claims that are signed, of this provider, for us, and not of tomorrow."""
        claims = self._verified(token)
        at, mine = now().timestamp(), self.settings.client_id
        audience, issued = claims.get("aud"), claims.get("iat")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self.settings.issuer:
            raise _refused("it is of another issuer")
        if mine not in audiences or (len(audiences) > 1 and claims.get("azp") != mine):
            raise _refused("it is for somebody else")
        if not _is_number(issued):
            raise _refused("it does not say when it is of")
        if issued > at + _LEEWAY_S or (_is_number(claims.get("nbf")) and claims["nbf"] > at + _LEEWAY_S):
            raise _refused("it is not of now")
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        parts = token.split(".")
        if len(token) > _MOST_TOKEN or len(parts) != 3:
            raise _refused("it is no signed statement")
        header = _json_part(parts[0])
        if header.get("alg") not in ALGORITHMS or set(header) - _HEADERS:
            raise _refused("its header is not of the kinds that are accepted")
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise _refused("its header is not of the kinds that are accepted")
        for fresh in (False, True):
            keys = self._keys_for(kid, fresh=fresh)
            if keys is None:
                continue
            try:
                return dict(jwt.decode(token, keys, registry=self._registry).claims)
            except (JoseError, ValueError, TypeError, KeyError):
                raise _refused("its signature is not of a key that the provider publishes") from None
        raise _refused("it is signed by a key that the provider does not publish")

    def _keys_for(self, kid: str | None, *, fresh: bool) -> KeySet | None:
        """The published keys when one fits; `fresh` asks for them again, unless that was done within the minute."""
        with self._lock:
            if fresh or self._keys is None:
                if monotonic_s() - self._asked_for_keys_at < _KEYS_EVERY_S:
                    return None
                self._asked_for_keys_at = monotonic_s()
                self._keys = _public(self._fetch("GET", self._endpoint("jwks_uri")))
            fitting = [key for key in self._keys.keys if kid is None or key.kid == kid]
            return KeySet(fitting) if fitting else None

    def _endpoint(self, name: str) -> str:
        if monotonic_s() - self._configured_at > _CONFIGURATION_FOR_S:
            found = self._fetch("GET", self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self.settings.issuer:
                raise Invalid("the OpenID provider calls itself otherwise than oidc.issuer", code="oidc_issuer")
            self._configuration, self._configured_at = found, monotonic_s()
        address = str(self._configuration.get(name, ""))
        if not _as_safe(address, self.settings.issuer):
            raise Invalid("the OpenID provider names an address without TLS", code="oidc_issuer")
        return address

    def _fetch(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        """A JSON object of bounded length from the provider; its redirects are not followed."""
        try:
            with self._http.stream(method, address, **options) as answer:
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise _refused("it answers too much")
                if answer.status_code != 200:
                    raise _refused(f"it answers {answer.status_code}")
        except httpx.HTTPError as error:
            raise Busy("the other sign-in does not answer", code="oidc_down") from error
        try:
            found = json.loads(body)
        except ValueError:
            raise _refused("it answers no JSON") from None
        if not isinstance(found, dict):
            raise _refused("it answers no JSON object")
        return found


def sign_in_by_oidc(tx: Tx, settings: OidcSettings, said: Statement, window: Window, rules: SignInRules) -> Session:
    """The person behind a statement; one that is not known yet is added when the site wants that and a group gives a role."""
    house = in_tenant(tx, settings.house, tenant_at(tx, window.host))
    return open_session(tx, come_in(tx, house, said), window.address, rules, "oidc", agent=window.agent)


def prove_by_oidc(tx: Tx, settings: OidcSettings, begun: dict[str, Any], said: Statement, session: Session) -> None:
    """The provider made sure once more of the person of the session that asked for it. Raises Refused when it is another person or session,
    or when the provider only remembered a sign-in from before it was asked."""
    row = tx.execute("select outside from app_user where id = %s", (session.actor.id,)).fetchone()
    asked_s = now().timestamp() - begun["begun_at"]
    is_same = row is not None and row[0] == settings.house.account_of(said.subject) and begun["session"] == session.id
    # Both times are of the provider's clock, so it does not matter what ours says.
    is_anew = said.age_s is not None and said.age_s <= asked_s + _WHOLE_SECONDS
    if not is_same or not is_anew:
        raise Refused("that does not show that it is you", code="proof_failed")
    come_in(tx, in_tenant(tx, settings.house, session.actor.tenant_id), said)
    note_proof(tx, session, "oidc")


def sign_out_by_oidc(tx: Tx, settings: OidcSettings, subject: str) -> int:
    """The provider says that the person has left there: what it opened here ends, in every organisation; how many sessions."""
    house = settings.house
    rows = tx.execute(
        "select id, tenant_id from app_user where outside = %s order by id", (house.account_of(subject),)
    ).fetchall()
    return sum(end_sessions(tx, replace(house, tenant_id=tenant_id).actor, user_id) for user_id, tenant_id in rows)


def _public(document: dict[str, Any]) -> KeySet:
    """Signing keys only; one that is secret or malformed is left out."""
    keys = document.get("keys")
    made = []
    for one in keys[:64] if isinstance(keys, list) else []:
        if not isinstance(one, dict) or one.get("kty") not in {"RSA", "EC", "OKP"} or one.get("use", "sig") != "sig":
            continue
        try:
            made += KeySet.import_key_set({"keys": [one]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return KeySet(made)


def _json_part(part: str) -> dict[str, Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise _refused("it is no signed statement") from None
    if not isinstance(found, dict):
        raise _refused("it is no signed statement")
    return found


def _as_safe(address: str, issuer: str) -> bool:
    """TLS, or as little of it as the issuer itself has, which settings allow on loopback alone."""
    host = urlsplit(address).hostname
    return address.startswith("https://") or (
        issuer.startswith("http://") and address.startswith("http://") and host == urlsplit(issuer).hostname
    )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
