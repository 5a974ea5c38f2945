"""Seasons over two years as they are written: `2023/24`. Pure."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from app.query.language.reading.tokens import Token

_SEASON: Final = re.compile(r"((?:19|20)\d\d)[/\-\u2013]((?:\d\d)?\d\d)")
_PARTS: Final = 3


def season(tokens: Sequence[Token], place: int) -> str | None:
    """The season that three tokens without blanks between them are; None of any other year or fraction."""
    parts = tokens[place : place + _PARTS]
    if len(parts) < _PARTS or any(one.end != two.start for one, two in pairwise(parts)):
        return None
    found = _SEASON.fullmatch(text := "".join(each.text for each in parts))
    return text if found is not None and (int(found[1]) + 1) % 100 == int(found[2]) % 100 else None
