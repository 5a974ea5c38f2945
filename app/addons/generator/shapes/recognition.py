"""The shape of one value: the first one whose form matches the whole of it."""

import re
from functools import lru_cache

from app.addons.generator.shapes.fragments import FORMS
from app.addons.generator.shapes.shape import Shape

MAX_SHAPED_CHARACTERS = 4_096
"""A longer value is a word or a text: nothing with a form of its own is so long."""
_KEPT_CHARACTERS = 256
_KEPT_VALUES = 16_384

_FORMED = tuple(shape for shape in FORMS if shape not in {Shape.WORD, Shape.TEXT, Shape.IP})
_RECOGNISER = re.compile(
    "|".join(
        rf"(?P<{shape.name}>(?:{FORMS[shape].recognises or FORMS[shape].extracts})\Z)" for shape in _FORMED
    ).replace(r"\z", r"\Z"),
    re.ASCII,
)
"""All forms in one expression: the first alternative that reaches the end of the value names the shape.

Python's engine, which reads these forms as PCRE2 does (but for the name of the end) and says at once which
alternative it was: a sample has tens of thousands of values.
"""


def shape_of(value: str) -> Shape:
    """The value's shape. Blanks at both ends do not count; never raises."""
    stripped = value.strip()
    return _kept_shape(stripped) if len(stripped) <= _KEPT_CHARACTERS else _shape(stripped)


def _shape(value: str) -> Shape:
    found = _RECOGNISER.match(value) if len(value) <= MAX_SHAPED_CHARACTERS else None
    if found is not None:
        return Shape[str(found.lastgroup)]
    return Shape.TEXT if any(character.isspace() for character in value) else Shape.WORD


@lru_cache(maxsize=_KEPT_VALUES)
def _kept_shape(value: str) -> Shape:
    return _shape(value)
