"""A real OpenID provider on loopback, in a process of its own: idpyoidc, behind the standard library's HTTP server.

usage: python -m tests.access.oidc.provider PORT

All of the protocol is the library's: discovery, client authentication, PKCE, codes that work once, ID tokens, keys. Two
things are ours: the log-in page, and, so that a client meets what a correct provider never does, a plan of misdeeds
(`POST /_plan`) that a subclass of the library's own token creation and the HTTP layer follow.
"""

import base64
import copy
import hashlib
import hmac
import html
import json
import os
import sys
import threading
import time
import warnings
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

warnings.simplefilter("ignore")  # the library's own; ours are errors in the process of the tests

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402
from cryptojwt import KeyJar  # noqa: E402
from cryptojwt.jws.jws import JWS  # noqa: E402
from cryptojwt.key_jar import build_keyjar  # noqa: E402
from idpyoidc.message.oauth2 import ResponseMessage  # noqa: E402
from idpyoidc.message.oidc import AuthorizationRequest  # noqa: E402
from idpyoidc.server import Server  # noqa: E402
from idpyoidc.server.configure import OPConfiguration  # noqa: E402
from idpyoidc.server.exception import FailedAuthentication  # noqa: E402
from idpyoidc.server.token.id_token import IDToken  # noqa: E402
from idpyoidc.server.user_authn.user import UserPass, create_signed_jwt  # noqa: E402

CLIENT_ID = "spyne"
CLIENT_SECRET = "a secret between spyne and the provider"
PASSWORD = "open sesame"
PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {
        "preferred_username": "Ada.Lovelace",
        "name": "Ada Lovelace",
        "email": "ada@example.org",
        "groups": ["data-team"],
    },
    "admin": {"preferred_username": "admin", "email": "admin@example.org", "groups": []},
    "bob": {"preferred_username": "Bob O'Neil!", "groups": ["operators", "nobody-knows"]},
    "nameless": {},
}
KEYS = [
    {"type": "RSA", "use": ["sig"]},
    {"type": "EC", "crv": "P-256", "use": ["sig"]},
    {"type": "OKP", "crv": "Ed25519", "use": ["sig"]},
]
OCT = [{"type": "OCT", "use": ["enc"], "kid": "enc"}, {"type": "OCT", "use": ["sig"], "kid": "sig"}]
DELETED = "__deleted__"


class Misdeeds:
    """What the provider does otherwise than it should."""

    def __init__(self) -> None:
        self.plan: dict[str, Any] = {}
        self.seen: Counter[str] = Counter()
        self.retired: list[Any] = []
        """Keys before the last rotation."""


MISDEEDS = Misdeeds()


class TamperedIDToken(IDToken):  # type: ignore[misc]  # the library has no types
    """The library's ID tokens, changed as the plan says before they are signed."""

    def sign_encrypt(self, session_id: str, client_id: str, *args: Any, **kwargs: Any) -> str:
        plan = MISDEEDS.plan
        if not plan.keys() & {"claims", "forge", "retired", "kid"}:
            return str(super().sign_encrypt(session_id, client_id, *args, **kwargs))
        good = super().sign_encrypt(session_id, client_id, *args, **kwargs)
        header, body, _ = good.split(".")
        claims = {**_json(body), **plan.get("claims", {})}
        claims = {name: value for name, value in claims.items() if value != DELETED}
        fields = _json(header)
        if "forge" in plan:
            return self._forged(plan["forge"], fields, claims, good)
        keyjar = self.upstream_get("attribute", "keyjar")
        key = next(k for k in keyjar.get_signing_key("RSA") if k.kid == fields["kid"])
        key = copy.copy(MISDEEDS.retired[0] if plan.get("retired") else key)
        key.kid = plan.get("kid", key.kid)
        return str(JWS(json.dumps(claims), alg="RS256").sign_compact([key]))

    def _forged(self, how: str, fields: dict[str, Any], claims: dict[str, Any], good: str) -> str:
        keyjar = self.upstream_get("attribute", "keyjar")
        public = next(k for k in keyjar.get_signing_key("RSA") if k.kid == fields["kid"]).public_key()
        if how == "cut":
            return good.rpartition(".")[0] + "."
        if how == "flipped":
            return good[:-8] + ("A" if good[-8] != "A" else "B") + good[-7:]
        if how == "JWE":
            return good + ".AAAA.AAAA"
        if how == "crit":
            return _compact({**fields, "crit": ["exp"]}, claims, b"x")
        if how == "none":
            return _compact({**fields, "alg": "none"}, claims, None)
        secrets = {
            "HS256 by PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "HS256 by DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "HS256 by the client secret": CLIENT_SECRET.encode(),
        }
        return _compact({**fields, "alg": "HS256"}, claims, secrets[how])


def _json(segment: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))))


