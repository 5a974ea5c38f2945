"""Functions of eval on texts. Each takes the values of its arguments; what does not fit gives null.

A text function applied to several values is applied to each (Search reference, "Text functions").
"""

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from urllib.parse import unquote_plus

from app.addons.replay.eval.values import MAX_TEXT_CHARACTERS, Value, as_number, as_text, as_texts, from_texts
from app.addons.replay.settings.wildcards import fits, tokens

MAX_VALUES = 1_000


def each_text(function: Callable[[str], str]) -> Callable[..., Value]:
    """The function of one argument that applies the given one to each of its values."""

    def applied(value: Value) -> Value:
        return from_texts(tuple(function(text) for text in as_texts(value)))

    return applied


def stripped(how: Callable[[str, str | None], str]) -> Callable[..., Value]:
    """trim, ltrim, rtrim: the text without the given characters, by default spaces and tabs."""

    def applied(value: Value, characters: Value = None) -> Value:
        removed = as_text(characters) or " \t"
        return from_texts(tuple(how(text, removed) for text in as_texts(value)))

    return applied


def substr(value: Value, start: Value, length: Value = None) -> Value:
    """The part of the text from a position that counts from 1, or from the end where negative."""
    text, begin, count = as_text(value), as_number(start), as_number(length)
    if text is None or begin is None:
        return None
    first = int(begin) - 1 if begin > 0 else max(0, len(text) + int(begin)) if begin < 0 else 0
    return text[first:] if count is None else text[first : first + max(0, int(count))]


def length(value: Value) -> Value:
    """The number of characters."""
    text = as_text(value)
    return None if text is None else float(len(text))


def split(value: Value, delimiter: Value) -> Value:
    """The texts between the delimiters."""
    text, between = as_text(value), as_text(delimiter)
    if text is None or between is None:
        return None
    return from_texts(tuple(text.split(between, MAX_VALUES) if between else text[:MAX_VALUES]))


def mvindex(value: Value, start: Value, end: Value = None) -> Value:
    """The value at that place from 0, from the end where negative; up to and with `end` where given."""
    texts, first = as_texts(value), as_number(start)
    if first is None:
        return None
    begin = int(first) + (len(texts) if first < 0 else 0)
    last = as_number(end)
    stop = begin if last is None else int(last) + (len(texts) if last < 0 else 0)
    return from_texts(texts[begin : stop + 1]) if 0 <= begin <= stop else None


def mvcount(value: Value) -> Value:
    """The number of values; null for none."""
    count = len(as_texts(value))
    return float(count) if count else None


def mvjoin(value: Value, delimiter: Value) -> Value:
    """The values as one text."""
    texts, between = as_texts(value), as_text(delimiter)
    if between is None or not texts:
        return None
    most = MAX_TEXT_CHARACTERS // max(1, len(between)) + 1
    return between.join(texts[:most])[:MAX_TEXT_CHARACTERS]


def mvappend(*values: Value) -> Value:
    """All values of all arguments."""
    return from_texts(tuple(text for value in values for text in as_texts(value))[:MAX_VALUES])


def mvdedup(value: Value) -> Value:
    """The values, each once."""
    return from_texts(tuple(dict.fromkeys(as_texts(value))))


def like(value: Value, pattern: Value) -> Value:
    """Whether the text fits the pattern, `%` any text and `_` any character."""
    form, texts = as_text(pattern), as_texts(value)
    if form is None or not texts:
        return None
    parts = tokens(form, "%", "_")
    return any(fits(parts, text) for text in texts)


def cidrmatch(network: Value, address: Value) -> Value:
    """Whether the address lies in the network; null where either is none."""
    wide, narrow = as_text(network), as_text(address)
    if wide is None or narrow is None:
        return None
    try:
        return ip_address(narrow.strip()) in ip_network(wide.strip(), strict=False)
    except ValueError:
        return False


def urldecode(value: Value) -> Value:
    """The text with `%20` and `+` read."""
    text = as_text(value)
    return None if text is None else unquote_plus(text)
