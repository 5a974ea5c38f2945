"""One secret, and what is derived from it."""

import base64
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from app.kernel.security.secrets import MIN_BYTES, ServiceSecret, WeakSecretError, load_secret
from app.settings import Settings

VALUE = b"thirty-two bytes of a test secret"


@given(st.text(max_size=30), st.text(max_size=30))
def test_every_purpose_has_a_key_of_its_own(one: str, other: str) -> None:
    secret = ServiceSecret(VALUE)
    one, other = (text.encode("utf-8", "replace").decode() for text in (one, other))
    assert (secret.key(one) == secret.key(other)) == (one == other)
    assert len(secret.key(one)) == 32
    assert (secret.password(one) == secret.password(other)) == (one == other)
    assert len(base64.urlsafe_b64decode(secret.password(one) + "=")) == 32


def test_another_secret_gives_other_keys_and_the_same_the_same() -> None:
    assert ServiceSecret(VALUE).key("x") == ServiceSecret(VALUE).key("x")
    assert ServiceSecret(VALUE).key("x") != ServiceSecret(VALUE + b"!").key("x")
    assert ServiceSecret(VALUE).password("x") != ServiceSecret(VALUE).key("x").hex()


def test_it_never_shows_itself() -> None:
    secret = ServiceSecret(VALUE)
    assert VALUE.decode() not in f"{secret!r} {secret} {[secret]}"
    assert not hasattr(secret, "__dict__")


def test_short_ones_are_refused_without_being_shown() -> None:
    ServiceSecret(b"x" * MIN_BYTES)
    with pytest.raises(WeakSecretError) as refused:
        ServiceSecret(b"hush" * 7)
    assert "hush" not in str(refused.value)


def test_it_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "deep" / "home")
    first = load_secret(settings)
    file = settings.home / "secret"
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_secret(settings).key("x") == first.key("x")
    assert [path.name for path in settings.home.iterdir()] == ["secret"]
    assert load_secret(Settings(home=tmp_path / "other")).key("x") != first.key("x")


def test_of_many_first_starts_all_read_the_same(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    keys: list[bytes] = []
    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        keys.append(load_secret(settings).key("x"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_the_configured_one_counts(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, secret=SecretStr(VALUE.decode()))
    assert load_secret(settings).key("x") == ServiceSecret(VALUE).key("x")
    assert not (tmp_path / "secret").exists()


@pytest.mark.parametrize("content", ["", "short\n", "not base64!\n", "ä" * 80])
def test_a_damaged_file_is_no_secret(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_text(content)
    with pytest.raises(WeakSecretError):
        load_secret(Settings(home=tmp_path))