def _compact(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
    text = b".".join(parts)
    mark = b"" if secret is None else hmac.new(secret, text, hashlib.sha256).digest()
    return (text + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


class LoginPage(UserPass):  # type: ignore[misc]  # the library has no types
    """A form for name and password; what the library needs afterwards is in a signed, hidden field."""

    def __call__(self, **kwargs: Any) -> str:
        context, keyjar = self.upstream_get("context"), self.upstream_get("attribute", "keyjar")
        token = html.escape(create_signed_jwt(context.issuer, keyjar, **kwargs))
        return (
            '<!doctype html><title>Log in</title><form id="login" method="post" action="/verify">'
            f'<input type="hidden" name="token" value="{token}"><input name="username">'
            '<input name="password" type="password"><button>Log in</button></form>'
        )


def configuration(issuer: str) -> dict[str, Any]:
    def endpoint(path: str, kind: str, **kwargs: Any) -> dict[str, Any]:
        return {"path": path, "class": f"idpyoidc.server.oidc.{kind}", "kwargs": kwargs}

    return {
        "issuer": issuer,
        "httpc_params": {"verify": False},
        "preference": {
            "subject_types_supported": ["public"],
            "grant_types_supported": ["authorization_code"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "PS256", "EdDSA"],
        },
        "token_handler_args": {
            "code": {"kwargs": {"lifetime": 600, "crypt_conf": {"kwargs": {"key": os.urandom(32)}}}},
            "token": {"class": "idpyoidc.server.token.jwt_token.JWTToken", "kwargs": {"lifetime": 3600}},
            "id_token": {
                "class": f"{__name__}.TamperedIDToken",
                "kwargs": {"lifetime": 300, "base_claims": dict.fromkeys(_claims()), "add_c_hash": True},
            },
        },
        "cookie_handler": {
            "class": "idpyoidc.server.cookie_handler.CookieHandler",
            "kwargs": {
                "keys": {"key_defs": OCT},
                "name": {"session": "op", "register": "rp", "session_management": "sm"},
            },
        },
        "endpoint": {
            "provider_config": endpoint(
                ".well-known/openid-configuration", "provider_config.ProviderConfiguration", client_authn_method=None
            ),
            "authorization": endpoint(
                "authorization",
                "authorization.Authorization",
                client_authn_method=None,
                response_types_supported=["code"],
                response_modes_supported=["query"],
            ),
            "token": endpoint("token", "token.Token", client_authn_method=["client_secret_basic"]),
            "userinfo": endpoint("userinfo", "userinfo.UserInfo"),
        },
        "userinfo": {"class": "idpyoidc.server.user_info.UserInfo", "kwargs": {"db": PEOPLE}},
        "authentication": {
            "user": {
                "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:InternetProtocolPassword",
                "class": f"{__name__}.LoginPage",
                "kwargs": {"db_conf": {"class": "builtins.dict", "kwargs": dict.fromkeys(PEOPLE, PASSWORD)}},
            }
        },
        "add_on": {
            "pkce": {
                "function": "idpyoidc.server.oauth2.add_on.pkce.add_support",
                "kwargs": {"essential": True, "code_challenge_methods": {"S256": None}},
            }
        },
        "session_params": {"encrypter": {"kwargs": {"key": os.urandom(32), "salt": "salt of the subjects"}}},
    }


def _claims() -> list[str]:
    return ["preferred_username", "name", "email", "groups"]


class Provider:
    """The library's server, and what turns HTTP into its calls and back."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        keyjar = build_keyjar(KEYS)
        keyjar.import_jwks(
            keyjar.export_jwks(private=True), self.issuer
        )  # by which the log-in page's token is verified
        self.server = Server(OPConfiguration(configuration(self.issuer)), keyjar=keyjar)
        self.context = self.server.context
        self.lock = threading.Lock()

    def register(self, redirect_uri: str, algorithm: str = "RS256") -> None:
        self.context.cdb[CLIENT_ID] = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uris": [(redirect_uri, {})],
            "response_types_supported": ["code"],
            "allowed_scopes": ["openid", "profile", "email"],
            "id_token_signed_response_alg": algorithm,
        }

    def rotate(self) -> None:
        """New keys; the old ones are gone from the key set at once."""
        keyjar: KeyJar = self.server.keyjar
        MISDEEDS.retired = list(keyjar.get_signing_key("RSA"))
        fresh = build_keyjar(KEYS)
        for owner in ("", self.issuer):
            keyjar._issuers.pop(owner, None)
            keyjar.import_jwks(fresh.export_jwks(private=True), owner)

    def keys(self) -> dict[str, Any]:
        return dict(self.server.keyjar.export_jwks())

    def discovery(self) -> dict[str, Any]:
        answer = self._ask("provider_config", {}, {})
        document = {**json.loads(answer[2]), "jwks_uri": f"{self.issuer}/jwks", **MISDEEDS.plan.get("metadata", {})}
        return {name: value for name, value in document.items() if value != DELETED}

    def authorize(self, query: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        return self._ask("authorization", query, headers)

    def token(self, body: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        return self._ask("token", body, headers)

    def verify(self, form: dict[str, str]) -> tuple[int, dict[str, str], str]:
        """The log-in page was sent back."""
        method = self.context.authn_broker.get_method_by_id("user")
        try:
            username = method.verify(username=form["username"], password=form["password"])
        except FailedAuthentication:
            return 403, {}, "Wrong name or password."
        asked = method.unpack_token(form["token"])
        request = AuthorizationRequest().from_urlencoded(asked["query"])
        endpoint = self.server.get_endpoint("authorization")
        session = endpoint.create_session(request, username, asked["authn_class_ref"], asked["iat"], method)
        return self._shown(endpoint, request, endpoint.authz_part2(request=request, session_id=session))

    def _ask(self, name: str, request: Any, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        endpoint = self.server.get_endpoint(name)
        info = {"headers": headers}
        parsed = endpoint.parse_request(request, http_info=info)
        if isinstance(parsed, ResponseMessage) and "error" in parsed:
            return 400, {"Content-Type": "application/json"}, parsed.to_json()
        return self._shown(endpoint, parsed, endpoint.process_request(parsed, http_info=info))

    @staticmethod
    def _shown(endpoint: Any, request: Any, args: Any) -> tuple[int, dict[str, str], str]:
        if "http_response" in args:
            return 200, {"Content-Type": "text/html"}, args["http_response"]
        if isinstance(args, ResponseMessage) and "error" in args:
            return 400, {"Content-Type": "application/json"}, args.to_json()
        answer = endpoint.do_response(request=request, **args)
        headers = {name: value for name, value in answer.get("http_headers", []) if name.lower() != "content-length"}
        placement = answer.get("response_placement", endpoint.response_placement)
        if placement == "url":
            return 302, {"Location": answer["response"]}, ""
        return 200, headers, answer["response"]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    provider: Provider
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle("")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _handle(self, body: str) -> None:
        path = urlsplit(self.path)
        name = path.path.strip("/").rpartition("/")[2]
        plan = MISDEEDS.plan
        MISDEEDS.seen[name] += 1
        if name in plan.get("slow", {}):
            time.sleep(plan["slow"][name])
        if name in plan.get("redirect", {}):
            self._answer(302, {"Location": plan["redirect"][name]}, "")
            return
        if name in plan.get("status", {}):
            self._answer(plan["status"][name], {"Content-Type": "text/html"}, "<h1>no</h1>")
            return
        if name in plan.get("body", {}):
            self._answer(200, {"Content-Type": "application/json"}, plan["body"][name])
            return
        with self.provider.lock:
            try:
                answer = self._of_provider(name, path.query, body)
            except Exception as error:  # noqa: BLE001 - to be seen by the test
                answer = 500, {}, repr(error)
        self._answer(*answer)

    def _of_provider(  # noqa: PLR0911 - one answer for each place
        self, name: str, query: str, body: str
    ) -> tuple[int, dict[str, str], str]:
        provider, headers = self.provider, {key.lower(): value for key, value in self.headers.items()}
        if name.startswith("_"):
            return _document(self._told(name, json.loads(body)))
        if "error" in MISDEEDS.plan and name == "authorization":
            return self._refusing(query)
        match name:
            case "openid-configuration":
                return _document(provider.discovery())
            case "jwks":
                return _document(provider.keys())
            case "authorization":
                return provider.authorize(query, headers)
            case "verify":
                return provider.verify({key: values[0] for key, values in parse_qs(body).items()})
            case "token":
                return provider.token(body, headers)
        return 404, {}, ""

    def _refusing(self, query: str) -> tuple[int, dict[str, str], str]:
        back = parse_qs(query)
        sent = {"error": MISDEEDS.plan["error"], "state": back["state"][0], "iss": self.provider.issuer}
        sent["error_description"] = "<script>alert(1)</script>"
        return 302, {"Location": f"{back['redirect_uri'][0]}?{urlencode(sent)}"}, ""

    def _told(self, what: str, facts: dict[str, Any]) -> Any:
        match what:
            case "_plan":
                MISDEEDS.plan = facts
            case "_register":
                self.provider.register(**facts)
            case "_rotate":
                self.provider.rotate()
        return dict(MISDEEDS.seen)

    def _answer(self, status: int, headers: dict[str, str], body: str) -> None:
        raw = body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        pass


def _document(value: Any) -> tuple[int, dict[str, str], str]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value)


def main() -> None:
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as listener:
        Handler.provider = Provider(listener.server_address[1])
        print(listener.server_address[1], flush=True)
        listener.serve_forever()


if __name__ == "__main__":
    main()
