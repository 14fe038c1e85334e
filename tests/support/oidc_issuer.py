"""An OpenID Connect issuer on loopback, over TLS: discovery, keys, device grant, code with PKCE, refresh.

Its one user signs in by herself: a device code is granted at the second poll, and whoever opens the
authorization address is sent back with a code at once.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.support.certificates import Authority
from tests.support.oidc_tokens import SigningKey, claims, key_set

CLIENT_ID = "fairlead"
SUBJECT = "ada-0001"
POLL_S = 0.05


class OidcIssuer:
    """Serves within the `with` block. `key` may be replaced at any time; `seen` are the grants in order."""

    def __init__(self, directory: Path) -> None:
        authority = Authority("Issuer's CA")
        self.ca_pem = authority.pem
        self.key = SigningKey()
        self.seen: list[str] = []
        self._polls = 0
        self._challenges: dict[str, str] = {}
        self._refresh_tokens: set[str] = set()
        handler = type("Handler", (_Handler,), {"issuer": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        context = authority.server_context(directory)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}/staff"

    def __enter__(self) -> "OidcIssuer":
        threading.Thread(target=self._server.serve_forever, args=(POLL_S,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def provider(self) -> str:
        """Its name in policies."""
        return self.url.partition("://")[2]

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        match path:
            case "/staff/.well-known/openid-configuration":
                names = {
                    "jwks_uri": "keys",
                    "authorization_endpoint": "authorize",
                    "token_endpoint": "token",
                    "device_authorization_endpoint": "device",
                }
                return 200, {
                    "issuer": self.url,
                    **{name: f"{self.url}/{end}" for name, end in names.items()},
                }
            case "/staff/keys":
                return 200, json.loads(key_set(self.key))
            case "/staff/authorize":
                assert query["code_challenge_method"] == "S256"
                code = secrets.token_urlsafe(8)
                self._challenges[code] = query["code_challenge"]
                answer = {"code": code, "state": query["state"], "iss": self.url}
                return 302, f"{query['redirect_uri']}?{urlencode(answer)}"
        return 404, {}

    def post(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        if form.get("client_id") != CLIENT_ID:
            return 401, {"error": "invalid_client"}
        if path == "/staff/device":
            self._polls = 0
            return 200, {
                "device_code": "device-code",
                "user_code": "ABCD-EFGH",
                "verification_uri": f"{self.url}/enter",
                "interval": POLL_S,
                "expires_in": 600,
            }
        return self._token(form)

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        grant = form["grant_type"].rpartition(":")[2]
        if grant == "device_code":
            self._polls += 1
            if self._polls < 2:
                return 400, {"error": "authorization_pending"}
        elif grant == "authorization_code":
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if self._challenges.pop(form["code"], None) != challenge:
                return 400, {"error": "invalid_grant"}
        elif form["refresh_token"] not in self._refresh_tokens:
            return 400, {"error": "invalid_grant", "error_description": "used"}
        self.seen.append(grant)
        self._refresh_tokens = {secrets.token_urlsafe(16)}
        id_token = self.key.sign(claims(time.time(), iss=self.url, sub=SUBJECT, aud=CLIENT_ID))
        return 200, {"id_token": id_token, "refresh_token": next(iter(self._refresh_tokens))}


class _Handler(BaseHTTPRequestHandler):
    issuer: OidcIssuer

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._answer(*self.issuer.get(path, dict(parse_qsl(query))))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self._answer(*self.issuer.post(self.path, dict(parse_qsl(body.decode()))))

    def _answer(self, status: int, content: Any) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", content)
            content = ""
        body = json.dumps(content).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal of the tests."""
