"""Rules without a provider: where one may return to, what the settings refuse, and which keys count."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey
from pydantic import ValidationError

from app.access.oidc.attempt import Attempt
from app.access.oidc.background import OidcSettingsError, require_known_roles
from app.access.oidc.id_token import Expected, RefusedToken, verified
from app.access.oidc.keys import ProviderKey, chosen, usable_keys
from app.access.oidc.mapping import text, usernames
from app.access.oidc.paths import is_local
from app.access.signing.pem import public_jwk
from app.settings import OidcSettings

LOCAL = [
    "/", "/docs", "/docs/", "/a/b.c", "/a?b=c&d=/e//f", "/a?next=https://evil.example", "/#x", "/a%20b", "/~x",
    "/a;b=1", "/.well-known/x", "/a..b", "/...",
]  # fmt: skip
FOREIGN = [
    "", "docs", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example",
    "/\\/evil", "https://evil.example", "https:/evil.example", "https:evil.example", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "data:text/html,x", "/\tevil.example", "/\t/evil.example", "/\n/evil.example",
    "/\r\nSet-Cookie: a=b", " /docs", "/docs ", "\t//evil.example", "/%2f/evil.example", "/%2F%2Fevil.example",
    "/%5cevil.example", "/%5Cevil", "/%09/evil", "/%0d%0aSet-Cookie:a", "/./", "/../", "/..", "/.", "/a/../../b",
    "/..//evil.example", "/.//evil.example", "/a//b", "/%2e%2e/evil", "/%2E/evil", "/.%2e/x", "/@evil.example//x",
    "/\x00", "/\xe9", "/evil\u3002example//", "/a%", "/a%2", "/a%zz", "?x", "#x", ".", "..", "./x", "../x",
    "@evil.example", "/<script>", '/"', "/{}", "/|", "/^", "/`", "/" + "a" * 2000, "\u2028//evil.example",
    "http:///evil.example", "//evil.example/%2f..", "/%00", "/%1f", "/%7f", "/\x7f",
]  # fmt: skip


@pytest.mark.parametrize("path", LOCAL)
def test_paths_of_this_service(path: str) -> None:
    assert is_local(path)


@pytest.mark.parametrize("path", FOREIGN)
def test_paths_that_may_lead_away(path: str) -> None:
    assert not is_local(path)


@given(st.text(alphabet="/\\.:?#@%2fFeE5cC09aevil \t\n\r", max_size=30))
def test_no_path_that_is_let_through_has_a_host_or_scheme(path: str) -> None:
    if is_local(path):
        parts = urlsplit(path)
        assert (parts.scheme, parts.netloc) == ("", "")
        assert path.startswith("/")
        assert not path.startswith(("//", "/\\"))


WHOLE = {"issuer": "https://op.example", "client_id": "x", "redirect_base_url": "https://spyne.example"}
WRONG: dict[str, dict[str, object]] = {
    "http without leave": {"issuer": "http://op.example"},
    "no URL": {"issuer": "op.example"},
    "with a query": {"issuer": "https://op.example?x"},
    "no client": {"client_id": ""},
    "no address of ours": {"redirect_base_url": ""},
    "no openid": {"scopes": "profile"},
    "algorithm none": {"algorithms": "none"},
    "algorithm HS256": {"algorithms": "RS256,HS256"},
    "no algorithm": {"algorithms": ""},
    "leeway": {"leeway_seconds": 301},
    "networks": {"allowed_networks": "10.0.0.1/8"},
    "mapping": {"role_mapping": {"a": "ADMIN"}},
}


@pytest.mark.parametrize("name", WRONG)
def test_settings_that_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        OidcSettings.model_validate(WHOLE | WRONG[name])


def test_settings_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "OIDC_ISSUER": "https://op.example",
        "OIDC_CLIENT_ID": "x",
        "OIDC_REDIRECT_BASE_URL": "https://spyne.example",
        "OIDC_ROLE_MAPPING": '{"team": ["ENGINEER"]}',
        "OIDC_DEFAULT_ROLES": "VIEWER, ANALYST",
        "OIDC_ALGORITHMS": "ES256",
        "OIDC_ALLOWED_NETWORKS": "10.0.0.0/8,fd00::/8",
        "OIDC_CLIENT_SECRET": "hush",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings = OidcSettings()
    assert settings.role_mapping == {"team": ("ENGINEER",)}
    assert settings.default_roles == ("VIEWER", "ANALYST")
    assert settings.algorithms == ("ES256",)
    assert len(settings.allowed_networks) == 2
    assert "hush" not in repr(settings)
    require_known_roles(settings)
    for wrong in ({"default_roles": ("BOSS",)}, {"role_mapping": {"a": ("BOSS",)}}):
        with pytest.raises(OidcSettingsError, match="BOSS"):
            require_known_roles(OidcSettings.model_validate(WHOLE | wrong))


EC_KEY = ec.generate_private_key(ec.SECP256R1())
EC_JWK = public_jwk(EC_KEY.public_key())
NOW = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
EXPECTED = Expected("https://op.example", "spyne", "n" * 43, "an access token", ("ES256",), 60)


def token(**changes: object) -> str:
    at = int(NOW.timestamp())
    claims = {"iss": "https://op.example", "aud": "spyne", "sub": "s", "nonce": "n" * 43, "iat": at, "exp": at + 60}
    return jws.serialize_compact({"alg": "ES256"}, json.dumps(claims | changes), ECKey.import_key(EC_KEY))


def test_at_hash_is_that_of_the_access_token() -> None:
    keys = usable_keys({"keys": [EC_JWK]})
    digest = hashlib.sha256(b"an access token").digest()[:16]
    right = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert verified(token(at_hash=right), keys, EXPECTED, NOW)["sub"] == "s"
    without = Expected("https://op.example", "spyne", "n" * 43, None, ("ES256",), 60)
    for expected, shown in ((EXPECTED, right[::-1]), (without, right)):
        with pytest.raises(RefusedToken):
            verified(token(at_hash=shown), keys, expected, NOW)


def test_which_published_keys_count() -> None:
    counted = usable_keys(
        {"keys": [EC_JWK, EC_JWK | {"kid": "b", "use": "sig", "alg": "ES256", "key_ops": ["verify"]}]}
    )
    assert [key.kid for key in counted] == [None, "b"]
    passed_over: list[object] = [
        EC_JWK | {"use": "enc"},
        EC_JWK | {"key_ops": ["encrypt"]},
        EC_JWK | {"crv": "P-384"},
        EC_JWK | {"x": "AAAA"},
        EC_JWK | {"kid": 7},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "AKP", "pub": "x"},
        {"kty": "OKP", "crv": "X25519", "x": "A" * 43},
        "key",
        None,
    ]
    assert usable_keys({"keys": passed_over}) == []
    for document in ({}, [], None, {"keys": {}}):
        with pytest.raises(ValueError, match="key set"):
            usable_keys(document)


def test_a_key_serves_its_own_algorithms_alone() -> None:
    (plain,) = usable_keys({"keys": [EC_JWK | {"kid": "a"}]})
    (bound,) = usable_keys({"keys": [EC_JWK | {"kid": "b", "alg": "ES384"}]})
    keys: list[ProviderKey] = [plain, bound]
    assert chosen(keys, "a", "ES256") is plain
    assert chosen(keys, "b", "ES256") is None
    assert chosen(keys, "a", "RS256") is None
    assert chosen(keys, None, "ES256") is plain
    assert chosen([plain, plain], None, "ES256") is None
    assert chosen(keys, "c", "ES256") is None


def _modulus(bits: int) -> str:
    number = (1 << bits - 1) + 1
    return base64.urlsafe_b64encode(number.to_bytes((bits + 7) // 8, "big")).rstrip(b"=").decode()


@pytest.mark.parametrize(("bits", "counts"), [(2047, False), (2048, True), (16_384, True), (16_385, False)])
def test_rsa_keys_are_neither_weak_nor_huge(bits: int, counts: bool) -> None:
    assert len(usable_keys({"keys": [{"kty": "RSA", "e": "AQAB", "n": _modulus(bits)}]})) == counts


def test_the_first_hundred_published_keys_are_looked_at() -> None:
    assert len(usable_keys({"keys": [EC_JWK] * 100})) == 100
    assert len(usable_keys({"keys": [None] * 99 + [EC_JWK] * 2})) == 1


def test_a_subject_has_255_characters_at_most() -> None:
    keys = usable_keys({"keys": [EC_JWK]})
    assert verified(token(sub="s" * 255), keys, EXPECTED, NOW)
    with pytest.raises(RefusedToken):
        verified(token(sub="s" * 256), keys, EXPECTED, NOW)


def test_an_id_token_has_32_kib_at_most() -> None:
    keys = usable_keys({"keys": [EC_JWK]})

    def of_length(length: int) -> str:
        """A sound token that is so long, or one character longer where base64 has none of that length."""
        size = (length - len(token(more=""))) * 3 // 4 - 2
        while len(text := token(more="x" * size)) < length:
            size += 1
        return text

    assert len(of_length(32_767)) <= 32_768
    assert verified(of_length(32_767), keys, EXPECTED, NOW)
    with pytest.raises(RefusedToken, match="too long"):
        verified(of_length(32_769), keys, EXPECTED, NOW)


def test_an_attempt_lasts_ten_minutes() -> None:
    begun = Attempt.begun("/", NOW)
    assert begun.ends_at == NOW + timedelta(minutes=10)
    for seconds, over in ((-1, True), (0, False), (599, False), (600, True)):
        assert begun.is_over(NOW + timedelta(seconds=seconds)) is over, seconds


def test_texts_of_a_provider_are_cut() -> None:
    assert text({"name": "x" * 200}, "name") == "x" * 200
    assert text({"name": "x" * 201}, "name") == "x" * 200
    assert next(usernames({"preferred_username": "x" * 56})) == "x" * 56
    assert next(usernames({"preferred_username": "x" * 57})) == "x" * 56
