"""Values of settings: switches, whole numbers, quoted lists."""

from collections.abc import Mapping

_TRUE = frozenset({"1", "true", "t", "yes", "y", "on", "enabled"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off", "disabled"})
MAX_DIGITS = 18
"""A longer number is no limit that anything could reach."""


def is_switch(value: str) -> bool:
    """Whether Splunk takes the text as true or false."""
    return value.strip().lower() in _TRUE | _FALSE


def switch(settings: Mapping[str, str], key: str, default: bool) -> bool:
    """The switch's value; the default where the key is missing or says neither."""
    value = settings.get(key, "").strip().lower()
    if value in _TRUE:
        return True
    return False if value in _FALSE else default


def number(settings: Mapping[str, str], key: str, default: int) -> int:
    """The whole number; the default where the key is missing or is no number."""
    value = settings.get(key, "").strip()
    return int(value) if is_number(value) else default


def is_number(text: str) -> bool:
    """Whether the text is a whole number of at most MAX_DIGITS digits, with or without a sign."""
    digits = text[1:] if text[:1] in {"-", "+"} else text
    return digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS


def listed(value: str) -> tuple[str, ...]:
    """The names of a list with commas, without the empty ones: `TRANSFORMS-x = a, b`."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def quoted_list(value: str) -> tuple[str, ...]:
    r"""The items of a list with commas in which an item may stand in double quotes: `"a,b", c` has two items.

    A backslash takes the next character as it is, but `\t`, `\n` and `\r` (transforms.conf.spec, DELIMS and FIELDS).
    """
    items: list[str] = []
    held: list[str] = []
    quoted = False
    was_quoted = False
    position = 0
    while position < len(value):
        character = value[position]
        if character == "\\" and position + 1 < len(value):
            position += 1
            held.append({"t": "\t", "n": "\n", "r": "\r"}.get(value[position], value[position]))
        elif character == '"':
            quoted, was_quoted = not quoted, True
            if quoted:
                held = []
        elif character == "," and not quoted:
            items.append("".join(held) if was_quoted else "".join(held).strip())
            held, was_quoted = [], False
        elif quoted or not was_quoted:
            held.append(character)
        position += 1
    if held or was_quoted:
        items.append("".join(held) if was_quoted else "".join(held).strip())
    return tuple(items)


_NAMED_CHARACTERS = {
    "space": " ",
    "tab": "\t",
    "\\t": "\t",
    "fs": "\x1c",
    "gs": "\x1d",
    "rs": "\x1e",
    "us": "\x1f",
    "none": "",
    "whitespace": "whitespace",
    "ws": "whitespace",
}
"""props.conf.spec, "special string delimiters" of structured data."""
_HEX_CHARACTER = 4


def delimiter(settings: Mapping[str, str], key: str, default: str) -> str:
    r"""The character that the setting names: `space`, `tab`, `\x14`, `,`; `whitespace` stands for any run of blanks."""
    if key not in settings:
        return default
    value = settings[key].strip()
    named = _NAMED_CHARACTERS.get(value.lower())
    if named is not None:
        return named
    if value.startswith("\\x") and len(value) == _HEX_CHARACTER:
        try:
            return chr(int(value.removeprefix("\\x"), 16))
        except ValueError:
            return default
    unquoted = value.strip('"') if len(value) > 1 else value
    return unquoted[:1] or default
