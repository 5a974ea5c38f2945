"""TIME_PREFIX: regular expressions that lead to the times of a sample, the most telling first.

None of them can backtrack for long: every repeated class is followed by a character that the class leaves out.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from app.addons.timestamps.keys import Key, KeySyntax

_LONGEST_LITERAL = 60
_MOST_NUMBERS = 2
"""Priority and version of syslog; four numbers are an address, which may also have another form."""
_MOST_TOKENS = 16
_MOST_SYNTAXES = 4
"""A key that is written in more ways is not worth a pattern."""
_SPECIAL = re.compile(r"([\\.^$*+?{}\[\]|()])")
_NAMED = re.compile(r"(?:[A-Za-z_@][\w.@-]*[=:(\[]{1,2}[\"']?)+", re.ASCII)
"""Names that open a time, as `msg=audit(`: they stay the same in other events, which other words may not."""
_DELIMITERS = ",;|\t"


def escaped(text: str) -> str:
    """The text as a regular expression; spaces and quotes stay readable."""
    return _SPECIAL.sub(r"\\\1", text).replace("\t", r"\t").replace("\r", r"\r").replace("\n", r"\n")


def prefixes(before: Sequence[str], keys: Sequence[Key | None]) -> list[str]:
    """The patterns that may lead to the times, by the text before each time and the key of each."""
    if not before:
        return []
    found = [] if any(each is None for each in keys) else list(_by_key(before, [each for each in keys if each]))
    return list(dict.fromkeys([*found, *_by_text(before)]))


def _by_key(before: Sequence[str], keys: Sequence[Key]) -> Iterator[str]:
    syntaxes = [each for each, _ in Counter(_key_pattern(key) for key in keys).most_common(_MOST_SYNTAXES)]
    if all(text == key.context for text, key in zip(before, keys, strict=True)) and len(syntaxes) == 1:
        yield f"^{syntaxes[0]}"
    if len(syntaxes) > 1:
        yield f"(?:{'|'.join(_bounded(each) for each in syntaxes)})"
        return
    yield _bounded(syntaxes[0])
    if syntaxes[0][0].isalnum():
        yield rf"(?<![\w.@-]){syntaxes[0]}"


def _bounded(pattern: str) -> str:
    return rf"\b{pattern}" if pattern[0].isalnum() or pattern[0] == "_" else pattern


def _key_pattern(key: Key) -> str:
    """The key as JSON, pairs and elements may write it, with or without spaces."""
    if key.syntax is KeySyntax.JSON:
        return rf'"{escaped(key.name)}"\s*:\s*' + ('"' if key.context.endswith('"') else "")
    return escaped(key.context)


def _by_text(before: Sequence[str]) -> Iterator[str]:
    plain = {_numbers_open(text) for text in before}
    if (
        len(plain) == 1
        and not re.search(r"[^\W\d_]", before[0])
        and len(re.findall(r"\d+", before[0])) <= _MOST_NUMBERS
    ):
        yield f"^{plain.pop()}"
    if all(re.fullmatch(r"[A-Z]", text) for text in before):
        yield "^[A-Z]"
    openers = {re.split(r"\s", text)[-1] for text in before}
    opener = openers.pop() if len(openers) == 1 else None
    if opener is not None:
        if _NAMED.fullmatch(opener) and len(opener) <= _LONGEST_LITERAL:
            yield _bounded(escaped(opener))
        yield from _by_tokens(before, opener)
    yield from _by_last_character(before)
    yield from _by_delimiter(before)
    suffix = _common_suffix(before)
    if re.search(r"\w\W*\w", suffix):
        yield escaped(suffix)


def _numbers_open(text: str) -> str:
    """The text as a pattern in which numbers stand for any number, as the priority of syslog."""
    return re.sub(r"\d+", lambda _: r"\d+", escaped(text))


def _by_tokens(before: Sequence[str], opener: str) -> Iterator[str]:
    r"""So many words, then what opens the time: `^\S+ \S+ \S+ \[`."""
    if re.search(r"\w", opener):
        return
    heads = [text[: len(text) - len(opener)] for text in before]
    counts = Counter(len(text.split()) for text in heads if text[:1].strip() or not text)
    if not counts:
        return
    count = counts.most_common(1)[0][0]
    if not 0 < count <= _MOST_TOKENS:
        return
    gap = " " if all(re.fullmatch(r"(?:\S+ )*", text) for text in heads) else r"\s+"
    word = rf"\S+{gap}"
    words = word * count if count <= 3 else rf"(?:{word}){{{count}}}"  # noqa: PLR2004 - longer ones are counted
    yield f"^{words}{escaped(opener)}"


def _by_last_character(before: Sequence[str]) -> Iterator[str]:
    """Whatever stands before the first bracket, quote or bar: words differ in number from event to event."""
    last = {text[-1:] for text in before}
    if len(last) != 1:
        return
    character = last.pop()
    if not character or character.isalnum() or character.isspace():
        return
    if all(text.count(character) == 1 for text in before):
        yield rf"^[^\{character}]*{escaped(character)}"


def _by_delimiter(before: Sequence[str]) -> Iterator[str]:
    """So many columns before the time."""
    for delimiter in _DELIMITERS:
        counts = Counter(text.count(delimiter) for text in before)
        count, _ = counts.most_common(1)[0]
        if not 0 < count <= _MOST_TOKENS:
            continue
        written = escaped(delimiter)
        column = f"[^{written}]*{written}"
        quote = '"' if all(text.endswith('"') for text in before) else ""
        yield f"^{column * count}{quote}" if count <= 2 else f"^(?:{column}){{{count}}}{quote}"  # noqa: PLR2004


def _common_suffix(before: Sequence[str]) -> str:
    """The longest text in which all end, at most forty characters."""
    shortest = min(before, key=len)
    length = 0
    while length < min(len(shortest), 40) and all(text[-length - 1] == shortest[-length - 1] for text in before):
        length += 1
    return shortest[len(shortest) - length :]
