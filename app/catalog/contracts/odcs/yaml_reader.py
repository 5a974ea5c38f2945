"""YAML as the service accepts it: what JSON can say, by the core schema of YAML 1.2.

Pure. The library parses the text into events; what they mean is decided here, so that no constructor of the library
ever runs. By YAML 1.2 `yes`, `2026-01-31` and `12:30` are text. Refused, each with its place: tags, merge keys, keys
that are no text, repeated keys, `.nan` and `.inf`, further documents, an alias inside of what it stands for, more than
`MAX_ANCHORS` anchors; and, with aliases counted as often as they stand there, what `strict_json` refuses for its size.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import yaml

from app.kernel.problems import pointer_to
from app.kernel.strict_json import MAX_DEPTH, MAX_DIGITS, MAX_VALUES

MAX_ANCHORS: Final = 100
"""Anchors of one document; contracts written by people use a handful."""

MAX_REAL_LENGTH: Final = 400
"""Characters of a number with a fraction or exponent: more than any double has digits."""

NULL: Final = re.compile(r"null|Null|NULL|~|")
TRUE: Final = re.compile(r"true|True|TRUE")
FALSE: Final = re.compile(r"false|False|FALSE")
DECIMAL_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
OTHER_INTEGER: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
REAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
"""The core schema's forms of plain scalars (YAML 1.2.2, section 10.3.2)."""

_TEXT_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})
_MERGE: Final = "<<"


class InvalidYamlError(ValueError):
    """The text is not YAML as the service accepts it; the message says where by line and column."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A value that aliases may stand for, with how many values and levels it has."""

    value: Any
    values: int
    depth: int


class _Open:
    """A collection whose end has not come yet."""

    __slots__ = ("anchor", "began", "depth", "key", "value")

    def __init__(self, value: dict[str, Any] | list[Any], anchor: str | None, began: int) -> None:
        self.value = value
        self.anchor = anchor
        self.began = began
        """How many values there were before."""
        self.depth = 1
        """Levels that it has so far, itself included."""
        self.key: str | None = None
        """The key whose value comes next."""


