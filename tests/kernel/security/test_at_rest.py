"""Secrets at rest: only the service's own secret, or the one before it, reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.security.at_rest import SecretBox, UnreadableSecretError, masked
from app.kernel.security.secrets import ServiceSecret

OLD = ServiceSecret(b"o" * 32)
NEW = ServiceSecret(b"n" * 32, OLD)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_was_sealed_opens_again_and_never_shows_itself(text: str) -> None:
    box = SecretBox(NEW)
    sealed = box.seal(text)
    assert sealed.isascii()
    assert sealed != box.seal(text)
    assert box.open(sealed) == text
    assert len(text) < 4 or text not in sealed


def test_a_new_secret_reads_what_the_one_before_it_wrote_and_not_the_other_way() -> None:
    assert SecretBox(NEW).open(SecretBox(OLD).seal("hook")) == "hook"
    with pytest.raises(UnreadableSecretError):
        SecretBox(OLD).open(SecretBox(NEW).seal("hook"))


@pytest.mark.parametrize("text", ["", "x", "é", "gAAAA", "a" * 500])
def test_what_is_no_sealed_text_is_refused(text: str) -> None:
    with pytest.raises(UnreadableSecretError):
        SecretBox(NEW).open(text)


def test_a_changed_text_is_refused() -> None:
    sealed = SecretBox(NEW).seal("hook")
    for place in range(0, len(sealed), 7):
        changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        with pytest.raises(UnreadableSecretError):
            SecretBox(NEW).open(changed)


@pytest.mark.parametrize(
    ("text", "shown"), [("", "••••"), ("short-secret", "••••"), ("whsec_" + "x" * 20 + "abcd", "••••abcd")]
)
def test_masks_show_the_end_of_long_secrets_alone(text: str, shown: str) -> None:
    assert masked(text) == shown
