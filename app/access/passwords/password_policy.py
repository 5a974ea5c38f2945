"""Which passwords may be set. Rules only: length, and nothing that a guesser tries first.

No rules of composition: they make people write `Password1!` (NIST SP 800-63B section 3.1.1.2).
"""

import itertools
import re
from collections.abc import Iterable, Sequence

from app.access.passwords.passwords import is_text
from app.kernel.problems import Fault, InvalidRequest
from app.kernel.security.policy import PasswordPolicy

MAX_LENGTH = 1024
"""Characters; what a password costs does not grow with its length, what it takes to receive it does."""

MIN_NAME = 3
"""Characters from which a name within a password is no chance."""
MIN_BESIDE_NAME = 8
"""Characters that a password must have beside the person's own name."""
MAX_UNIT = 8
"""A password that repeats so few characters is as good as those alone."""
MIN_RUN = 4

_WORDS = frozenset(
    """
    abc abcd access account admin administrator adobe alex amanda andrea andrew angel anthony apple ashley asdf asdfgh
    asdfghjkl austin azerty bailey banana barney baseball basketball batman biteme blahblah buster changeit changeme
    charlie cheese chelsea chocolate company computer cookie daniel database default demo diamond donald dragon enter
    family flower football freedom gandalf george ginger google guest hallo hannah harley hello hockey hunter internet
    iloveyou jennifer jessica jesus jordan joshua killer letmein liverpool login london love lovely maggie master
    matrix matthew maverick mercedes merlin michael michelle monkey monster mustang naruto nicole ninja nothing oracle
    pass passw password passwort passwd pepper pokemon postgres princess purple qazwsx qwer qwert qwerty qwertz
    qwertyuiop qwertzuiop root samsung sample secret server service shadow sommer soccer spring spyne starwars summer
    sunshine superman superuser system temp temporary test tester testing thomas tigger trustno user username welcome
    whatever william winter wizard work yankees zaq zxcv zxcvbn zxcvbnm
    """.split()  # noqa: SIM905 - a paragraph is easier to read than a column
)
"""Cores of the passwords that lists of the most used ones agree on; with digits and signs around they are no better."""

_ROWS = ("qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "01234567890123456789", "1qaz2wsx3edc4rfv5tgb6yhn")
_LEET = str.maketrans("0134578@$!", "oieastbasi")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_BETWEEN = re.compile(r"[\W_]+")


class UnsuitablePassword(InvalidRequest):
    """The password is too short, too long, not text, or one that is guessed first."""

    code, title = "unsuitable-password", "The password is not suitable"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(
            " ".join(reasons), faults=[Fault(pointer="/password", code=self.code, message=reason) for reason in reasons]
        )


def check_suitable(password: str, policy: PasswordPolicy, names: Iterable[str | None] = ()) -> None:
    """Return when the password may be set. Raises `UnsuitablePassword` with every reason.

    Args:
        password: as it is to be.
        policy: what an admin decided.
        names: the person's own names: username, e-mail address, name to show.
    """
    found = reasons(password, policy, names)
    if found:
        raise UnsuitablePassword(found)


def reasons(password: str, policy: PasswordPolicy, names: Iterable[str | None] = ()) -> list[str]:
    """Everything that speaks against the password, in words that do not repeat it."""
    found = []
    if not policy.min_length <= len(password) <= MAX_LENGTH:
        found.append(f"A password has {policy.min_length} to {MAX_LENGTH} characters.")
    if not is_text(password):
        found.append("A password holds no NUL and no lone surrogates.")
    if policy.refuse_common and len(password) <= MAX_LENGTH:
        if is_common(password):
            found.append("The password is one of those that are guessed first.")
        elif is_made_of(password, names):
            found.append("The password is made of the person's own name.")
    return found


def is_common(password: str) -> bool:
    """Whether it is a well-known password, a run or a repetition, whatever digits and signs are around it."""
    text = password.casefold()
    if _repeats(text) or _runs(text):
        return True
    core = _AROUND.sub("", text)
    spellings = {_BETWEEN.sub("", spelling) for spelling in (core, core.translate(_LEET), text.translate(_LEET))}
    return any(_is_made_of_words(spelling) or _runs(spelling) for spelling in spellings)


def is_made_of(password: str, names: Iterable[str | None]) -> bool:
    """Whether little remains of the password without the person's names."""
    text = password.casefold()
    parts = {part for name in names if name for part in re.split(r"[\W_]+", name.casefold())}
    parts |= {name.casefold() for name in names if name}
    found = [part for part in sorted(parts, key=len, reverse=True) if len(part) >= MIN_NAME and part in text]
    for part in found:
        text = text.replace(part, "")
    return bool(found) and len(text) < MIN_BESIDE_NAME


def _repeats(text: str) -> bool:
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, min(MAX_UNIT, len(text) // 2) + 1))


def _runs(text: str) -> bool:
    """Whether the keys lie side by side on the keyboard, in the alphabet or among the digits, either way."""
    if len(text) < MIN_RUN:
        return False
    if any(text in row or text[::-1] in row for row in _ROWS):
        return True
    steps = {ord(later) - ord(earlier) for earlier, later in itertools.pairwise(text)}
    return steps in ({1}, {-1})


def _is_made_of_words(text: str) -> bool:
    """Whether the text is nothing but common words, one after another."""
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(text[start:end] in _WORDS for start in reached if end - start <= _LONGEST):
            reached.add(end)
    return bool(text) and len(text) in reached


_LONGEST = max(map(len, _WORDS))
