"""Texts that are split at delimiters: DELIMS and FIELDS of a transform (transforms.conf.spec)."""

from collections.abc import Iterator

MAX_PIECES = 5_000


def pieces(text: str, delimiters: str, *, with_empty: bool) -> Iterator[str]:
    r"""The texts between delimiter characters; a delimiter within double quotes does not count, `\"` is no quote.

    Without empty pieces, several delimiters in a row are one, as Splunk does unless FIELDS names the pieces.
    """
    begin, position, quoted, count = 0, 0, False, 0
    while position < len(text) and count < MAX_PIECES:
        character = text[position]
        if character == "\\" and position + 1 < len(text) and text[position + 1] == '"':
            position += 2
            continue
        if character == '"':
            quoted = not quoted and text.find('"', position + 1) >= 0
        elif character in delimiters and not quoted:
            if with_empty or position > begin:
                yield text[begin:position]
                count += 1
            begin = position + 1
        position += 1
    if with_empty or begin < len(text):
        yield text[begin:]


def unquoted(text: str) -> str:
    r"""The text without blanks and double quotes around, `\"` within quotes read as a quote."""
    stripped = text.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] == '"':
        return stripped[1:-1].replace('\\"', '"')
    return stripped


def named_values(text: str, delimiters: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Each name with the piece in its place."""
    for name, piece in zip(names, pieces(text, delimiters, with_empty=True), strict=False):
        yield name, unquoted(piece)


def pairs(text: str, between: str, within: str) -> Iterator[tuple[str, str]]:
    """Name and value of each pair: pairs end at characters of `between`, a name at the first of `within`."""
    for piece in pieces(text, between, with_empty=False):
        at = next((index for index, character in enumerate(piece) if character in within), None)
        if at is not None:
            yield piece[:at].strip(), unquoted(piece[at + 1 :])


def alternating(text: str, delimiters: str) -> Iterator[tuple[str, str]]:
    """Name and value in turn, where there is one set of delimiters and no FIELDS."""
    found = list(pieces(text, delimiters, with_empty=False))
    for name, value in zip(found[0::2], found[1::2], strict=False):
        yield unquoted(name), unquoted(value)
