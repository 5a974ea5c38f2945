"""Tokens by asymmetric keys: the hostile ones of every configuration are refused, and a change of keys ends none."""

import base64
import json
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from app.access.credentials.tokens import CURRENT_KEY, AccessTokens, InvalidToken
from app.access.subjects import client_subject, user_subject
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.signing import PrivateKey, SigningKeys
from app.settings import AccessSettings
from tests.access.credentials.hostile_tokens import HEADER, SUBJECT, good_claims, hostile_tokens, signed
from tests.access.signing.forgeries import forgeries, header_of
from tests.access.signing.keys import NOW, elliptic, modular, signing_key

SECRET = ServiceSecret(b"a secret for tokens of the tests, long enough")
KEY = SECRET.key(CURRENT_KEY)
GENUINE: dict[str, PrivateKey] = {"ES256": elliptic(), "RS256": modular()}
OTHERS: dict[str, PrivateKey] = {
    "another ES256 key": elliptic("other"),
    "another RS256 key": modular("other"),
    "a stranger's ES256 key": elliptic("stranger"),
}
KNOWN = [*GENUINE.values(), elliptic("other"), modular("other")]
TOKENS = AccessTokens(SECRET, AccessSettings(), SigningKeys([signing_key(key) for key in KNOWN]))
HOSTILE = {
    f"{algorithm}: {name}": token
    for algorithm, key in GENUINE.items()
    for name, token in hostile_tokens(key, NOW, header_of(key)).items()
}
FORGED = {
    f"{algorithm}: {name}": token
    for algorithm, key in GENUINE.items()
    for name, token in forgeries(key, OTHERS | {n: k for n, k in GENUINE.items() if n != algorithm}, KEY, NOW).items()
}


def tokens_of(*keys: PrivateKey, at: datetime = NOW) -> AccessTokens:
    return AccessTokens(SECRET, AccessSettings(), SigningKeys([signing_key(key, at) for key in keys]))


def issued(tokens: AccessTokens, now: datetime = NOW) -> bytes:
    return tokens.issue(user_subject(uuid4()), now).text.encode()


@pytest.mark.parametrize("key", GENUINE.values(), ids=GENUINE)
def test_the_hand_made_token_that_the_hostile_ones_are_varied_from_is_good(key: PrivateKey) -> None:
    assert TOKENS.verify(signed(header_of(key), good_claims(NOW), key).encode(), NOW).subject == SUBJECT


@pytest.mark.parametrize("key", GENUINE.values(), ids=GENUINE)
def test_what_is_issued_verifies_as_it_was_issued(key: PrivateKey) -> None:
    tokens = tokens_of(key)
    token = tokens.issue(client_subject(uuid4()), NOW, scope=frozenset({"query:run"}), key_id=uuid4())
    assert tokens.verify(token.text.encode(), NOW) == token.claims


def test_the_corpora_are_large() -> None:
    assert len(HOSTILE) >= 2 * 110
    assert len(FORGED) >= 2 * 60


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_token(name: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(HOSTILE[name], NOW)


@pytest.mark.parametrize("name", FORGED)
def test_forged_token(name: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(FORGED[name], NOW)


def test_hostile_tokens_of_the_service_secret_are_refused_beside_asymmetric_keys() -> None:
    for token in hostile_tokens(KEY, NOW).values():
        with pytest.raises(InvalidToken):
            TOKENS.verify(token, NOW)


@pytest.mark.parametrize("key", GENUINE.values(), ids=GENUINE)
def test_flipped_bits_are_refused(key: PrivateKey) -> None:
    tokens = tokens_of(key)
    good = issued(tokens)
    for position in range(len(good)):
        flipped = bytearray(good)
        flipped[position] ^= 1 << position % 7
        with pytest.raises(InvalidToken):
            tokens.verify(bytes(flipped), NOW)


def test_going_from_the_secret_to_a_key_and_back_ends_no_token() -> None:
    before, after = AccessTokens(SECRET, AccessSettings()), tokens_of(elliptic())
    assert after.verify(issued(before), NOW)
    assert tokens_of(elliptic(), modular()).verify(issued(after), NOW)
    with pytest.raises(InvalidToken):
        before.verify(issued(after), NOW)  # the key is gone, not retired


def test_a_fresh_key_verifies_at_once_and_signs_after_its_delay() -> None:
    keys = SigningKeys([signing_key(elliptic(), NOW), signing_key(modular(), NOW + timedelta(minutes=10))])
    tokens = AccessTokens(SECRET, AccessSettings(), keys)
    assert tokens.verify(signed(header_of(modular()), good_claims(NOW), modular()).encode(), NOW)
    assert header(issued(tokens)) == header_of(elliptic())
    later = NOW + timedelta(minutes=10)
    assert header(issued(tokens, later)) == header_of(modular())


def test_before_any_key_signs_the_secret_does() -> None:
    tokens = tokens_of(elliptic(), at=NOW + timedelta(seconds=1))
    assert header(issued(tokens)) == HEADER
    assert tokens.verify(issued(tokens), NOW)


def header(token: bytes) -> dict[str, str]:
    part = token.split(b".")[0]
    return dict(json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))))


@pytest.mark.parametrize("whole", [False, True], ids=["the public half is kept", "the file has the whole key still"])
def test_a_retired_key_verifies_until_its_end_and_signs_nothing(whole: bool) -> None:
    until = NOW + timedelta(hours=1)
    keys = SigningKeys([signing_key(elliptic(), verifies_until=until, whole=whole)])
    tokens = AccessTokens(SECRET, AccessSettings(), keys)
    good = signed(header_of(elliptic()), good_claims(NOW) | {"exp": int(NOW.timestamp()) + 7200}, elliptic()).encode()
    assert tokens.verify(good, until - timedelta(seconds=1))
    with pytest.raises(InvalidToken):
        tokens.verify(good, until)
    assert keys.signing(NOW) is None


def test_a_public_key_alone_verifies() -> None:
    tokens = AccessTokens(SECRET, AccessSettings(), SigningKeys([signing_key(modular(), whole=False)]))
    assert tokens.verify(issued(tokens_of(modular())), NOW)
    assert tokens.verify(issued(tokens), NOW)  # by the secret


def test_tokens_of_the_previous_secret_count_while_it_is_given() -> None:
    old = issued(AccessTokens(SECRET, AccessSettings()))
    value = b"the secret that came after it, and as long"
    changed = AccessTokens(ServiceSecret(value, SECRET), AccessSettings())
    assert changed.verify(old, NOW)
    assert AccessTokens(ServiceSecret(value), AccessSettings()).verify(issued(changed), NOW)
    with pytest.raises(InvalidToken):
        AccessTokens(ServiceSecret(value), AccessSettings()).verify(old, NOW)
    for token in hostile_tokens(KEY, NOW).values():
        with pytest.raises(InvalidToken):
            changed.verify(token, NOW)
