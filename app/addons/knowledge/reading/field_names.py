"""Names of fields in texts and queries, each as one word that a search compares: `src_ip` is `srcip`. Pure.

PostgreSQL's parser divides `src_ip` into two words, reads `id.orig_h` as a host and `cs-uri-stem` as four words; each
source writes the same field in another way (`src_ip`, `srcip`, `srcIp`). So names are written down without their
separators, in small letters, beside the text: both that of passages and that of queries.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MAX_NAME: Final = 64
"""Characters of a name, without its separators."""
MAX_NAMES: Final = 300
"""Names of one passage that are kept: a passage of 1,500 characters has room for few more."""

_NAME: Final = re.compile(
    r"[A-Za-z0-9]+(?:(?:[_.:/-]|::|\{\}\.)[A-Za-z0-9]+)*(?:\([A-Za-z0-9]+(?:[_.-][A-Za-z0-9]+)*\))?"
)
"""A word with separators inside: `src_ip`, `cs-uri-stem`, `id.orig_h`, `cs(User-Agent)`, `a{}.b`, `cisco:asa`."""
_SEPARATORS: Final = re.compile(r"[^A-Za-z0-9]+")
_DIVIDES: Final = re.compile(r"[.:/()]+")
"""Between what are names by themselves: of `id.orig_h` also `orig_h`."""
_DEFINED: Final = re.compile(
    r"^[^\S\n]*[-*+\u2022|`\"'%@$ ]*(?P<name>[A-Za-z_][\w.:(){}/-]{0,80})[`\"'*]*(?:[^\S\n]+\([^)\n]{1,60}\))?"
    r"[^\S\n]*(?:\||:[^\S\n]|=[^\S\n]|[^\S\n][-\u2013\u2014][^\S\n])",
    re.MULTILINE,
)
"""The name at the begin of a line that says what it is: `src_ip | Source`, `- src_ip: Source`, `src_ip (text) - It is`;
the dash may be a long one."""


@dataclass(frozen=True, slots=True)
class PassageNames:
    """The names of a passage, each without its separators."""

    defined: tuple[str, ...]
    """Those that the passage is about: in its last heading, or at the begin of a line that explains them."""
    mentioned: tuple[str, ...]
    """Others, if they are of several parts: single words are in the text as they are."""


def plain_name(name: str) -> str:
    """The name as it is compared: without separators, in small letters."""
    return _SEPARATORS.sub("", name).lower()[:MAX_NAME]


def names_in(text: str) -> list[str]:
    """The names of several parts in the text, in their order, each once."""
    return _unique(plain for found in _NAME.finditer(text) for plain in _of_several_parts(found[0]))


def _of_several_parts(name: str) -> Iterable[str]:
    if not _SEPARATORS.search(name):
        return
    yield plain_name(name)
    for part in _DIVIDES.split(name):
        if part != name and _SEPARATORS.search(part):
            yield plain_name(part)


def passage_names(headings: Sequence[str], text: str) -> PassageNames:
    """The names of a passage."""
    heading = headings[-1] if headings else ""
    titled = [plain_name(heading)] if heading and " " not in heading.strip() else []
    explained = (plain_name(found["name"]) for found in _DEFINED.finditer(text))
    defined = _unique([*titled, *names_in(heading), *explained])
    known = set(defined)
    return PassageNames(tuple(defined), tuple(name for name in names_in(text) if name not in known))


def all_names(text: str) -> list[str]:
    """Every word and name of the text, each once."""
    return _unique(plain_name(found[0]) for found in _NAME.finditer(text))


def without_separators(text: str) -> str:
    """The text with each name of several parts as one word: `src_ip of cs(User-Agent)` is `srcip of csuseragent`."""
    return _NAME.sub(lambda found: plain_name(found[0]), text)


def names_at(text: str) -> list[tuple[int, int, str]]:
    """Begin, end and plain name of each word and name of the text."""
    return [(found.start(), found.end(), plain_name(found[0])) for found in _NAME.finditer(text)]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))[:MAX_NAMES]
