"""How a name and a text are written in SQL. Callers check before that the name or text is one they take.

`standard_conforming_strings` is on, as it is by default, so that a backslash is an ordinary character.
"""

import re
from collections.abc import Iterable
from typing import Final

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]*")

_RESERVED: Final = """
    all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
    current_catalog current_date current_role current_time current_timestamp current_user default deferrable
    desc distinct do else end except false fetch for foreign from grant group having in initially intersect
    into lateral leading limit localtime localtimestamp not null offset on only or order placing primary
    references returning select session_user some symmetric system_user table then to trailing true union
    unique user using variadic when where window with authorization binary collation concurrently cross
    current_schema freeze full ilike inner is isnull join left like natural notnull outer overlaps right
    similar tablesample verbose
"""
RESERVED: Final = frozenset(_RESERVED.split())
"""Words that PostgreSQL takes for no name of a table or of its alias, unless quoted (appendix C of its manual)."""


def quote_identifier(name: str) -> str:
    """The quoted identifier that names exactly `name`: `a"b` becomes `"a""b"`."""
    return '"' + name.replace('"', '""') + '"'


def quote_if_needed(name: str) -> str:
    """The name as people write it: quoted where it is no plain lower-case name, or a reserved word."""
    return name if _PLAIN.fullmatch(name) and name not in RESERVED else quote_identifier(name)


def equalities(left: str, right: str, pairs: Iterable[tuple[str, str]]) -> str:
    """SQL of what is equal between two sources of FROM: `orders.customer_id = customers.customer_id`.

    A table that is joined with itself is called `employees` on the left, and `employees_2` on the right.

    Args:
        left: the name of a source, unquoted.
        right: that of the other.
        pairs: a column of the left and one of the right, for each equality.
    """
    one, other = quote_if_needed(left), quote_if_needed(right if right != left else f"{right}_2")
    return " AND ".join(f"{one}.{quote_if_needed(column)} = {other}.{quote_if_needed(same)}" for column, same in pairs)


def quote_literal(text: str) -> str:
    """The string literal that means exactly `text`: `it's` becomes `'it''s'`."""
    return "'" + text.replace("'", "''") + "'"
