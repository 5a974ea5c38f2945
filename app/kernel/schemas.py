"""The base of every request and of every answer that is also a request, and the words that people give with one."""

import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


class StrictModel(BaseModel):
    """A document with the declared fields and no others."""

    model_config = ConfigDict(extra="forbid")


_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers of Hangul and the empty pattern of Braille: letters and a symbol by their category, and shown as nothing."""


def _visible(text: str) -> str:
    if not any(unicodedata.category(each)[0] in "LNPS" and each not in _BLANK for each in text):
        raise ValueError("give it in words that can be seen")
    return text


Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000), AfterValidator(_visible)
]
"""Why somebody decides something, for history and audit: at least one character of it can be seen."""

Rationale = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=10, max_length=500), AfterValidator(_visible)
]
"""Why somebody goes against a rule, or makes one for all: more than a word, and shown beside what comes of it."""
