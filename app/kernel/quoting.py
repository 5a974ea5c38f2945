"""How a name and a text are written in SQL. Callers check before that the name or text is one they take.

`standard_conforming_strings` is on, as it is by default, so that a backslash is an ordinary character.
"""


def quote_identifier(name: str) -> str:
    """The quoted identifier that names exactly `name`: `a"b` becomes `"a""b"`."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """The string literal that means exactly `text`: `it's` becomes `'it''s'`."""
    return "'" + text.replace("'", "''") + "'"
