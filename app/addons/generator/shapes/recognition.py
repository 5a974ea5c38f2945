"""The shape of one value: the first one whose form matches the whole of it."""

from functools import lru_cache

from app.addons.generator.shapes.fragments import FORMS
from app.addons.generator.shapes.shape import Shape
from app.addons.regexes import MatchLimit, compile_regex

MAX_SHAPED_CHARACTERS = 4_096
"""A longer value is a word or a text: nothing with a form of its own is so long."""
_KEPT_CHARACTERS = 256
_KEPT_VALUES = 16_384

_FORMED = tuple(shape for shape in FORMS if shape not in {Shape.WORD, Shape.TEXT, Shape.IP})
_RECOGNISER = r"\A(?:" + "|".join(rf"(?<{s.name}>{FORMS[s].recognises or FORMS[s].extracts})\z" for s in _FORMED) + ")"
"""All forms in one expression: the first alternative that reaches the end of the value names the shape."""


def shape_of(value: str) -> Shape:
    """The value's shape. Blanks at both ends do not count; never raises."""
    stripped = value.strip()
    return _kept_shape(stripped) if len(stripped) <= _KEPT_CHARACTERS else _shape(stripped)


def _shape(value: str) -> Shape:
    if len(value) <= MAX_SHAPED_CHARACTERS:
        try:
            found = compile_regex(_RECOGNISER).search(value)
        except MatchLimit:
            found = None
        if found is not None:
            return next(shape for shape in _FORMED if found.named[shape.name] is not None)
    return Shape.TEXT if any(character.isspace() for character in value) else Shape.WORD


@lru_cache(maxsize=_KEPT_VALUES)
def _kept_shape(value: str) -> Shape:
    return _shape(value)
