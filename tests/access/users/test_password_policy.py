"""Which passwords may be set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.passwords.password_policy import (
    MAX_LENGTH,
    UnsuitablePassword,
    check_suitable,
    is_common,
    is_made_of,
    reasons,
)
from app.kernel.security.policy import PasswordPolicy

POLICY = PasswordPolicy()

GUESSED_FIRST = [
    "password1234", "Passw0rd!!!!", "P@ssw0rd2026!", "123456789012", "210987654321", "qwertyuiop12", "qwertyuiopas",
    "poiuytrewq12", "aaaaaaaaaaaa", "abcabcabcabc", "letmeinletmein", "Welcome2026!!", "abcdefghijkl", "lkjihgfedcba",
    "admin-admin-admin", "iloveyou-12345", "trustno1trustno1", "1qaz2wsx3edc", "------------", "Dragon.Monkey.2",
]  # fmt: skip
FINE = [
    "correct horse battery staple", "493027184650", "Tr0ub4dor&3xyz", "my dragon likes red cheese", "vN3-kQ0_bZ7w",
    "Größenwahn im Herbst", "\N{SNOWMAN}" * 3 + "x1 tea for two",
]  # fmt: skip


@pytest.mark.parametrize("password", GUESSED_FIRST)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    assert is_common(password)
    with pytest.raises(UnsuitablePassword) as refused:
        check_suitable(password, POLICY)
    assert password not in str(refused.value.document(None))
    assert reasons(password, PasswordPolicy(refuse_common=False)) == []


@pytest.mark.parametrize("password", FINE)
def test_what_is_not_is_taken(password: str) -> None:
    assert reasons(password, POLICY, ("ada", "ada@example.org", "Ada Lovelace")) == []


@pytest.mark.parametrize(
    ("password", "names", "refused"),
    [
        ("ada.lovelace1", ("ada", None, "Ada Lovelace"), True),
        ("LovelaceAda99", ("ada", None, "Ada Lovelace"), True),
        ("ada@example.org", ("ada", "ada@example.org", None), True),
        ("ada reads much more", ("ada",), False),
        ("al is short, a name too", ("al",), False),
        ("nothing of the kind", ("ada", None, None), False),
        ("zoe4711", ("zoe",), True),
        ("zo4711", ("zo",), False),  # two letters are chance
        ("zoe" + "4k7m1p9", ("zoe",), True),
        ("zoe" + "4k7m1p9x", ("zoe",), False),  # eight characters beside the name
    ],
)
def test_a_password_is_not_made_of_the_persons_name(
    password: str, names: tuple[str | None, ...], refused: bool
) -> None:
    assert is_made_of(password, names) is refused


@pytest.mark.parametrize(
    ("password", "common"),
    [
        ("kq7zv2xw" * 2, True),
        ("kq7zv2xwj" * 2, False),  # nine characters, said twice
        ("99rtyu99", True),
        ("99rty99", False),  # three neighbours are no run
    ],
)
def test_what_is_repeated_or_runs_is_short(password: str, common: bool) -> None:
    assert is_common(password) is common


def test_a_password_has_twelve_to_1024_characters() -> None:
    long = "a sentence with many words in it, " * 40
    for size, fits in ((11, False), (12, True), (1024, True), (1025, False)):
        assert (reasons(long[-size:], POLICY) == []) is fits, size


def test_every_reason_is_told() -> None:
    with pytest.raises(UnsuitablePassword) as refused:
        check_suitable("abc\x00", PasswordPolicy(min_length=16), ("abc",))
    assert [fault.pointer for fault in refused.value.faults] == ["/password"] * 3
    assert "16" in refused.value.detail


@given(st.text(max_size=60), st.lists(st.text(max_size=12), max_size=3))
def test_any_text_has_an_answer_that_does_not_repeat_it(password: str, names: list[str]) -> None:
    found = reasons(password, POLICY, names)
    assert bool(found) >= (len(password) < POLICY.min_length)
    if len(password) >= POLICY.min_length:
        assert not any(password in reason for reason in found)


def test_long_passwords_cost_nothing() -> None:
    assert reasons("a " * MAX_LENGTH, POLICY) == [f"A password has 12 to {MAX_LENGTH} characters."]
