"""Sentences in which people say what they mean by words: `by revenue I mean sum(amount) of paid orders`. Pure."""

import re
from typing import Final

EXAMPLE: Final = "by revenue I mean sum(amount) of paid orders"

_TERM: Final = r"(?P<term>\S(?:.*?\S)?)"
_MEANT: Final = r"(?P<meant>\S.*)"
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE | re.DOTALL)
    for form in (
        rf"(?:by|with|for|when i say|if i say)\s+{_TERM}\s*,?\s+(?:i|we)\s+(?:really\s+)?mean(?:t)?\s+{_MEANT}",
        r"(?:i|we)\s+mean(?:t)?\s+(?P<meant>\S.*?)\s+(?:by|with)\s+(?P<term>\S.*)",
        r"(?:use|take)\s+(?P<meant>\S.*?)\s+(?:for|instead of)\s+(?P<term>\S.*)",
        rf"{_TERM}\s+(?:means?|should be|stands for|refers to|is the same as|is|are)\s+{_MEANT}",
        rf"{_TERM}\s*[=:]\s*{_MEANT}",
    )
)
_QUOTED: Final = re.compile(r"(?:\"([^\"]+)\"|'([^']+)'|`([^`]+)`|\u201c([^\u201d]+)\u201d|\u2018([^\u2019]+)\u2019)")
_ARTICLE: Final = re.compile(r"(?:the|a|an)\s+(?=\S)", re.IGNORECASE)


def term_and_meaning(sentence: str) -> tuple[str, str] | None:
    """The term and what is meant by it, of a sentence that says so; None of any other."""
    text = " ".join(sentence.split()).rstrip(" .!;,")
    for form in _FORMS:
        if found := form.fullmatch(text):
            term, meant = _bare(found["term"]), _unquoted(found["meant"])
            return (term, meant) if term and meant else None
    return None


def _bare(term: str) -> str:
    """The term without quotes around it and without an article in front."""
    return _unquoted(_ARTICLE.sub("", _unquoted(term.strip(" ,")), count=1))


def _unquoted(text: str) -> str:
    """The text without the quotes that stand around the whole of it."""
    found = _QUOTED.fullmatch(text)
    return next(part for part in found.groups() if part).strip() if found else text
