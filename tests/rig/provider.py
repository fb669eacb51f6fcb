"""An OpenID Connect provider of our own, over real HTTP: everybody who is sent there is `person`, at once.

What a test wants wrong it changes in `claims`, `header`, `discovery` or `key` before the token is asked for.
"""

import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "pilothouse", "the client's own secret"


class Provider:
    """`person` holds the claims of whoever logs in next; `asked` the paths that were requested."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.person: dict[str, Any] = {"sub": "1001", "preferred_username": "ann", "groups": []}
        self.claims: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.discovery: dict[str, Any] = {}
        self.asked: list[str] = []
        self.refuses = ""
        self._published = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key: Any = self._published
        self._codes: dict[str, dict[str, str]] = {}

    def settings(self) -> dict[str, str]:
        """The console's environment for this provider."""
        return {
            "PILOTHOUSE_OIDC_ISSUER": self.issuer,
            "PILOTHOUSE_OIDC_CLIENT_ID": CLIENT_ID,
            "PILOTHOUSE_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "PILOTHOUSE_OIDC_NAME": "Harbour ID",
        }

    def configuration(self) -> dict[str, Any]:
        urls = {name: f"{self.issuer}/{name}" for name in ("authorize", "token", "keys", "userinfo")}
        return {
            "issuer": self.issuer,
            "authorization_endpoint": urls["authorize"],
            "token_endpoint": urls["token"],
            "jwks_uri": urls["keys"],
            "userinfo_endpoint": urls["userinfo"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            **self.discovery,
        }

    def keys(self) -> dict[str, Any]:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._published.public_key()))
        return {"keys": [{**key, "kid": "one", "alg": "RS256", "use": "sig"}]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        if self.refuses:
            return f"{asked['redirect_uri']}?{urlencode({'error': self.refuses, 'state': asked['state']})}"
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or form.get("client_secret") != CLIENT_SECRET or asked.get("code_challenge") != challenge:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            **{"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": asked.get("nonce")},
            **self.person,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": "one"})
        return 200, {"access_token": "for-userinfo", "token_type": "Bearer", "id_token": token}


@contextlib.contextmanager
def provider() -> Iterator[Provider]:
    """One that runs, on a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.provider = Provider(server.server_port)
    # A short poll, since it is also the time that the end takes.
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield server.provider
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    @property
    def provider(self) -> Provider:
        return self.server.provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.provider.asked.append(url.path)
        if url.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(dict(parse_qsl(url.query))))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        reply = {
            "/.well-known/openid-configuration": self.provider.configuration,
            "/keys": self.provider.keys,
            "/userinfo": lambda: {**self.provider.person, **self.provider.userinfo},
        }.get(url.path)
        self._json(200 if reply else 404, reply() if reply else {})

    def do_POST(self) -> None:
        self.provider.asked.append(self.path)
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self._json(*self.provider.token(form))

    def _json(self, status: int, reply: dict[str, Any]) -> None:
        body = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests say what went wrong."""
