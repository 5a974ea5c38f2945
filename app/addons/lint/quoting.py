"""Quotation marks and parentheses of expressions and searches."""

_CLOSING = {"(": ")", "[": "]"}


def unbalanced(text: str, quotes: str = '"') -> str | None:
    """What is not closed in the text, in words; None where all is. A backslash takes the next character as it is."""
    opened: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character in quotes:
            end = closing_quote(text, position)
            if end is None:
                return f"a quotation mark {character} at character {position + 1} is not closed"
            position = end
        elif character in "([":
            opened.append(character)
        elif character in ")]":
            if not opened or _CLOSING[opened.pop()] != character:
                return f"a {character} at character {position + 1} closes nothing"
        elif character == "\\":
            position += 1
        position += 1
    return f"{len(opened)} parenthesis or bracket is not closed" if opened else None


def closing_quote(text: str, start: int) -> int | None:
    """Where the quotation mark at that position is closed; None where it is not."""
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == text[start]:
            return position
        position += 1
    return None


def outside_quotes(text: str) -> str:
    """The text with everything within double quotes, marks included, replaced by spaces."""
    parts: list[str] = []
    position = 0
    while position < len(text):
        if text[position] == '"':
            end = closing_quote(text, position)
            end = len(text) - 1 if end is None else end
            parts.append(" " * (end - position + 1))
            position = end
        else:
            parts.append(text[position])
        position += 1
    return "".join(parts)
