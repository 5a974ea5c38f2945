"""Settings of a language model: whole or refused, and the key in no text."""

import pytest
from pydantic import ValidationError

from app.settings import LanguageModelSettings

WHOLE = {"url": "https://models.example/v1", "name": "m", "api_key": "sk-hunter2"}
WRONG: dict[str, dict[str, object]] = {
    "plain http": {"url": "http://models.example/v1"},
    "another scheme": {"url": "file:///etc/passwd", "allow_http": True},
    "a login": {"url": "https://me:sk-hunter2@models.example/v1"},
    "a query": {"url": "https://models.example/v1?key=sk-hunter2"},
    "a fragment": {"url": "https://models.example/v1#sk-hunter2"},
    "no name": {"name": ""},
    "a key of two lines": {"api_key": "sk-hunter2\r\nX-Other: 1"},
    "a key with a space": {"api_key": "sk-hunter2 x"},
    "a key beyond ASCII": {"api_key": "sk-hunter2é"},
    "no time": {"timeout_seconds": 0},
    "too much time": {"timeout_seconds": 600},
    "nobody at once": {"concurrency": 0},
}


def test_nothing_is_needed_and_nothing_is_known() -> None:
    assert LanguageModelSettings().url is None


def test_a_whole_one_shows_no_key() -> None:
    settings = LanguageModelSettings.model_validate(WHOLE)
    assert "hunter2" not in repr(settings)
    assert LanguageModelSettings.model_validate(WHOLE | {"url": "http://x/v1", "allow_http": True}).url == "http://x/v1"


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_without_a_secret(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LanguageModelSettings.model_validate(WHOLE | WRONG[name])
    assert "hunter2" not in " ".join(fault["msg"] for fault in caught.value.errors())
