"""Patterns of any-text and any-character marks, matched in a time that the product of both lengths bounds."""

from collections.abc import Sequence

ANY_TEXT, ANY_CHARACTER = object(), object()


def tokens(pattern: str, any_text: str, any_character: str = "") -> list[object]:
    """The pattern's parts: characters, and marks for those that stand for any text and for any character."""
    marks: dict[str, object] = {any_text: ANY_TEXT}
    if any_character:
        marks[any_character] = ANY_CHARACTER
    return [marks.get(character, character) for character in pattern]


def fits(pattern: Sequence[object], text: str) -> bool:
    """Whether the pattern matches the whole text; of marks for any text only the last is tried again."""
    at = place = 0
    mark, resume = -1, 0
    while place < len(text):
        part = pattern[at] if at < len(pattern) else None
        if part is ANY_TEXT:
            mark, resume = at, place
            at += 1
        elif part is ANY_CHARACTER or (part is not None and part == text[place]):
            at, place = at + 1, place + 1
        elif mark >= 0:
            resume += 1
            at, place = mark + 1, resume
        else:
            return False
    return all(part is ANY_TEXT for part in pattern[at:])


def fits_ignoring_case(pattern: str, text: str) -> bool:
    """Whether `*` in the pattern taken as any text makes it the text, whatever the case of letters."""
    return fits(tokens(pattern.casefold(), "*"), text.casefold())
