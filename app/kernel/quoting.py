"""How a name and a text are written in SQL. Callers check before that the name or text is one they take.

`standard_conforming_strings` is on, as it is by default, so that a backslash is an ordinary character.
"""

import re
from collections.abc import Container
from typing import Final

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")


def quote_identifier(name: str) -> str:
    """The quoted identifier that names exactly `name`: `a"b` becomes `"a""b"`."""
    return '"' + name.replace('"', '""') + '"'


def quote_if_needed(name: str, reserved: Container[str] = ()) -> str:
    """The name as people write it: quoted where it is no plain lower-case name, or one of the reserved words."""
    return name if _PLAIN.fullmatch(name) and name not in reserved else quote_identifier(name)


def quote_literal(text: str) -> str:
    """The string literal that means exactly `text`: `it's` becomes `'it''s'`."""
    return "'" + text.replace("'", "''") + "'"