def loads(body: bytes) -> Any:
    """The document as JSON values, numbers with a fraction as `Decimal`. Raises `InvalidYamlError`."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidYamlError(f"not UTF-8 at byte {error.start}") from error
    reader = _Reader()
    try:
        for event in _events(text):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise InvalidYamlError(f"{error.problem or 'not YAML'}{_at(mark)}", reader.pointer) from error
    except yaml.YAMLError as error:
        raise InvalidYamlError("a control character, which YAML has to escape") from error
    if not reader.ended:
        raise InvalidYamlError("there is no document in it")
    return reader.result


def _events(text: str) -> Iterator[yaml.Event]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
    return events


def _at(mark: Any) -> str:
    """The place of a mark of the library, if there is one."""
    return f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""


class _Reader:
    """Builds the document from events."""

    def __init__(self) -> None:
        self.result: Any = None
        self.ended = False
        self._open: list[_Open] = []
        self._anchored: dict[str, _Anchored] = {}
        self._anchors = 0
        self._values = 0

    @property
    def pointer(self) -> str:
        """JSON pointer of what is being read."""
        return pointer_to(
            len(each.value) if isinstance(each.value, list) else each.key
            for each in self._open
            if isinstance(each.value, list) or each.key is not None
        )

    def take(self, event: yaml.Event) -> None:
        """Take the next event. Raises `InvalidYamlError`."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.DocumentEndEvent):
            self.ended = True
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._collection(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close()

    def _begin(self, event: yaml.DocumentStartEvent) -> None:
        if self.ended:
            raise self._fault("a second document begins", event)
        if event.version is not None and tuple(event.version) < (1, 2):
            raise self._fault("the directive asks for YAML 1.1, in which yes and no are not text; write 1.2", event)

    def _collection(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if self._awaits_key:
            raise self._fault("a key is a text, not a mapping or a list", event)
        if event.tag is not None:
            raise self._fault("a tag; only !!str is taken, on text", event)
        if len(self._open) >= MAX_DEPTH:
            raise self._fault(f"nested deeper than {MAX_DEPTH} levels", event)
        self._count(1, event)
        self._name(event.anchor, event)
        self._open.append(_Open({} if mapping else [], event.anchor, self._values - 1))

    def _close(self) -> None:
        done = self._open.pop()
        if done.anchor is not None:
            self._anchored[done.anchor] = _Anchored(done.value, self._values - done.began, done.depth)
        self._put(done.value, done.depth)

    def _alias(self, event: yaml.AliasEvent) -> None:
        if self._awaits_key:
            raise self._fault("a key is written out, and is no alias", event)
        found = self._anchored.get(event.anchor or "")
        if found is None:
            raise self._fault("an alias of what is not there before it, or holds the alias itself", event)
        if len(self._open) + found.depth > MAX_DEPTH:
            raise self._fault(f"nested deeper than {MAX_DEPTH} levels", event)
        self._count(found.values, event)
        self._put(found.value, found.depth)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            raise self._fault("a tag; only !!str is taken, on text", event)
        plain = event.tag is None and bool(event.implicit[0])
        value = self._plain(event) if plain else event.value
        if self._awaits_key:
            self._key(value, event, plain=plain)
            return
        self._count(1, event)
        self._name(event.anchor, event)
        if event.anchor is not None:
            self._anchored[event.anchor] = _Anchored(value, 1, 0)
        self._put(value, 0)

    def _key(self, key: Any, event: yaml.ScalarEvent, *, plain: bool) -> None:
        if not isinstance(key, str):
            raise self._fault(f"the key {event.value[:64]} is no text; put it in quotes", event)
        if plain and key == _MERGE:
            raise self._fault("a merge key; write the fields out", event)
        if event.anchor is not None:
            raise self._fault("an anchor on a key", event)
        if key in self._open[-1].value:
            raise self._fault(f"the key {key[:64]!r} occurs twice in one object", event)
        self._open[-1].key = key

    def _plain(self, event: yaml.ScalarEvent) -> Any:
        text = event.value
        if NULL.fullmatch(text):
            return None
        if TRUE.fullmatch(text) or FALSE.fullmatch(text):
            return TRUE.fullmatch(text) is not None
        if NOT_FINITE.fullmatch(text):
            raise self._fault(f"{text} is no number that JSON has", event)
        number = DECIMAL_INTEGER.fullmatch(text) or OTHER_INTEGER.fullmatch(text)
        if number and len(text) > MAX_DIGITS:
            raise self._fault(f"an integer has more than {MAX_DIGITS} digits", event)
        if number:
            return int(text, 0) if OTHER_INTEGER.fullmatch(text) else int(text)
        if REAL.fullmatch(text) is None:
            return text
        if len(text) > MAX_REAL_LENGTH or abs(float(text)) == float("inf"):
            raise self._fault("a number is beyond the range of double precision", event)
        return Decimal(text)

    def _put(self, value: Any, depth: int) -> None:
        if not self._open:
            self.result = value
            return
        parent = self._open[-1]
        parent.depth = max(parent.depth, depth + 1)
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not None:
            parent.value[parent.key] = value
            parent.key = None

    def _count(self, more: int, event: yaml.Event) -> None:
        self._values += more
        if self._values > MAX_VALUES:
            raise self._fault(f"more than {MAX_VALUES} values, those that aliases stand for included", event)

    def _name(self, anchor: str | None, event: yaml.Event) -> None:
        if anchor is None:
            return
        self._anchors += 1
        if self._anchors > MAX_ANCHORS:
            raise self._fault(f"more than {MAX_ANCHORS} anchors", event)
        self._anchored.pop(anchor, None)

    @property
    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _fault(self, message: str, event: yaml.Event) -> InvalidYamlError:
        return InvalidYamlError(f"{message}{_at(event.start_mark)}", self.pointer)
