"""The published key set, and keys from the terminal, on the running application."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.credentials.authenticator import DirectoryAuthenticator
from app.access.credentials.tokens import AccessTokens
from app.access.subjects import user_subject
from app.commands import keys
from app.commands.environment import Environment, NoEnvironmentError
from app.commands.key_algorithm import KeyAlgorithm
from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.settings import AccessSettings, Settings
from tests.access.signing.keys import elliptic, modular, signing_key
from tests.conftest import SECRET
from tests.identities import Identities

PATH = "/api/auth/.well-known/jwks.json"
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k", "r", "t", "priv"}
"""RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1; RFC 8037 and later kinds of keys use `d` and `priv`."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def test_with_the_secret_alone_there_are_no_keys(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get(PATH)
    assert (answer.status_code, answer.json()) == (200, {"keys": []})


async def test_public_keys_are_published_and_nothing_private(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    resources: Resources = app.state.resources
    over = datetime.now(UTC) - timedelta(seconds=1)
    later = datetime.now(UTC) + timedelta(hours=1)
    resources.signing_keys.replace(
        [
            signing_key(elliptic(), LONG_AGO),
            signing_key(modular(), later),
            signing_key(elliptic("retired"), LONG_AGO, later, whole=False),
            signing_key(elliptic("over"), LONG_AGO, over, whole=False),
        ]
    )
    answer = await anonymous.get(PATH)
    shown = {key["kid"]: key for key in answer.json()["keys"]}
    assert set(shown) == {signing_key(key).kid for key in (elliptic(), modular(), elliptic("retired"))}
    assert shown[signing_key(modular()).kid].keys() == {"kty", "use", "alg", "kid", "n", "e"}
    assert shown[signing_key(elliptic()).kid].keys() == {"kty", "use", "alg", "kid", "crv", "x", "y"}
    assert names(answer.json()) & PRIVATE_MEMBERS == set()
    for key in (elliptic(), elliptic("retired")):
        number = key.private_numbers().private_value
        assert str(number) not in answer.text
    assert {key["use"] for key in shown.values()} == {"sig"}


def names(value: Any) -> set[str]:
    """Every member name at any depth."""
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in names(inner)}
    return {name for inner in value for name in names(inner)} if isinstance(value, list) else set()


async def test_caches_are_told_how_long_and_asked_again_by_etag(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    first = await anonymous.get(PATH)
    assert first.headers["Cache-Control"] == "public, max-age=300"
    for condition in (first.headers["ETag"], f'W/{first.headers["ETag"]}, "other"', "*"):
        again = await anonymous.get(PATH, headers={"If-None-Match": condition})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    app.state.resources.signing_keys.replace([signing_key(elliptic())])
    changed = await anonymous.get(PATH, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


async def test_a_token_of_a_key_that_was_taken_away_counts_no_more_even_if_it_was_seen(
    app: FastAPI, anonymous: httpx.AsyncClient, identities: Identities
) -> None:
    resources: Resources = app.state.resources
    resources.signing_keys.replace([signing_key(elliptic(), LONG_AGO)])
    _, user_id = await identities.user("VIEWER")
    tokens = AccessTokens(resources.secret, resources.settings.access, resources.signing_keys)
    token = tokens.issue(user_subject(user_id), resources.clock()).text
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await anonymous.get("/api/auth/me", headers=bearer)).status_code == 200
    assert isinstance(resources.authenticator, DirectoryAuthenticator)
    resources.signing_keys.replace([signing_key(modular(), LONG_AGO)])
    assert (await anonymous.get("/api/auth/me", headers=bearer)).status_code == 401


@pytest.fixture
def place(urls: DatabaseUrls, tmp_path: Path) -> Environment:
    access = AccessSettings(signing_keys=tmp_path / "keys", key_activation_seconds=600)
    return Environment(Settings(home=tmp_path / "home", access=access), urls, SECRET)


async def test_keys_from_the_terminal_are_made_shown_retired_and_audited(
    place: Environment, owner: asyncpg.Connection
) -> None:
    access = place.settings.access
    keys.prepare(access)
    one = await keys.new_key(place, KeyAlgorithm.ES256)
    two = await keys.new_key(place, KeyAlgorithm.RS256)
    later = datetime.now(UTC) + timedelta(minutes=11)
    assert [line.split("  ")[1:] for line in keys.listed(access, later)] == [
        ["ES256", "verifies, may be retired"],
        ["RS256", "signs"],
    ]
    assert "signs from" in keys.listed(access)[0]
    retired = await keys.retire_key(place, one.key.kid[:20], last=False)
    assert retired.key.kid == one.key.kid
    assert "retired, verifies until" in "".join(keys.listed(access))
    for kid, reason in ((one.key.kid, "retired already"), ("zz!", "no such key"), ("", "no such key")):
        with pytest.raises(NoEnvironmentError, match=reason):
            await keys.retire_key(place, kid, last=False)
    rows = await owner.fetch("SELECT action, entity_id, before, after FROM spyne.audit_log ORDER BY id")
    assert [(row["action"], row["entity_id"]) for row in rows] == [
        ("signing-key:create", one.key.kid),
        ("signing-key:create", two.key.kid),
        ("signing-key:retire", one.key.kid),
    ]
    assert "PRIVATE" not in str([dict(row) for row in rows])


async def test_the_only_key_that_signs_is_kept_unless_it_is_meant(place: Environment, tmp_path: Path) -> None:
    access = AccessSettings(signing_keys=tmp_path / "keys", key_activation_seconds=0)
    at_once = Environment(Settings(home=tmp_path / "home", access=access), place.urls, SECRET)
    keys.prepare(access)
    key = await keys.new_key(at_once, KeyAlgorithm.ES256)
    with pytest.raises(NoEnvironmentError, match="No other key signs yet"):
        await keys.retire_key(at_once, key.key.kid, last=False)
    assert (await keys.retire_key(at_once, key.key.kid, last=True)).key.private is None


async def test_without_the_setting_there_is_no_directory(place: Environment) -> None:
    bare = Environment(Settings(home=place.settings.home), place.urls, SECRET)
    with pytest.raises(NoEnvironmentError, match="ACCESS_SIGNING_KEYS is not set"):
        await keys.new_key(bare, KeyAlgorithm.ES256)


def test_nothing_issues_tokens_by_other_keys_than_the_process_has() -> None:
    """Made without the process's keys, `AccessTokens` would sign by the secret for ever."""
    folder = Path(keys.__file__).parents[1]
    made = [(path.name, re.findall(r"\bAccessTokens\(([^)]*)\)", path.read_text())) for path in folder.rglob("*.py")]
    found = {(name, call) for name, calls in made for call in calls}
    assert {name for name, _ in found} == {"authenticator.py", "grants.py"}
    assert all(call.endswith(", signing_keys") for _, call in found)
