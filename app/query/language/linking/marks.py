"""Marks: what a span of a question may be, before the parser decides how it hangs together."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.query.language.reading.dates import DateRange
from app.query.language.reading.lexicon import Role


class MarkKind(StrEnum):
    """What a span of words is."""

    NOUN = "noun"
    """A table or a column."""
    VALUE = "value"
    """A value of a column."""
    NUMBER = "number"
    QUOTED = "quoted"
    """A quoted text that is no known value."""
    NAME = "name"
    """Words with capitals that are no known value: usable behind the name of a column alone."""
    WHEN = "when"
    WORD = "word"
    """A word that says what to do: its role says what."""
    VERB = "verb"
    COMMA = "comma"
    STOP = "stop"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that a span may mean."""

    table: str
    column: str | None
    worth: float
    evidence: str
    value: str | None = None
    part: bool = False
    """Whether the words are only a part of the values meant."""
    also: tuple[str, ...] = ()
    """Further values meant with it: other spellings, or all that hold the word."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of a question with what it may be."""

    kind: MarkKind
    text: str
    start: int
    end: int
    links: tuple[Link, ...] = field(default=())
    role: Role | None = None
    detail: str = ""
    number: float | int | None = None
    percent: bool = False
    when: DateRange | None = None
    plural: bool = False

    @property
    def link(self) -> Link:
        """What it means, once that is decided: the first of its links."""
        return self.links[0]

    @property
    def is_table(self) -> bool:
        """Whether it names a table."""
        return self.kind is MarkKind.NOUN and self.link.column is None

    @property
    def is_column(self) -> bool:
        """Whether it names a column."""
        return self.kind is MarkKind.NOUN and self.link.column is not None
