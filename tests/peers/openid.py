"""A small OpenID provider on loopback: Authlib checks its own face and the proof of the code, joserfc signs, the test decides what."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "heliograph", "the secret of the client"


def b64(data: bytes | str) -> str:
    raw = data if isinstance(data, bytes) else data.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Provider:
    """`statement` makes the signed statement of the next sign-in from its claims; by default an honest one."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
        self.person: dict[str, Any] = {"sub": "42", "preferred_username": "other-house", "groups": ["readers"]}
        self.statement: Callable[[dict[str, Any]], str] = self.honest
        self.fetched_keys = 0
        self._codes: dict[str, dict[str, str]] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                return

            def do_GET(self) -> None:
                owner.answer(self)

            do_POST = do_GET  # noqa: N815 the name is the library's

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def honest(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        where = urlsplit(request.path)
        length = int(request.headers.get("Content-Length", 0))
        sent = {k: v[0] for k, v in parse_qs(where.query or request.rfile.read(length).decode()).items()}
        if where.path == "/authorize":
            code = secrets.token_urlsafe(16)
            self._codes[code] = sent
            request.send_response(302)
            request.send_header(
                "Location", f"{sent['redirect_uri']}?{urlencode({'code': code, 'state': sent['state']})}"
            )
            request.end_headers()
            return
        found = {"/.well-known/openid-configuration": self._face, "/keys": self._keys}.get(where.path)
        status, body = found() if found else self._token(sent, request.headers.get("Authorization", ""))
        raw = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(raw)))
        request.end_headers()
        request.wfile.write(raw)

    def _face(self) -> tuple[int, dict[str, Any]]:
        face = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }  # fmt: skip
        OpenIDProviderMetadata({**face, "issuer": "https://x"}).validate_response_types_supported()
        return 200, face

    def _keys(self) -> tuple[int, dict[str, Any]]:
        self.fetched_keys += 1
        return 200, {"keys": [self.key.as_dict(private=False)]}

    def _token(self, sent: dict[str, str], credentials: str) -> tuple[int, dict[str, Any]]:
        asked = self._codes.pop(sent.get("code", ""), None)
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if (
            asked is None
            or credentials != expected
            or sent.get("redirect_uri") != asked["redirect_uri"]
            or create_s256_code_challenge(sent.get("code_verifier", "")) != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        at = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": asked["nonce"], **self.person}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.statement(claims)}
