"""A small OpenID provider on loopback: Authlib's authorization server (code flow, PKCE, OpenID Connect Core) behind the standard library's
HTTP; a test decides who the person is and may twist what is signed."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "heliograph", "the secret of the client"
ORGANISATION = "clinic.test"  # a host name of the client besides loopback
BACK = "/api/session/oidc/callback"
LEFT = "http://schemas.openid.net/event/backchannel-logout"


def b64(data: bytes | str) -> str:
    raw = data if isinstance(data, bytes) else data.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class _Client(ClientMixin):
    """The one client that is registered: confidential, by HTTP Basic, for codes alone."""

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(sorted({"openid", "profile", "email"} & set(scope.split())))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return (
            urlsplit(redirect_uri).hostname in {"127.0.0.1", "localhost", ORGANISATION}
            and urlsplit(redirect_uri).path == BACK
        )

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, SECRET)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class _Code(AuthorizationCodeMixin):
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    auth_time: int

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class _Request(OAuth2Request):
    def __init__(
        self, method: str, uri: str, headers: dict[str, str], form: dict[str, str], query: dict[str, str]
    ) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = BasicOAuth2Payload({**query, **form})
        self._form, self._query = form, query

    @property
    def form(self) -> dict[str, str]:
        return self._form

    @property
    def args(self) -> dict[str, str]:
        return self._query


class _Server(AuthorizationServer):
    def query_client(self, client_id: str) -> _Client | None:
        return _Client() if client_id == CLIENT else None

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        """Nobody asks for it again."""

    def create_oauth2_request(self, request: _Request) -> _Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any, list[tuple[str, str]]]:
        return status, body, list(headers)

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        return


class Provider:
    """`statement` makes the signed statement of the next sign-in from the claims that Authlib made; by default an honest one."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.person: dict[str, Any] = {"sub": "42", "preferred_username": "other-house", "groups": ["readers"]}
        self.statement: Callable[[dict[str, Any]], str] = self.honest
        self.fetched_keys = 0
        self.refused: list[str] = []
        self._codes: dict[str, _Code] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._authlib = self._made()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def honest(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def rotate(self, kid: str) -> None:
        """Another key in place of the one before."""
        self.key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})

    def logout_token(self, **more: Any) -> str:
        """Back-channel logout 1.0, 2.4; None as a value leaves a claim out."""
        at = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 120, "jti": secrets.token_hex(8), "sub": self.person["sub"], "events": {LEFT: {}}}  # fmt: skip
        claims = {key: value for key, value in {**claims, **more}.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, "typ": "logout+jwt"}, claims, self.key)

    def _made(self) -> _Server:
        owner = self

        class Grant(AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

            def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
                sent = request.payload.data
                owner._codes[code] = _Code(
                    sent["redirect_uri"], sent["scope"], sent["nonce"], sent["code_challenge"], sent["code_challenge_method"], int(time.time())
                )  # fmt: skip

            def query_authorization_code(self, code: str, client: _Client) -> _Code | None:
                return owner._codes.get(code)

            def delete_authorization_code(self, authorization_code: _Code) -> None:
                owner._codes = {code: kept for code, kept in owner._codes.items() if kept is not authorization_code}

            def authenticate_user(self, authorization_code: _Code) -> dict[str, Any]:
                return owner.person

        class Statements(OpenIDCode):
            def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
                return any(code.nonce == nonce for code in owner._codes.values())

            def resolve_client_private_key(self, client: _Client) -> RSAKey:
                return owner.key

            def get_encode_header(self, client: _Client) -> dict[str, str]:
                return {"alg": "RS256", "kid": owner.key.kid or ""}

            def get_client_claims(self, client: _Client) -> dict[str, Any]:
                return {"iss": owner.issuer, "aud": CLIENT, "exp": int(time.time()) + 300}

            def generate_user_info(self, user: dict[str, Any], scope: str) -> dict[str, Any]:
                return dict(user)

            def encode_id_token(self, token: dict[str, Any], request: OAuth2Request) -> str:
                signed: str = super().encode_id_token(token, request)
                if owner.statement == owner.honest:
                    return signed
                return owner.statement(dict(jwt.decode(signed, owner.key).claims))

        class S256Only(CodeChallenge):
            SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

        server = _Server(scopes_supported=["openid", "profile", "email"])
        server.register_token_generator("default", BearerTokenGenerator(lambda **_: secrets.token_urlsafe(32)))
        server.register_grant(Grant, [Statements(require_nonce=True), S256Only(required=True)])
        return server

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                return

            def do_GET(self) -> None:
                owner.answer(self)

            do_POST = do_GET  # noqa: N815 the name is the library's

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        where = urlsplit(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length", 0))).decode()
        form, query = ({k: v[0] for k, v in parse_qs(text).items()} for text in (body, where.query))
        # Authlib takes nothing without TLS; here TLS would only cost time.
        asked = _Request(
            request.command, "https" + self.issuer.removeprefix("http") + request.path, dict(request.headers), form, query
        )  # fmt: skip
        status, content, headers = self._asked(where.path, asked)
        if status >= 400:
            self.refused.append(str(content))
        raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def _asked(self, path: str, asked: _Request) -> tuple[int, Any, list[tuple[str, str]]]:
        as_json = [("Content-Type", "application/json")]
        if path == "/.well-known/openid-configuration":
            return 200, self._face(), as_json
        if path == "/keys":
            self.fetched_keys += 1
            return 200, KeySet([self.key]).as_dict(private=False), as_json
        if path == "/authorize":
            try:
                grant = self._authlib.get_consent_grant(asked, end_user=self.person)
            except OAuth2Error as error:
                return 400, dict(error.get_body()), as_json
            return self._authlib.create_authorization_response(asked, grant_user=self.person, grant=grant)
        if path == "/token":
            return self._authlib.create_token_response(asked)
        if path == "/end":
            return 200, urlencode(asked.args), [("Content-Type", "text/plain")]
        return 404, {}, as_json

    def _face(self) -> dict[str, Any]:
        face = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", "end_session_endpoint": f"{self.issuer}/end", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }  # fmt: skip
        OpenIDProviderMetadata(
            {key: value.replace("http:", "https:") if isinstance(value, str) else value for key, value in face.items()}
        ).validate()
        return face
